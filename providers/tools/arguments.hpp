// arguments.hpp -- what a model wrote as the arguments of a call.
//
//   1. An argument that is missing, unknown or of the wrong type is an error that
//      names it and the tool; nothing is guessed.
//   2. `null` is "not given": services with strict schemas send it for every
//      optional argument. A whole number may come as 5.0: some services know no
//      other numbers.
//
// Pure. Private to tools/.

#pragma once

#include "ledger/record.hpp"
#include "providers/conversation.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace providers::tools {

class arguments {
public:
  /// `known`: the names that `c.name` takes. Outlived by the call.
  arguments(const tool_call& c, const std::vector<std::string>& known);

  std::string text(const char* name); ///< Required.
  std::optional<std::string> optional_text(const char* name);
  /// Absent: `otherwise`.
  std::int64_t number(const char* name, std::int64_t otherwise, std::int64_t least,
                      std::int64_t most);
  bool flag(const char* name); ///< Absent: false.

  /// The first error; empty: none. To be looked at before anything is done.
  const std::string& error() const noexcept { return error_; }

private:
  const ledger::json* at(const char* name, bool required);
  void wrong(const std::string& why);

  const tool_call* call_;
  std::string error_;
};

} // namespace providers::tools
