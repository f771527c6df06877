// provider.hpp -- whoever answers in an AI's role.
//
// A *provider* turns a *request* (the ledger files of the step, read from disk
// by the role) into an *answer*: text, and for writing steps the changed files
// in the request's worktree; or calls of tools, which the role runs before it
// asks again with what came of them (`turns`). A provider that works in turns
// never sees the worktree; one that runs a program of its own answers at once.
//
//   1. `done` is called exactly once, from any thread, possibly before ask()
//      returns.
//   2. A provider writes nothing but the worktree it was given.
//   3. An answer that is empty, cut off or a refusal is a failure, never an
//      answer. What follows from a failure its kind says, and nothing else.
//   4. identity() is what the ledger records as provider, model and version.

#pragma once

#include "ledger/config.hpp"
#include "ledger/record.hpp"
#include "ledger/result.hpp"
#include "ledger/step_table.hpp"
#include "providers/conversation.hpp"
#include "providers/throttle.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
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
  std::string worktree;                ///< A checkout: writing steps, and whoever works in one.
  std::vector<std::string> objects;    ///< What the worktree's .git refers to (lease::objects).
  std::vector<std::string> masked;     ///< Files of the worktree that nobody may read.
  std::vector<turn> turns;             ///< What was said since, each with its results.
};

/// The text of the input at `path`, or empty.
std::string_view input_text(const request& r, std::string_view path);

struct answer {
  std::string text;
  double usd = 0;
  ledger::json usage = ledger::json::object();
  std::vector<tool_call> calls = {}; ///< Not empty: a turn, and `text` is no answer yet.
  ledger::json raw = {};             ///< Of a turn: what the model said, verbatim.
  tokens used = {};
  rate_hint hint = {};
};

/// Why a call brought no answer.
struct call_failure {
  enum class kind : std::uint8_t {
    wait,    ///< The provider is to be left alone for `wait`: nobody's attempt.
    outage,  ///< It did not answer; asking again may help: nobody's attempt.
    spoiled, ///< It answered, but no answer (cut off, empty, malformed): an attempt.
    refused, ///< Asking it again cannot help: the next provider of the role, or a person.
  } is = kind::outage;
  std::string code; ///< Stable: "rate-limited", "cut-off", "refusal", "key-invalid", …
  std::string why;  ///< A sentence that names the thing and the remedy.
  std::optional<std::chrono::milliseconds> wait = {}; ///< The service's own hint.
  bool may_be_billed = false; ///< And nobody knows how much: the reservation is spent.
  double usd = 0;             ///< What it did cost, where the service said so.
  tokens used = {};
  rate_hint hint = {};

  call_failure() = default;
  call_failure(kind k, std::string c, std::string w)
      : is(k)
      , code(std::move(c))
      , why(std::move(w)) {}
  /// Of providers that know only whether asking again may help.
  call_failure(ledger::failure f)
      : is(f.kind == ledger::fault::refused ? kind::refused : kind::outage)
      , code(std::move(f.code))
      , why(std::move(f.detail)) {}
};

/// As a record's usage.
ledger::json usage_of(const tokens& t);

/// What a call may come to.
struct call_bound {
  double usd = 0;           ///< At most: this is put aside.
  std::uint64_t tokens = 0; ///< As a rule: the throttle corrects it afterwards.
};

struct identity {
  std::string provider, model, version;
};

using answer_callback = std::function<void(tl::expected<answer, call_failure>)>;

class provider {
public:
  virtual ~provider() = default;
  virtual identity who() const = 0;
  virtual void ask(std::shared_ptr<const request> r, answer_callback done) = 0;
  /// Whether it reads a checkout in steps that write nothing, too: a program with
  /// tools of its own.
  virtual bool works_in_checkout() const { return false; }
  /// How fast it may be called; nothing: as fast as one likes.
  virtual std::optional<rate_limits> limits() const { return std::nullopt; }
  /// Longest that it is left alone on its own word.
  virtual std::chrono::milliseconds longest_wait() const { return std::chrono::hours(1); }
  /// The most that asking this can cost and use: put aside before the call.
  virtual call_bound bound(const request&) const { return {}; }
};

/// A provider under the name that the configuration gives it.
struct player {
  std::string name;
  std::shared_ptr<provider> who;
};

/// SHA-256 over what the provider is given, free of times and temporary paths.
std::string input_digest(const request& r);

} // namespace providers
