// failures.hpp -- what a tool's complaint means.
//
// A *complaint* is what a tool says instead of an answer: an error's text and,
// where there is one, the HTTP status behind it.
//
//   1. Only what a tool marks as an error is read as a complaint, never a
//      model's words.
//   2. A complaint that nobody knows is `spoiled`: it uses up an attempt, so that
//      nothing is asked again for ever.
//
// Pure.

#pragma once

#include "providers/cli/tool.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace providers::cli {

struct complaint {
  std::string text;
  int status = 0; ///< HTTP; 0: looked for in the text.
};

/// May be billed, unless the service refused to have anything to do with it: a
/// run is many exchanges, and this may not be the first. Who knows that nothing
/// was done before says so.
call_failure failure_of(const tool& t, const complaint& c, const finished_run& run,
                        const cli_settings& s);

/// A failure whose text begins with the provider and ends with what was said.
call_failure make_failure(call_failure::kind is, std::string code, const tool& t,
                          const cli_settings& s, std::string_view what, std::string_view said = {});

/// Why a run is no answer whatever it printed: it was ended, or could not begin
/// in its cage. Nothing: read it.
std::optional<call_failure> ended_badly(const tool& t, const finished_run& run,
                                        const cli_settings& s);

/// The end of what a child printed, fit for a sentence. Without the key.
std::string last_words(std::string_view text, const cli_settings& s);

/// How long to wait, if the text says so: "try again in 3 hours 12 minutes",
/// "resets 5pm (UTC)", "try again at Aug 20, 2026, 7:38 AM", "reached|1762952400".
/// Times in other zones than UTC, and those that are over, say nothing.
std::optional<milliseconds> wait_in(std::string_view text, std::int64_t now_ms);

} // namespace providers::cli
