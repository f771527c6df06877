// specs.hpp -- what the toolbox asks of the tools' descriptions (tools_for()).
//
// Pure. Private to tools/.

#pragma once

#include "providers/conversation.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace providers::tools {

/// Whether the tool changes files.
bool writes(std::string_view tool);
/// The names of its arguments.
std::vector<std::string> arguments_of(const tool_spec& s);

} // namespace providers::tools
