// ledger_fixture.hpp -- a ledger in a temporary folder, and ways to hurt it.
//
// A *crash image* is a copy of the ledger's folder and keys at one instant of
// an append: what a killed process would have left. Opening the image is the
// next start. A *reboot* is the same under another boot id.
//
//   1. Every test has folders of its own, removed at its end.
//   2. The clock stands still unless a test moves it.
//   3. Signed drafts name their task and the repository, as real ones do.

#pragma once

#include "ledger/digest.hpp"
#include "ledger/disk/files.hpp"
#include "ledger/disk/journal.hpp"
#include "ledger/disk/recovery.hpp"
#include "ledger/disk/verify.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sys/stat.h>

namespace ledger::disk {

namespace fs = std::filesystem;

/// A draft with files, given as pairs of path and content.
inline draft draft_of(event what, std::vector<std::pair<std::string, std::string>> files,
                      bool sign = false, step at = step::audit) {
  draft d;
  d.what = what;
  d.at = at;
  d.sign = sign;
  d.detail = json{{"note", "text"}};
  for (auto& f : files)
    d.files.push_back(
        file_write{f.first, std::make_shared<const std::string>(std::move(f.second))});
  return d;
}

inline file_move move_of(std::string from, std::string to, const std::string& content) {
  return file_move{std::move(from), std::move(to), sha256(content), content.size()};
}

inline constexpr auto test_repository = "0123456789abcdef";

inline append append_of(std::string task, std::uint64_t after, std::vector<draft> drafts) {
  for (auto& d : drafts)
    if (d.sign && !d.detail.contains("task"))
      d.detail.update(json{{"repo", test_repository}, {"task", task}});
  return append{std::move(task), after, std::move(drafts)};
}

class ledger_test : public ::testing::Test {
protected:
  ledger_test() {
    // In memory if possible: a checkpoint waits for what anybody else writes.
    auto pattern = std::string("/dev/shm/ledger-test-XXXXXX");
    if (!::mkdtemp(pattern.data())) {
      pattern = (fs::temp_directory_path() / "ledger-test-XXXXXX").string();
      if (!::mkdtemp(pattern.data()))
        throw std::runtime_error("no temporary folder");
    }
    base_ = pattern;
    root_ = base_ / "ledger";
    keys_ = base_ / "keys";
  }
  ~ledger_test() override {
    std::error_code ignored;
    fs::remove_all(base_, ignored);
  }

  keyring open_keys() const {
    auto k = keyring::open(keys_, test_repository, true);
    EXPECT_TRUE(k) << (k ? "" : k.error().detail);
    return *k;
  }

  journal::options options() {
    journal::options o;
    o.root = root_;
    o.hooks = hooks_;
    if (!o.hooks.boot_id)
      o.hooks.boot_id = [boot = boot_] { return boot; };
    if (!o.hooks.now_ms)
      o.hooks.now_ms = [] { return std::int64_t{1'795'367'689'123}; };
    o.checkpoint_bytes = checkpoint_bytes_;
    return o;
  }

  journal open() {
    auto j = journal::open(options(), open_keys());
    if (!j)
      throw std::runtime_error(j.error().detail);
    return std::move(*j);
  }

  // The common beginning: record 1 with the prompt, signed if wanted.
  void begin(journal& j, const std::string& task, bool sign = false) {
    auto got = j.append_one(
        append_of(task, 0, {draft_of(event::opened, {{"inputs/prompt.md", "prompt"}}, sign)}));
    ASSERT_TRUE(got) << got.error().detail;
  }

  void answer(journal& j, const std::string& task, std::uint64_t after, const std::string& path,
              const std::string& content) {
    auto got = j.append_one(append_of(task, after, {draft_of(event::answered, {{path, content}})}));
    ASSERT_TRUE(got) << got.error().detail;
  }

  // Keeps a crash image of every commit, taken before its projection.
  void photograph_commits() {
    hooks_.after_commit = [this](std::uint64_t) { photograph(); };
  }
  void photograph() {
    fs::remove_all(image());
    fs::create_directories(image());
    fs::copy(root_, image() / "ledger", fs::copy_options::recursive);
    fs::copy(keys_, image() / "keys", fs::copy_options::recursive);
  }
  // From here on the image is the ledger.
  void restart_from_image() {
    hooks_ = {};
    fs::remove_all(root_);
    fs::remove_all(keys_);
    fs::rename(image() / "ledger", root_);
    fs::rename(image() / "keys", keys_);
  }
  fs::path image() const { return base_ / "image"; }

  fs::path at(const std::string& task, std::string_view path) const { return root_ / task / path; }
  std::string text_at(const std::string& task, std::string_view path) const {
    return read_file(at(task, path)).value_or("(missing)");
  }
  void write(const fs::path& file, std::string_view text) const {
    auto put = put_file(file, text, durability::none);
    ASSERT_TRUE(put) << put.error().detail;
  }
  // A FIFO, say, where a file belongs: nothing can be written there.
  static void plant_fifo(const fs::path& file) {
    fs::remove_all(file);
    ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  }
  void lose_database() const { fs::remove_all(root_ / ".scheduler"); }

  static std::string why(const journal& j, const std::string& task) {
    for (auto& d : j.damages())
      if (d.task == task)
        return d.file + ": " + d.why;
    return {};
  }
  static bool says(const std::vector<std::string>& sentences, std::string_view part) {
    return std::any_of(sentences.begin(), sentences.end(),
                       [&](auto& s) { return s.find(part) != std::string::npos; });
  }

  std::vector<damage> verify() const {
    auto keys = keyring::open_public(keys_, test_repository);
    auto found = read_snapshot(root_, keys);
    if (!found)
      return {damage{"", "", found.error().detail}};
    return verify_ledger(root_, keys, *found, {});
  }

  fs::path base_, root_, keys_;
  /// A reader asks the kernel, so the writer of the tests does by default.
  std::string boot_ = kernel_boot_id().value();
  journal_hooks hooks_;
  std::uint64_t checkpoint_bytes_ = 8 * 1024 * 1024;
};

} // namespace ledger::disk
