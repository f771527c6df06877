// scratch_repository.hpp -- a temporary repository, made with real git.
//
// Shared by the tests: a folder of its own that goes with the object, a
// repository in `repo` below it, and a watcher for children. Nothing of the
// machine's or the user's git configuration is seen by the git that the tests
// run themselves.

#pragma once

#include "providers/git.hpp"
#include "providers/process.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace test {

/// A folder of the test's own.
class scratch {
public:
  scratch() {
    auto name = (std::filesystem::path(::testing::TempDir()) / "scheduler-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), name);
    path_ = std::filesystem::canonical(name);
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() {
    std::error_code e;
    std::filesystem::remove_all(path_, e);
  }
  const std::filesystem::path& path() const noexcept { return path_; }

private:
  std::filesystem::path path_;
};

inline void write_file(const std::filesystem::path& file, std::string_view content) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << content;
  if (!out.flush())
    throw std::runtime_error("cannot write " + file.string());
}

/// Content of a file; a test that reads one that is not there gets this text.
inline std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in)
    return "(no such file)";
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

inline void make_executable(const std::filesystem::path& file) {
  std::filesystem::permissions(file, std::filesystem::perms(0755));
}

class scratch_repository {
public:
  scratch_repository() {
    std::filesystem::create_directories(top());
    git({"init", "--quiet", "--initial-branch=main"});
    git({"config", "user.name", "A User"});
    git({"config", "user.email", "user@example.org"});
  }

  const std::filesystem::path& folder() const noexcept { return scratch_.path(); }
  std::filesystem::path top() const { return scratch_.path() / "repo"; }
  providers::processes& children() noexcept { return children_; }

  void write(const std::string& path, std::string_view content) {
    write_file(top() / path, content);
  }

  /// Adds everything and commits it; gives the commit's id.
  std::string commit(const std::string& message = "work") {
    git({"add", "--all"});
    git({"commit", "--quiet", "--allow-empty", "--message", message});
    return git({"rev-parse", "HEAD"});
  }

  /// Runs git as a user would, in `directory` (the top). A failure fails the
  /// test. Gives stdout without its last newline.
  std::string git(std::vector<std::string> args, const std::filesystem::path& directory = {}) {
    args.insert(args.begin(), "git");
    auto out = run(std::move(args), directory);
    while (!out.empty() && out.back() == '\n')
      out.pop_back();
    return out;
  }

  std::string run(std::vector<std::string> argv, const std::filesystem::path& directory = {}) {
    providers::child_spec spec;
    spec.argv = std::move(argv);
    spec.directory = (directory.empty() ? top() : directory).string();
    spec.env = {{"PATH", std::getenv("PATH")},
                {"HOME", folder().string()},
                {"GIT_CONFIG_NOSYSTEM", "1"},
                {"GIT_CONFIG_GLOBAL", "/dev/null"},
                {"LC_ALL", "C"},
                {"GIT_TERMINAL_PROMPT", "0"}};
    const auto said = spec.argv;
    auto r = children_.run(std::move(spec));
    if (!r || !r->ok()) {
      std::string words;
      for (const auto& word : said)
        words += word + " ";
      ADD_FAILURE() << words << ": " << (r ? r->ended() + ": " + r->output : r.error().detail);
      return {};
    }
    return r->output;
  }

  /// The repository as the program sees it.
  providers::git open() {
    auto r = providers::git::open(children_, top());
    if (!r)
      throw std::runtime_error(r.error().detail);
    return *r;
  }

private:
  scratch scratch_;
  providers::processes children_;
};

} // namespace test
