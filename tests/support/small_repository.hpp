// small_repository.hpp -- a git repository of a few files, in a folder of its
// own that goes with it; and a worktree of it for those who write.

#pragma once

#include "providers/git.hpp"
#include "providers/process.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tests {

namespace fs = std::filesystem;

/// Path to content.
using files = std::map<std::string, std::string>;

inline void write_file(const fs::path& file, const std::string& content) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << content;
}

/// What of it could be read: a process may end while what /proc says of it is.
inline std::string read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf(); // Which, unlike an iterator, throws nothing.
  return std::move(out).str();
}

/// A folder of its own below TMPDIR.
class temporary_folder {
public:
  temporary_folder() {
    auto pattern = (fs::temp_directory_path() / "scheduler-test-XXXXXX").string();
    if (!::mkdtemp(pattern.data()))
      throw std::runtime_error("mkdtemp " + pattern);
    path_ = pattern;
  }
  ~temporary_folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  const fs::path& path() const noexcept { return path_; }

private:
  fs::path path_;
};

class small_repository {
public:
  explicit small_repository(const files& content) {
    fs::create_directories(top());
    run({"init", "-q"}, top());
    for (auto& [path, text] : content)
      write_file(top() / path, text);
    run({"add", "-A", "-f"}, top());
    run({"-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "--allow-empty",
         "-m", "base"},
        top());
    auto opened = providers::git::open(children, top());
    if (!opened)
      throw std::runtime_error(opened.error().detail);
    git.emplace(std::move(*opened));
    base = git->resolve_commit("HEAD").value();
    base_tree = git->tree_of(base).value();
  }

  fs::path top() const { return folder.path() / "repository"; }

  /// A fresh checkout of `commit` (the base, if empty).
  fs::path worktree(const std::string& commit = {}) {
    auto at = folder.path() / ("worktree-" + std::to_string(++worktrees_));
    run({"worktree", "add", "-q", "--detach", at.string(), commit.empty() ? base : commit}, top());
    return at;
  }

  /// The tree that the files of a worktree make.
  std::string tree_of_worktree(const fs::path& at) {
    run({"add", "-A"}, at);
    auto id = run({"write-tree"}, at);
    return id.substr(0, id.find('\n'));
  }

  std::string run(std::vector<std::string> args, const fs::path& in) {
    providers::child_spec spec;
    spec.argv = {"git"};
    spec.argv.insert(spec.argv.end(), args.begin(), args.end());
    spec.directory = in.string();
    spec.env = {{"PATH", std::getenv("PATH")},
                {"HOME", folder.path().string()},
                {"GIT_CONFIG_NOSYSTEM", "1"}};
    auto done = children.run(std::move(spec));
    if (!done || !done->ok())
      throw std::runtime_error("git " + args.front() + ": "
                               + (done ? done->output : done.error().detail));
    return done->output;
  }

  temporary_folder folder;
  providers::processes children;
  std::optional<providers::git> git;
  std::string base, base_tree;

private:
  int worktrees_ = 0;
};

} // namespace tests
