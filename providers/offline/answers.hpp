// answers.hpp -- one function a step: what a model would say, computed.
//
// A *desk* is what the functions work at: the repository, the configuration
// and the surveys made so far. All of them block, none throws on purpose, and
// each answers in the form that ledger/judge.hpp demands.

#pragma once

#include "providers/offline/survey.hpp"
#include "providers/offline/trees.hpp"
#include "providers/registry.hpp"

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace providers::offline {

/// Surveys by tree. All tasks of a batch share a base: one makes the survey
/// while the others wait for it. Thread-safe.
class survey_cache {
public:
  ledger::result<std::shared_ptr<const survey>> of(const git& g, const std::string& tree);

private:
  std::mutex mutex_;
  std::deque<std::pair<std::string, std::shared_ptr<const survey>>> made_;
};

struct desk {
  provider_context context;
  survey_cache surveys;
};

ledger::result<std::string> audit(desk& d, const request& r);
ledger::result<std::string> decide(desk& d, const request& r);
ledger::result<std::string> plan(desk& d, const request& r);
ledger::result<std::string> implement(desk& d, const request& r);
ledger::result<std::string> fix(desk& d, const request& r);
ledger::result<std::string> review(desk& d, const request& r);
ledger::result<std::string> verify(desk& d, const request& r);

/// What the blocks that a request carries ask for: of its prompt, then of the
/// notes that a person added.
ledger::result<std::vector<deed>> deeds_of(const desk& d, const request& r);

/// `text` on one line for Markdown: control characters, back ticks and bytes
/// that are no UTF-8 spelled `\xNN`, at most 200 bytes.
std::string shown(std::string_view text);

/// shown() between back ticks.
std::string code(std::string_view text);

/// The paths as a comma-separated list of at most `most`, the rest counted.
std::string code_list(const std::vector<std::string>& paths, std::size_t most);

/// A bullet for each check of the configuration: what must exit with 0.
std::string check_bullets(const ledger::checks_config& c);

/// What a run.log says in its own lines; what a check printed is set in and
/// therefore says nothing here (checks.hpp).
struct log_reading {
  bool green = false;  ///< Ends with `result: GREEN`, and no check failed.
  std::string tree;    ///< That it is about; empty: it does not say.
  std::string bullets; ///< Each check and its result.
};
log_reading read_log(std::string_view run_log);

/// Whether `path` matches one of `globs`.
bool matches_any(const std::vector<std::string>& globs, std::string_view path);

} // namespace providers::offline
