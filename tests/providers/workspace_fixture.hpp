// workspace_fixture.hpp -- a repository with a small tree, and slots on it.

#pragma once

#include "providers/workspace.hpp"
#include "tests/providers/scratch_repository.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace test {

namespace fs = std::filesystem;
using providers::candidate;
using providers::lease;
using providers::workspace;

class workspace_fixture : public ::testing::Test {
protected:
  workspace_fixture() {
    r.write("a.txt", "one\ntwo\nthree\n");
    r.write("dir/b.txt", "b\n");
    r.write("dir/run.sh", "#!/bin/sh\n");
    test::make_executable(r.top() / "dir/run.sh");
    r.write(".gitignore", "*.log\nnode_modules/\n");
    base = r.commit("base");
    tree = r.git({"rev-parse", "HEAD^{tree}"});
  }

  fs::path slots() const { return r.folder() / "slots"; }

  std::unique_ptr<workspace> open(std::size_t count = 2) {
    auto w = providers::open_git_workspace(r.open(), {slots(), count});
    if (!w)
      throw std::runtime_error(w.error().detail);
    return std::move(*w);
  }

  static std::unique_ptr<lease> checkout(workspace& w, const std::string& commit,
                                         const std::string& of) {
    auto l = w.checkout(commit, of);
    if (!l)
      throw std::runtime_error(l.error().detail);
    return std::move(*l);
  }

  candidate take(lease& l) {
    auto c = l.take(tree);
    if (!c)
      throw std::runtime_error(c.error().detail);
    return std::move(*c);
  }

  /// Every path below a folder but the slot's own .git; folders end in `/`.
  static std::set<std::string> everything_in(const fs::path& folder) {
    std::set<std::string> all;
    for (fs::recursive_directory_iterator at(folder), end; at != end; ++at) {
      auto path = at->path().lexically_relative(folder).string();
      if (path == ".git")
        at.disable_recursion_pending();
      else
        all.insert(path + (at->is_directory() && !at->is_symlink() ? "/" : ""));
    }
    return all;
  }

  const std::set<std::string> base_files{".gitignore", "a.txt", "dir/", "dir/b.txt", "dir/run.sh"};
  test::scratch_repository r;
  std::string base, tree;
};

inline std::vector<std::string> paths(const candidate& c) {
  std::vector<std::string> list;
  for (const auto& x : c.changes)
    list.push_back(std::string(1, x.kind) + " " + x.new_mode + " " + x.path);
  return list;
}

inline bool has(const std::vector<std::string>& list, const std::string& x) {
  return std::find(list.begin(), list.end(), x) != list.end();
}

} // namespace test
