// openai_kit.hpp -- what OpenAI's two protocols share: errors and headers.
//
// Private to tests/fake_ai. Pure.

#pragma once

#include "tests/fake_ai/vendor_kit.hpp"

namespace fake_ai {

json openai_error(const refusal& r);
header_list openai_limit_headers(const limits_state& s);
header_list openai_refusal_headers(const refusal& r);
/// What both say to a wrong key.
refusal openai_wrong_key(const std::string& key);
/// What both say to a prompt that is too long; other stops are none.
std::optional<refusal> openai_refusal_of(const std::string& stop);

} // namespace fake_ai
