// fakes.hpp -- git, checks, deploys and the AIs, as values that a test scripts.
//
// No mocking framework: each fake is a small program of its own that does the
// simplest thing its interface allows. All of them work at once and in the
// caller, and none touches a disk.

#pragma once

#include "ledger/digest.hpp"
#include "providers/checks.hpp"
#include "providers/deploy.hpp"
#include "providers/provider.hpp"
#include "providers/tools.hpp"
#include "providers/workspace.hpp"
#include "tests/support/answers.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tests {

using ledger::result;
using ledger::step;

/// A worktree whose next candidate a provider chooses by writing its name.
class fake_workspace : public providers::workspace {
public:
  struct fake_lease : providers::lease {
    explicit fake_lease(fake_workspace& o)
        : of(o) {}
    const std::filesystem::path& folder() const override { return of.folder; }
    result<providers::candidate> take(std::string_view) override { return of.next; }
    fake_workspace& of;
  };

  result<std::unique_ptr<providers::lease>> checkout(std::string_view, std::string_view,
                                                     providers::slot_wish) override {
    return std::make_unique<fake_lease>(*this);
  }
  result<void> ensure_tree(std::string_view, std::string_view, std::string_view) override {
    return {};
  }
  result<std::vector<ledger::change>> changes(std::string_view base_tree,
                                              std::string_view tree) override {
    if (base_tree == tree)
      return std::vector<ledger::change>{};
    return next.changes;
  }
  bool exists(std::string_view, std::string_view path) override { return path == "src/page.html"; }
  result<std::vector<std::string>> paths(std::string_view) override {
    return std::vector<std::string>{"src", "src/page.html"};
  }
  result<std::string> commit(const providers::commit_spec& c) override {
    return ledger::sha256(c.tree + c.parent + c.message + std::to_string(c.time_s)).substr(0, 40);
  }
  result<void> move_branch(std::string_view ref, std::string_view to,
                           std::string_view expected) override {
    const std::lock_guard lock(mutex);
    if (branches[std::string{ref}] != expected)
      return ledger::fail(ledger::fault::refused, "the ref moved", "ref-moved");
    branches[std::string{ref}] = to;
    ++moves;
    return {};
  }
  result<std::string> branch_tip(std::string_view ref) override {
    const std::lock_guard lock(mutex);
    return branches[std::string{ref}];
  }

  result<ledger::tip_of_branch> newest(const std::vector<std::string>& commits) override {
    return ledger::tip_of_branch{commits.front(), "tree of " + commits.front()};
  }

  /// Makes the next candidate `tree`, changing one allowed file.
  void will_be(const std::string& tree) {
    next.tree = tree;
    next.diff = "diff to " + tree + "\n";
    next.changes = {{"100644", "100644", "a", "b", 'M', "src/page.html"}};
  }

  std::filesystem::path folder = "/nowhere";
  providers::candidate next;
  std::map<std::string, std::string> branches;
  int moves = 0;
  std::mutex mutex; ///< Of branches and moves: the benchmarks use several threads.
};

class fake_checker : public providers::checker {
public:
  result<ledger::checks_outcome> run(std::string_view, std::string_view tree) override {
    ++runs;
    if (full > 0) {
      --full;
      return ledger::fail(ledger::fault::unavailable, "check out: No space left on device",
                          "disk-full");
    }
    ledger::checks_outcome c;
    c.tree = tree;
    c.ok = red.count(std::string{tree}) == 0;
    c.results.push_back({"test", c.ok, false, c.ok ? 0 : 1, c.ok ? "exit 0" : "exit 1", 1});
    c.run_log = std::make_shared<const std::string>(c.ok ? "result: GREEN\n" : "result: RED\n");
    return c;
  }
  std::set<std::string> red;
  int runs = 0;
  int full = 0; ///< How often the disk is full.
};

class fake_deployer : public providers::deployer {
public:
  result<providers::build_outcome> build(const providers::deploy_request&) override {
    return providers::build_outcome{true, "", "built\n"};
  }
  result<ledger::deploy_outcome> find(const providers::deploy_request& r) override {
    ledger::deploy_outcome d;
    d.ok = deployed.count(r.deploy_id) != 0;
    d.deploy_id = r.deploy_id;
    d.deploy_url = url.empty() ? "file:///" + r.deploy_id : url;
    return d;
  }
  result<ledger::deploy_outcome> deploy(const providers::deploy_request& r) override {
    if (outages > 0) {
      --outages;
      return ledger::fail(ledger::fault::unavailable, outage);
    }
    ++deploys;
    deployed.insert(r.deploy_id);
    return find(r);
  }
  std::set<std::string> deployed;
  std::string url; ///< Empty: one made of the id.
  std::string outage = "503 of the service";
  int deploys = 0, outages = 0;
};

/// Plays every role; what it says a test can change by step.
class fake_player : public providers::provider {
public:
  using said = tl::expected<providers::answer, providers::call_failure>;
  using script = std::function<said(const providers::request&)>;

  explicit fake_player(std::string called = "fake")
      : name(std::move(called)) {}

  providers::identity who() const override { return {name, "none", "1"}; }
  providers::call_bound bound(const providers::request&) const override { return costs; }
  std::optional<providers::rate_limits> limits() const override { return rates; }
  void ask(std::shared_ptr<const providers::request> r, providers::answer_callback done) override {
    ++calls;
    requests.push_back(*r);
    auto it = scripts.find(r->at);
    if (it != scripts.end())
      done(it->second(*r));
    else
      done(providers::answer{ledger::testing::good_answer(r->at), 0, {}});
  }
  std::map<step, script> scripts;
  std::vector<providers::request> requests;
  std::string name;
  providers::call_bound costs;
  std::optional<providers::rate_limits> rates;
  int calls = 0;
};

/// Says what was called, in order; `no` is refused.
class fake_toolbox : public providers::toolbox {
public:
  explicit fake_toolbox(std::vector<std::string>& log)
      : log_(log) {}
  providers::tool_result run(const providers::tool_call& c) override {
    log_.push_back(c.name + " " + c.arguments.value("path", ""));
    return {"result of " + log_.back(), c.name == "no"};
  }

private:
  std::vector<std::string>& log_;
};

} // namespace tests
