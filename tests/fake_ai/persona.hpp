// persona.hpp -- a model that knows one trade: adding lines to files.
//
// The *page writer* plays every step of the pipeline by the rules of
// docs/PROMPTS.md. It changes the files that the prompt names in back ticks:
// each gets one more line at its end, or is made. Who names none is told NO.
//
//   1. It answers the same question with the same reply.
//   2. It uses tools if they are offered, and does without them if not.
//   3. It reads the prompt only in its envelope: a line
//      `<<< FILE inputs/prompt.md…`, and what follows up to the next envelope or
//      the end of the part.
//
// Pure.

#pragma once

#include "tests/fake_ai/speech.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace fake_ai {

/// Where a question says what it is about: the last lines `Task: NAME` and
/// `Step: NAME` of the last text that has a step. Empty: it does not say.
struct subject {
  std::string task, step;
};
subject subject_of(const std::vector<std::string>& texts);

/// Whether a name may be a task's: it becomes a part of paths.
bool is_task_name(std::string_view name);

/// The ledger file `path` in the question; empty: it is not there.
std::string enveloped(const std::vector<std::string>& texts, std::string_view path);

/// The paths that a prompt names in back ticks and that may be changed.
std::vector<std::string> writable_paths(std::string_view prompt);

reply page_writer(const question& q);

} // namespace fake_ai
