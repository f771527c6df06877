// control_message.hpp -- what is said to a scheduler at work, and its answer.
//
// A *request* is one line of JSON: an order (ledger/person.hpp) without the name
// of whoever gives it, which the kernel tells. An *answer* is one line of JSON:
// an exit code and what to print.
//
//   1. Anything but a request to the letter (unknown keys, another type, a step
//      or task that cannot be) is refused as a whole; nothing is guessed.
//   2. Neither is longer than max_request_bytes.
//
// Pure.

#pragma once

#include "cli/exit_code.hpp"
#include "ledger/person.hpp"
#include "ledger/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace cli {

/// A note of 1 MiB, each byte of it escaped, and the rest.
inline constexpr std::size_t max_request_bytes = 6 * 1024 * 1024 + 64 * 1024;

struct control_answer {
  exit_code code = exit_code::all_done;
  std::string text;
  bool ending = false; ///< Nothing was done, because the run is over: try again.
};

/// With its newline.
std::string request_line(const ledger::person_order& o);
/// Of a line without its newline. Errors: refused, saying what is wrong with it.
ledger::result<ledger::person_order> parse_request(std::string_view line);

std::string answer_line(const control_answer& a);
/// Errors: refused.
ledger::result<control_answer> parse_answer(std::string_view line);

} // namespace cli
