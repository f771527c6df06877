// conversation.hpp -- what is said to a model and what it says, as values.
//
// A *prompt* is what a model is told before it speaks: the *system* text, which
// is the same for every task, then *parts*, the files of the step, the most
// common first. A *turn* is what the model said in one answer, and what came
// of the tools that it called. *Tokens* are what the vendors count and bill.
//
//   1. A turn keeps what the model said verbatim (`raw`), as the vendor's own
//      JSON: signatures and ids in it go back unaltered.
//   2. A turn with calls has either no results yet, or one for each call, in
//      the order of the calls.
//   3. Turns survive a restart as JSON lines (line_of, turns_of): the results of
//      a turn are written with the turn that follows it, because a turn is
//      durable before its tools run.

#pragma once

#include "ledger/record.hpp"
#include "ledger/result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace providers {

/// What the vendors count, each only once: input that was read from a cache, or
/// written to one, is no plain input.
struct tokens {
  std::uint64_t input = 0;
  std::uint64_t cached = 0;  ///< Input that was read from the vendor's cache.
  std::uint64_t written = 0; ///< Input that was written to it.
  std::uint64_t output = 0;  ///< With what the model thought.
  std::uint64_t all() const noexcept { return input + cached + written + output; }
  friend bool operator==(const tokens&, const tokens&) = default;
};

/// A tool that the model wants to be run.
struct tool_call {
  std::string id; ///< The vendor's; empty where it gives none.
  std::string name;
  ledger::json arguments = ledger::json::object();
};

/// What came of it, as the model is told.
struct tool_result {
  std::string content;
  bool is_error = false; ///< Refused, or could not be done.
};

struct turn {
  ledger::json raw; ///< See 1 above.
  std::string text;
  std::vector<tool_call> calls;
  std::vector<tool_result> results; ///< See 2 above.
  tokens used;
};

/// A tool as it is offered to a model.
struct tool_spec {
  std::string name;
  std::string description;
  ledger::json parameters; ///< JSON Schema of an object.
};

struct prompt {
  std::string system;
  std::vector<std::string> parts;   ///< At least one.
  std::span<const tool_spec> tools; ///< They outlive the prompt.
  std::string cache_key;            ///< The same for all calls that begin with the same text.
};

/// The line of `t`, valid UTF-8 whatever went in. `results_before`: those of the
/// turn before it; of the first turn none. `request_sha256`: what it answers.
/// Written as its dump() and a newline.
ledger::json line_of(const turn& t, const std::vector<tool_result>& results_before,
                     std::string_view request_sha256);

/// The turns of such lines; the last has no results yet. Errors: corrupt, naming
/// the line, for whatever this program does not write.
ledger::result<std::vector<turn>> turns_of(std::string_view jsonl);

} // namespace providers
