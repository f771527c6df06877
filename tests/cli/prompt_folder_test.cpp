#include "cli/prompt_folder.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

class prompt_folder : public testing::Test {
protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "prompt_folder.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
  }

  void TearDown() override {
    std::error_code ignored;
    fs::remove_all(dir_, ignored);
  }

  void put(const std::string& name, std::string_view content) {
    std::ofstream out(dir_ / name, std::ios::binary);
    out << content;
    ASSERT_TRUE(out.flush()) << name;
  }

  cli::prompt_folder read(const std::vector<std::string>& only = {}) {
    auto found = cli::read_prompt_folder(dir_, only, secrets_);
    EXPECT_TRUE(found) << (found ? "" : found.error().detail);
    return found ? *found : cli::prompt_folder{};
  }

  /// The only prompt that is left out, after checking that it is alone.
  cli::left_out only_left_out(std::size_t prompts = 0) {
    auto found = read();
    EXPECT_EQ(found.prompts.size(), prompts);
    EXPECT_EQ(found.left_out.size(), 1u);
    return found.left_out.empty() ? cli::left_out{} : found.left_out.front();
  }

  static std::vector<std::string> tasks(const cli::prompt_folder& f) {
    std::vector<std::string> names;
    for (auto& p : f.prompts)
      names.push_back(p.task);
    return names;
  }

  fs::path dir_;
  ledger::redactor secrets_{std::vector<std::string>{"correct-horse-battery"}};
};

using names = std::vector<std::string>;

TEST_F(prompt_folder, FindsMarkdownFilesSortedByTask) {
  put("b.md", "do b\n");
  put("A.md", "do A\n");
  put("A-1.md", "do A-1\n");
  put("notes.txt", "x");
  put("md", "x");
  put("upper.MD", "x");
  fs::create_directory(dir_ / "sub");
  put("sub/c.md", "not looked at");
  auto found = read();
  EXPECT_EQ(tasks(found), (names{"A", "A-1", "b"}));
  EXPECT_TRUE(found.left_out.empty());
  ASSERT_EQ(found.prompts.size(), 3u);
  EXPECT_EQ(found.prompts[2].path, dir_ / "b.md");
}

TEST_F(prompt_folder, GivesContentByteForByte) {
  const std::string content = "\xef\xbb\xbf# T\xc3\xa4sk\r\n\r\ntrailing  \n\n";
  put("a.md", content);
  auto found = read();
  ASSERT_EQ(found.prompts.size(), 1u);
  EXPECT_EQ(*found.prompts[0].content, content);
}

TEST_F(prompt_folder, ReadsFrontMatter) {
  put("a.md", "---\npriority: 5\n---\ntext\n");
  put("b.md", "text\n");
  auto found = read();
  ASSERT_EQ(found.prompts.size(), 2u);
  EXPECT_EQ(found.prompts[0].front.priority, 5);
  EXPECT_EQ(found.prompts[0].front_error, "");
  EXPECT_EQ(found.prompts[1].front.priority, 0);
}

TEST_F(prompt_folder, KeepsATaskWhoseFrontMatterIsWrongForItsCallerToPark) {
  put("a.md", "---\npriority: high\n---\ntext\n");
  auto found = read();
  EXPECT_TRUE(found.left_out.empty());
  ASSERT_EQ(found.prompts.size(), 1u);
  EXPECT_NE(found.prompts[0].front_error.find("line 2"), std::string::npos)
      << found.prompts[0].front_error;
  EXPECT_EQ(found.prompts[0].front.priority, 0);
}

TEST_F(prompt_folder, FollowsLinksToRegularFiles) {
  put("real.txt", "do it\n");
  fs::create_symlink(dir_ / "real.txt", dir_ / "a.md");
  auto found = read();
  ASSERT_EQ(tasks(found), names{"a"});
  EXPECT_EQ(*found.prompts[0].content, "do it\n");
}

TEST_F(prompt_folder, LeavesOutWhatIsNoRegularFile) {
  struct row {
    std::string_view name;
    void (*make)(const fs::path&);
    std::string_view want;
  };
  const row rows[] = {
      {"folder", [](const fs::path& p) { fs::create_directory(p); }, "folder"},
      {"dangling link", [](const fs::path& p) { fs::create_symlink("nowhere", p); }, "no file"},
      {"link to itself", [](const fs::path& p) { fs::create_symlink("a.md", p); }, "no file"},
      {"link to a folder", [](const fs::path& p) { fs::create_symlink("..", p); }, "folder"},
      // Opening it without care would wait for a writer for ever.
      {"pipe", [](const fs::path& p) { ASSERT_EQ(::mkfifo(p.c_str(), 0600), 0); }, "regular"},
      {"device", [](const fs::path& p) { fs::create_symlink("/dev/zero", p); }, "regular"},
  };
  for (auto& r : rows) {
    SCOPED_TRACE(r.name);
    r.make(dir_ / "a.md");
    auto out = only_left_out();
    EXPECT_EQ(out.file_name, "a.md");
    EXPECT_EQ(out.reason, "not-a-file");
    EXPECT_EQ(out.why.find("a.md"), std::string::npos) << "the caller names the file";
    EXPECT_NE(out.why.find(r.want), std::string::npos) << out.why;
    fs::remove(dir_ / "a.md");
  }
}

/// Root may read everything: while this lives the process is nobody.
class as_nobody {
public:
  as_nobody() {
    if (::geteuid() == 0)
      was_root_ = ::seteuid(65534) == 0;
  }
  as_nobody(const as_nobody&) = delete;
  as_nobody& operator=(const as_nobody&) = delete;

  ~as_nobody() { EXPECT_TRUE(!was_root_ || ::seteuid(0) == 0); }

private:
  bool was_root_ = false;
};

TEST_F(prompt_folder, LeavesOutWhatItMayNotRead) {
  put("a.md", "text");
  fs::permissions(dir_, static_cast<fs::perms>(0755));
  fs::permissions(dir_ / "a.md", fs::perms::none);
  as_nobody nobody;
  if (::geteuid() == 0)
    GTEST_SKIP() << "root reads files of mode 000, and cannot be anybody else here";
  auto out = only_left_out();
  EXPECT_EQ(out.reason, "unreadable");
  EXPECT_NE(out.why.find("right to read"), std::string::npos) << out.why;
}

TEST_F(prompt_folder, FailsIfTheFolderMayNotBeRead) {
  put("a.md", "text");
  fs::permissions(dir_, fs::perms::none);
  {
    as_nobody nobody;
    if (::geteuid() == 0)
      GTEST_SKIP() << "root reads folders of mode 000, and cannot be anybody else here";
    auto found = cli::read_prompt_folder(dir_, {}, secrets_);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().kind, ledger::fault::unavailable);
    EXPECT_NE(found.error().detail.find("cannot be read"), std::string::npos);
  }
  fs::permissions(dir_, fs::perms::owner_all);
}

TEST_F(prompt_folder, TakesPromptsUpToTheLargestSize) {
  put("a.md", std::string(ledger::max_prompt_bytes, 'x'));
  put("b.md", std::string(ledger::max_prompt_bytes + 1, 'x'));
  auto out = only_left_out(1);
  EXPECT_EQ(out.file_name, "b.md");
  EXPECT_EQ(out.reason, "too-large");
  EXPECT_NE(out.why.find("1048576"), std::string::npos) << out.why;
}

TEST_F(prompt_folder, LeavesOutWhatIsNotText) {
  put("a.md", "fine\nalso fine\n\xff\n");
  auto out = only_left_out();
  EXPECT_EQ(out.reason, "not-text");
  EXPECT_NE(out.why.find("line 3"), std::string::npos) << out.why;
}

TEST_F(prompt_folder, LeavesOutEmptyPrompts) {
  for (std::string_view content : {"", "\n", " \t\r\n\n"}) {
    put("a.md", content);
    EXPECT_EQ(only_left_out().reason, "empty") << testing::PrintToString(content);
  }
}

TEST_F(prompt_folder, LeavesOutAPromptThatHoldsASecretWithoutShowingIt) {
  put("a.md", "use this:\n\nkey=correct-horse-battery\n");
  put("b.md", "use no key\n");
  auto out = only_left_out(1);
  EXPECT_EQ(out.file_name, "a.md");
  EXPECT_EQ(out.reason, "holds-secret");
  EXPECT_NE(out.why.find("line 3"), std::string::npos) << out.why;
  EXPECT_EQ(out.why.find("horse"), std::string::npos) << out.why;
}

TEST_F(prompt_folder, LeavesOutNamesThatCanNameNoTask) {
  for (std::string name : {"-x.md", "a..b.md", "with space.md"}) {
    SCOPED_TRACE(name);
    put(name, "text\n");
    auto out = only_left_out();
    EXPECT_EQ(out.file_name, name);
    EXPECT_EQ(out.reason, "bad-name");
    fs::remove(dir_ / name);
  }
}

TEST_F(prompt_folder, PassesHiddenFilesOver) {
  put(".md", "text\n");
  put(".a.md", "left by an editor\n");
  put("b.md", "text\n");
  auto found = read();
  EXPECT_EQ(tasks(found), names{"b"});
  EXPECT_TRUE(found.left_out.empty());
}

TEST_F(prompt_folder, LeavesAReadmeOut) {
  put("README.md", "What these prompts are for.\n");
  auto out = only_left_out();
  EXPECT_EQ(out.reason, "not-a-prompt");
}

TEST_F(prompt_folder, TellsAFileWithNulFromOneOfAnotherEncoding) {
  put("a.md", std::string_view("a\0b\0", 4));
  EXPECT_NE(only_left_out().why.find("NUL"), std::string::npos);
  put("a.md", "a\xff\n");
  EXPECT_EQ(only_left_out().why.find("NUL"), std::string::npos);
}

TEST_F(prompt_folder, NamesEveryPromptThatLiesThereAlsoOnesNotSelected) {
  put("a.md", "text\n");
  put("b.md", "text\n");
  auto found = read({"a"});
  EXPECT_EQ(tasks(found), names{"a"});
  EXPECT_EQ(found.names, (std::set<std::string>{"a", "b"}));
}

TEST_F(prompt_folder, EscapesNamesThatWouldWriteToTheTerminal) {
  put("a\n\x1b[2J.md", "text\n");
  auto out = only_left_out();
  EXPECT_EQ(out.file_name, "a\\n\\x1b[2J.md");
  EXPECT_EQ(out.why.find('\x1b'), std::string::npos);
}

TEST_F(prompt_folder, LeavesOutTheLaterOfTwoNamesThatDifferInCase) {
  put("Task.md", "one\n");
  put("task.md", "two\n");
  auto found = read();
  EXPECT_EQ(tasks(found), names{"Task"});
  ASSERT_EQ(found.left_out.size(), 1u);
  EXPECT_EQ(found.left_out[0].file_name, "task.md");
  EXPECT_EQ(found.left_out[0].reason, "duplicate-name");
  EXPECT_NE(found.left_out[0].why.find("Task.md"), std::string::npos);
}

// If the later one took over while the first is broken, mending the first
// would change which prompt the task's ledger belongs to.
TEST_F(prompt_folder, ABrokenPromptKeepsItsName) {
  put("Task.md", "");
  put("task.md", "two\n");
  auto found = read();
  EXPECT_TRUE(found.prompts.empty());
  ASSERT_EQ(found.left_out.size(), 2u);
  EXPECT_EQ(found.left_out[0].reason, "empty");
  EXPECT_EQ(found.left_out[1].reason, "duplicate-name");
}

TEST_F(prompt_folder, SelectsByTaskName) {
  for (std::string name : {"fix-1", "fix-2", "add-1", "broken one"})
    put(name + ".md", "text\n");
  auto found = read({"fix-*", "none-*", "add-?", "also-none"});
  EXPECT_EQ(tasks(found), (names{"add-1", "fix-1", "fix-2"}));
  EXPECT_TRUE(found.left_out.empty()); // What nobody selected is nobody's concern.
  EXPECT_EQ(found.unmatched, (names{"none-*", "also-none"}));
  EXPECT_TRUE(read().unmatched.empty());
}

TEST_F(prompt_folder, AnEmptyFolderIsAnEmptyBatch) {
  auto found = read();
  EXPECT_TRUE(found.prompts.empty());
  EXPECT_TRUE(found.left_out.empty());
}

TEST_F(prompt_folder, SaysWhatIsWrongWithTheFolder) {
  auto missing = cli::read_prompt_folder(dir_ / "nowhere", {}, secrets_);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ledger::fault::not_found);
  EXPECT_NE(missing.error().detail.find("nowhere: there is no such folder"), std::string::npos);
  EXPECT_NE(missing.error().detail.find("--tasks"), std::string::npos);

  put("a.md", "text\n");
  auto file = cli::read_prompt_folder(dir_ / "a.md", {}, secrets_);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().kind, ledger::fault::refused);
  EXPECT_NE(file.error().detail.find("is not a folder"), std::string::npos);

  auto below_file = cli::read_prompt_folder(dir_ / "a.md" / "x", {}, secrets_);
  EXPECT_FALSE(below_file);
}

} // namespace
