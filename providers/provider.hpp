// provider.hpp -- whoever answers in an AI's role.
//
// A *provider* turns a *request* (the ledger files of the step, read from disk
// by the role) into an *answer* (text; for writing steps also the changed
// files in the request's worktree).
//
//   1. `done` is called exactly once, from any thread, possibly before ask()
//      returns.
//   2. A provider writes nothing but the worktree it was given.
//   3. An answer that is empty, cut off or a refusal is a failure, never an
//      answer. Failure `unavailable` may be retried; `refused` parks the task
//      under its code.
//   4. identity() is what the ledger records as provider, model and version.

#pragma once

#include "ledger/config.hpp"
#include "ledger/record.hpp"
#include "ledger/result.hpp"
#include "ledger/step_table.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace providers {

/// A ledger file as the role read it.
struct input {
  std::string path; ///< Ledger path.
  std::shared_ptr<const std::string> text;
};

struct request {
  std::string task;
  ledger::step at = ledger::step::audit;
  std::uint32_t round = 1;
  std::uint32_t attempt = 1;
  std::vector<input> inputs;           ///< In the order of the step table.
  std::vector<input> evidence;         ///< Of a fix: what it answers to, numbered from 1.
  std::vector<std::string> complaints; ///< Why earlier attempts were refused.
  std::string base, base_tree;         ///< What the task starts from.
  std::string tree;                    ///< The candidate tree; empty before step 4.
  std::vector<std::string> allow;      ///< Of the prompt's front matter.
  std::string worktree;                ///< Writing steps: the folder to change.
};

/// The text of the input at `path`, or empty.
std::string_view input_text(const request& r, std::string_view path);

struct answer {
  std::string text;
  double usd = 0;
  ledger::json usage = ledger::json::object();
};

struct identity {
  std::string provider, model, version;
};

using answer_callback = std::function<void(ledger::result<answer>)>;

class provider {
public:
  virtual ~provider() = default;
  virtual identity who() const = 0;
  virtual void ask(std::shared_ptr<const request> r, answer_callback done) = 0;
};

/// SHA-256 over what the provider is given, free of times and temporary paths.
std::string input_digest(const request& r);

} // namespace providers
