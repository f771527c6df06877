// tools_fixture.hpp -- toolboxes on a small repository, for readers and writers.

#pragma once

#include "ledger/text.hpp"
#include "providers/tools.hpp"
#include "tests/providers/workspace_fixture.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace test {

using ledger::json;
using ledger::step;
using providers::tool_result;
using providers::tool_scope;
using providers::toolbox;

class tools_fixture : public workspace_fixture {
protected:
  /// Commits what was written into the repository's folder: the base from now on.
  void commit_base() {
    base = r.commit("more files");
    tree = r.git({"rev-parse", "HEAD^{tree}"});
  }

  tool_scope scope(step at) const {
    tool_scope s;
    s.at = at;
    s.base = base;
    s.base_tree = tree;
    s.secret_globs = {"secret*", "/private/**"};
    return s;
  }

  std::unique_ptr<toolbox> reader(step at = step::audit) {
    return providers::make_toolbox(r.open(), scope(at));
  }

  /// A toolbox in a fresh checkout of the base: `dir/**`, `a.txt` and `new/**` may
  /// be written, `dir/forbidden/**` not.
  toolbox& writer(std::vector<std::string> planned = {}) {
    box_.reset();
    lease_.reset();
    if (!workspace_)
      workspace_ = open(1);
    lease_ = checkout(*workspace_, base, tree);
    auto s = scope(step::implement);
    s.worktree = lease_->folder();
    s.allowed = {{"dir/**", "a.txt", "new/**", ".github/**"}, {"dir/forbidden/**"}, false};
    s.planned = std::move(planned);
    s.guard.globs = {".github/**"};
    box_ = providers::make_toolbox(r.open(), std::move(s));
    return *box_;
  }

  fs::path worktree() const { return lease_->folder(); }
  candidate taken() { return take(*lease_); }

  static tool_result call(toolbox& t, const std::string& name, json arguments = json::object()) {
    auto result = t.run({"id", name, std::move(arguments)});
    EXPECT_TRUE(ledger::is_utf8(result.content));
    EXPECT_LE(result.content.size(), providers::result_bytes_max);
    return result;
  }

private:
  std::unique_ptr<workspace> workspace_;
  std::unique_ptr<lease> lease_;
  std::unique_ptr<toolbox> box_;
};

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

/// Told, with this in it.
inline ::testing::AssertionResult tells(const tool_result& r, const std::string& part) {
  if (!r.is_error && contains(r.content, part))
    return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << (r.is_error ? "an error: " : "told: ")
                                       << r.content.substr(0, 1000) << "\nwithout: " << part;
}

/// An error, with this in it.
inline ::testing::AssertionResult refuses(const tool_result& r, const std::string& part) {
  if (r.is_error && contains(r.content, part))
    return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << (r.is_error ? "another error: " : "no error: ")
                                       << r.content.substr(0, 1000) << "\nwithout: " << part;
}

} // namespace test
