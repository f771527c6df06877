// Models, and whoever else is at the worktree, that mean harm: refused at the
// call, told to the model, and nothing outside has changed.

#include "tests/providers/tools_fixture.hpp"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace test {
namespace {

class ToolsHostile : public tools_fixture {
protected:
  ToolsHostile() {
    write_file(outside() / "victim.txt", "untouched\n");
    r.write("secrets/.keep", "kept\n");
    r.write("dir/deep/secret.key", "canary\n");
    r.write("dir/SECRET.txt", "canary\n");
    r.write("private/notes/plan.txt", "canary\n");
    commit_base();
  }

  fs::path outside() const { return r.folder() / "outside"; }

  /// Nobody reached what lies outside.
  void expect_outside_untouched() {
    EXPECT_EQ(read_file(outside() / "victim.txt"), "untouched\n");
    EXPECT_EQ(everything_in(outside()), (std::set<std::string>{"victim.txt"}));
  }

  /// Every tool that writes, on `path`.
  void expect_refused(toolbox& t, const std::string& path, const std::string& says) {
    EXPECT_TRUE(refuses(call(t, "write_file", {{"path", path}, {"content", "evil"}}), says))
        << path;
    EXPECT_TRUE(refuses(
        call(t, "replace_in_file", {{"path", path}, {"old", "untouched"}, {"new", "evil"}}), says))
        << path;
    EXPECT_TRUE(refuses(call(t, "delete_file", {{"path", path}}), says)) << path;
  }
};

TEST_F(ToolsHostile, PathsThatLeaveTheRepository) {
  auto& t = writer();
  const auto absolute = (outside() / "victim.txt").string();
  for (const auto& path :
       {std::string("../outside/victim.txt"), std::string("dir/../../outside/victim.txt"),
        std::string("dir/../b.txt"), absolute, std::string("/etc/passwd"), std::string(""),
        std::string("."), std::string("dir/./b.txt"), std::string("dir//b.txt"),
        std::string("dir/"), std::string("dir\\b.txt"), std::string("dir/b\n.txt"),
        std::string("dir/b.txt\0x", 11), std::string("dir/．．/b.txt"), std::string("dir/. /x")}) {
    expect_refused(t, path, "is no path in the repository");
    const auto read = call(t, "read_file", {{"path", path}});
    EXPECT_TRUE(read.is_error) << path;
    EXPECT_FALSE(contains(read.content, "untouched")) << path;
  }
  for (const char* path : {"..", "../outside", "/", "dir/../.."}) {
    EXPECT_TRUE(refuses(call(t, "list_files", {{"path", path}}), "is no path")) << path;
    EXPECT_TRUE(refuses(call(t, "git_log", {{"path", path}}), "is no path")) << path;
  }
  EXPECT_TRUE(taken().changes.empty());
  expect_outside_untouched();
}

TEST_F(ToolsHostile, OptionsAndPathspecsAreOnlyNames) {
  auto& t = writer();
  for (const char* path : {"--all", "-n1", ":(top)a.txt", ":/", ":!a.txt", "HEAD", "a.txt:1"}) {
    EXPECT_TRUE(refuses(call(t, "read_file", {{"path", path}}), "there is no file")) << path;
    const auto log = call(t, "git_log", {{"path", path}});
    EXPECT_FALSE(contains(log.content, "base")
                 && !contains(log.content, "No commit of the base's history"))
        << path << log.content;
  }
  EXPECT_TRUE(tells(call(t, "write_file", {{"path", "new/!x"}, {"content", "x"}}), "Made"));
  EXPECT_TRUE(tells(call(t, "write_file", {{"path", "new/--stdin"}, {"content", "x"}}), "Made"));
  EXPECT_EQ(taken().changes.size(), 2u);
}

TEST_F(ToolsHostile, ALinkPlantedInPlaceOfAFile) {
  auto& t = writer();
  EXPECT_TRUE(tells(call(t, "read_file", {{"path", "dir/b.txt"}}), "b\n"));
  fs::remove(worktree() / "dir/b.txt");
  fs::create_symlink(outside() / "victim.txt", worktree() / "dir/b.txt");
  expect_refused(t, "dir/b.txt", "a symbolic link stands there");
  const auto read = call(t, "read_file", {{"path", "dir/b.txt"}});
  EXPECT_TRUE(refuses(read, "a symbolic link"));
  EXPECT_FALSE(contains(read.content, "untouched"));
  const auto found = call(t, "search", {{"pattern", "untouched"}});
  EXPECT_TRUE(tells(found, "No line matches; 1 file left out that cannot be read"));
  expect_outside_untouched();
}

TEST_F(ToolsHostile, ALinkPlantedInPlaceOfAFolder) {
  auto& t = writer();
  fs::rename(worktree() / "dir", worktree() / "moved");
  fs::create_directory_symlink(outside(), worktree() / "dir");
  fs::create_directory_symlink(outside(), worktree() / "new");
  expect_refused(t, "dir/victim.txt", "a symbolic link stands there or on the way");
  expect_refused(t, "dir/b.txt", "a symbolic link stands there or on the way");
  expect_refused(t, "new/sub/x.txt", "a symbolic link stands there or on the way");
  EXPECT_TRUE(refuses(call(t, "read_file", {{"path", "dir/b.txt"}}), "a symbolic link"));
  EXPECT_FALSE(contains(call(t, "list_files").content, "victim"));
  expect_outside_untouched();
}

TEST_F(ToolsHostile, ALinkSwappedInByAnotherThreadWhileWriting) {
  auto& t = writer();
  std::atomic<bool> stop{false};
  std::thread swapper([&, root = worktree()] {
    const auto real = root / "new", aside = root / "aside";
    std::error_code e;
    fs::create_directory(real, e);
    while (!stop) {
      fs::rename(real, aside, e);
      fs::create_directory_symlink(outside(), real, e);
      fs::remove(real, e);
      fs::rename(aside, real, e);
    }
  });
  for (int i = 0; i < 60; ++i) {
    call(t, "write_file", {{"path", "new/victim.txt"}, {"content", "evil"}});
    call(t, "delete_file", {{"path", "new/victim.txt"}});
    const auto read = call(t, "read_file", {{"path", "new/victim.txt"}});
    EXPECT_FALSE(contains(read.content, "untouched"));
  }
  stop = true;
  swapper.join();
  expect_outside_untouched();
}

TEST_F(ToolsHostile, AHardLinkToAFileOutside) {
  auto& t = writer();
  fs::remove(worktree() / "dir/b.txt");
  fs::create_hard_link(outside() / "victim.txt", worktree() / "dir/b.txt");
  expect_refused(t, "dir/b.txt", "hard links");
  EXPECT_TRUE(refuses(call(t, "read_file", {{"path", "dir/b.txt"}}), "hard links"));
  expect_outside_untouched();
}

TEST_F(ToolsHostile, APipeIsNeitherReadNorWritten) {
  auto& t = writer();
  fs::remove(worktree() / "dir/b.txt");
  ASSERT_EQ(::mkfifo((worktree() / "dir/b.txt").c_str(), 0600), 0);
  expect_refused(t, "dir/b.txt", "no regular file stands there");
  EXPECT_TRUE(refuses(call(t, "read_file", {{"path", "dir/b.txt"}}), "no regular file"));
  EXPECT_TRUE(tells(call(t, "search", {{"pattern", "."}}), "1 file left out that cannot be read"));
}

TEST_F(ToolsHostile, WhatLiesInTheWorktreeUntrackedIsNotThere) {
  auto& t = writer();
  test::write_file(worktree() / "dir/junk.txt", "junk\n");
  test::write_file(worktree() / "dir/out.log", "junk\n");
  test::write_file(worktree() / "elsewhere.txt", "junk\n");
  EXPECT_FALSE(contains(call(t, "list_files").content, "junk.txt"));
  EXPECT_TRUE(tells(call(t, "search", {{"pattern", "junk"}}), "No line matches"));
  EXPECT_TRUE(refuses(call(t, "read_file", {{"path", "dir/junk.txt"}}), "there is no file"));
  EXPECT_TRUE(refuses(call(t, "delete_file", {{"path", "dir/junk.txt"}}), "there is no file"));
  expect_refused(t, "dir/out.log", "git ignores this path");
  expect_refused(t, "elsewhere.txt", "is not in the decisions' *Allowed file paths*");
  EXPECT_EQ(read_file(worktree() / "elsewhere.txt"), "junk\n");
}

TEST_F(ToolsHostile, ProtectedNamesInEverySpelling) {
  auto& t = writer();
  for (const char* path :
       {"dir/.git/config", "dir/.GIT/config", "dir/.Git/hooks/x", "dir/git~1/config",
        "dir/.git::$DATA/config", "dir/.git./config", "dir/．git/config", "dir/.g\u200cit/config",
        "dir/.Env", "dir/.ENV.local", "dir/.env", "dir/.gitmodules", "dir/.GitAttributes",
        "dir/ID_RSA", "dir/x.PEM", ".GITHUB/workflows/x.yml", ".ai-stack-trace/T/x",
        ".AI-Stack-Trace/T/x"}) {
    for (const char* tool : {"write_file", "delete_file"}) {
      json arguments{{"path", path}};
      if (std::string(tool) == "write_file")
        arguments["content"] = "evil";
      EXPECT_TRUE(call(t, tool, arguments).is_error) << tool << " " << path;
    }
  }
  EXPECT_TRUE(taken().changes.empty());
  for (const char* path : {".git/config", ".GIT/config", ".ai-stack-trace/T/journal.jsonl"}) {
    EXPECT_TRUE(refuses(call(t, "read_file", {{"path", path}}), "not to be read")) << path;
    EXPECT_TRUE(refuses(call(t, "list_files", {{"path", path}}), "not to be read")) << path;
  }
}

TEST_F(ToolsHostile, UnicodeVariantsOfAnAllowedNameAreNotAllowed) {
  auto& t = writer();
  expect_refused(t, "ａ.txt", "is not in the decisions' *Allowed file paths*");
  expect_refused(t, "A.txt", "is not in the decisions' *Allowed file paths*");
  expect_refused(t, "DIR/b.txt", "is not in the decisions' *Allowed file paths*");
}

TEST_F(ToolsHostile, SecretFilesAreUnreadableAndUnlistedForEveryRole) {
  for (const auto at : {step::audit, step::decide, step::plan, step::review, step::verify}) {
    auto s = scope(at);
    s.tree = at < step::review ? "" : tree;
    auto t = providers::make_toolbox(r.open(), s);
    const auto list = call(*t, "list_files").content;
    EXPECT_FALSE(contains(list, "ecret") || contains(list, "SECRET") || contains(list, "private"));
    EXPECT_TRUE(tells(call(*t, "search", {{"pattern", "canary"}}), "No line matches.\n"));
    for (const char* path : {"dir/deep/secret.key", "dir/SECRET.txt", "private/notes/plan.txt",
                             "secrets/.keep", "PRIVATE/notes/plan.txt"}) {
      EXPECT_TRUE(refuses(call(*t, "read_file", {{"path", path}}), "it is a secret file")) << path;
      EXPECT_TRUE(refuses(call(*t, "git_log", {{"path", path}}), "it is a secret file")) << path;
    }
  }
  auto& t = writer();
  expect_refused(t, "dir/deep/secret.key", "it is a secret file");
  EXPECT_TRUE(refuses(call(t, "read_file", {{"path", "dir/SECRET.txt"}}), "it is a secret file"));
  EXPECT_TRUE(tells(call(t, "search", {{"pattern", "canary"}}), "No line matches.\n"));
  EXPECT_FALSE(contains(call(t, "read_file", {{"path", "dir/secre"}}).content, "secret.key"))
      << "the nearest names name no secret";
}

// A line was cut to fit, and known secrets were taken out of what was left: half
// of one was shown. And `search` told, by a match, what a secret begins with.
TEST_F(ToolsHostile, NoCutAndNoPatternTellsAPartOfASecret) {
  const ledger::redactor secrets({"known-to-be-secret"});
  const std::string dots(300, '.');
  r.write("dir/long.txt", std::string(40 * 1024 - 9, 'a') + "known-to-be-secret\n");
  r.write("dir/b.txt", "cue" + std::string(228, '.') + "known-to-be-secret\n" + dots
                           + "known-to-be-secret" + std::string(70, '.') + "cue two" + dots + "\n");
  commit_base();
  auto s = scope(step::audit);
  s.secrets = &secrets;
  auto t = providers::make_toolbox(r.open(), s);
  const auto tells_none = [&](const std::string& tool, json arguments, const char* told) {
    const auto result = call(*t, tool, std::move(arguments));
    EXPECT_TRUE(tells(result, told));
    for (const auto* half : {"known-", "secret"})
      EXPECT_FALSE(contains(result.content, half)) << half << ": " << result.content;
  };
  tells_none("read_file", {{"path", "dir/long.txt"}}, "of which only the beginning is shown");
  tells_none("read_file", {{"path", "dir/b.txt"}, {"from_line", 1}, {"to_line", 1}}, "[redacted]");
  tells_none("search", {{"pattern", "cue"}}, "2 lines match");
  for (const auto* guess : {"known-to", "to-be", "[k]nown-to-be-s", "-secret$"})
    EXPECT_TRUE(tells(call(*t, "search", {{"pattern", guess}}), "No line matches")) << guess;
}

TEST_F(ToolsHostile, ALinkOfTheTreeIsNeitherFollowedNorWritten) {
  fs::create_symlink(outside() / "victim.txt", r.top() / "dir/link");
  fs::create_directory_symlink(outside(), r.top() / "dir/folder");
  commit_base();
  auto& t = writer();
  expect_refused(t, "dir/link", "is a symbolic link or a submodule");
  expect_refused(t, "dir/folder/victim.txt", "nothing can lie below it");
  EXPECT_TRUE(tells(call(t, "list_files"), "dir/link\tsymbolic link\n"));
  EXPECT_TRUE(tells(call(t, "read_file", {{"path", "dir/link"}}), "not followed"));
  EXPECT_TRUE(refuses(call(t, "read_file", {{"path", "dir/folder/victim.txt"}}), "no file"));
  EXPECT_TRUE(tells(call(t, "search", {{"pattern", "untouched"}}), "No line matches"));
  expect_outside_untouched();
}

TEST_F(ToolsHostile, FilesWhereFoldersAreAndFoldersWhereFilesAre) {
  auto& t = writer();
  expect_refused(t, "dir/b.txt/x", "dir/b.txt is a file, nothing can lie below it");
  expect_refused(t, "dir/deep", "dir/deep is a folder"); // Holds only a secret.
  test::write_file(worktree() / "new", "a file that nobody tracks\n");
  expect_refused(t, "new/x", "a part of its path is a file");
  fs::create_directories(worktree() / "dir/empty");
  expect_refused(t, "dir/empty", "is a folder");
  EXPECT_TRUE(fs::is_directory(worktree() / "dir/empty"));
}

TEST_F(ToolsHostile, NamesThatAreTooLong) {
  auto& t = writer();
  expect_refused(t, "dir/" + std::string(300, 'x'), "the name is too long");
  std::string deep = "dir";
  while (deep.size() < 5000)
    deep += "/x";
  expect_refused(t, deep, "the name is too long");
  EXPECT_TRUE(refuses(call(t, "read_file", {{"path", std::string(100'000, 'x')}}), "no file"));
}

TEST_F(ToolsHostile, AnEmptyTextIsNotReplaced) {
  auto& t = writer();
  EXPECT_TRUE(refuses(
      call(t, "replace_in_file", {{"path", "a.txt"}, {"old", ""}, {"new", "x"}, {"all", true}}),
      "`old` is empty"));
}

TEST_F(ToolsHostile, NamesThatBreakLinesAreShownOnOne) {
  r.write("odd/new\nline.txt", "x\n");
  r.write("odd/\x1b[31mred", "x\n");
  r.write("odd/caf\xe9", "x\n");
  commit_base();
  auto t = reader();
  EXPECT_EQ(call(*t, "list_files", {{"path", "odd"}}).content,
            "3 files (path, tab, bytes):\nodd/\\x1b[31mred\t2\nodd/caf\\xe9\t2\n"
            "odd/new\\x0aline.txt\t2\n");
  EXPECT_TRUE(tells(call(*t, "search", {{"pattern", "x"}, {"glob", "odd/**"}}),
                    "odd/new\\x0aline.txt:1: x\n"));
  EXPECT_TRUE(tells(call(*t, "read_file", {{"path", "odd/new\nline.txt"}}),
                    "odd/new\\x0aline.txt: lines 1-1 of 1"));
}

TEST_F(ToolsHostile, ASubjectIsOneShortPrintableLine) {
  r.git({"commit", "--quiet", "--allow-empty", "--message",
         "red \x1b[31m \xe2\x80\xae turned " + std::string(5000, 'x')});
  base = r.git({"rev-parse", "HEAD"});
  auto t = reader();
  const auto log = call(*t, "git_log", {{"count", 1}}).content;
  EXPECT_FALSE(contains(log, "\x1b") || contains(log, "\xe2\x80\xae")) << log;
  EXPECT_TRUE(contains(log, "red \\x1b[31m")) << log;
  EXPECT_LT(log.size(), 500u);
}

TEST_F(ToolsHostile, NotesSettingsAndReplacementsOfTheUserChangeNoHistory) {
  auto t = reader();
  const auto before = call(*t, "git_log").content;
  r.git({"notes", "add", "--message", "a note", base});
  r.git({"config", "log.showSignature", "true"});
  r.git({"config", "format.pretty", "fuller"});
  r.git({"config", "log.date", "relative"});
  r.git({"config", "core.pager", "false"});
  r.git({"config", "color.ui", "always"});
  EXPECT_EQ(call(*t, "git_log").content, before);
}

TEST_F(ToolsHostile, PatternsThatBlowUpElsewhereAreQuick) {
  std::string text;
  for (int i = 0; i < 4; ++i)
    text += std::string(50'000, 'a') + "b\n";
  r.write("bomb.txt", text);
  std::string noise;
  for (std::uint64_t x = 1; noise.size() < 100'000;) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    noise += (x >> 63) != 0 ? 'a' : 'b';
  }
  r.write("noise.txt", noise);
  commit_base();
  auto t = reader();
  for (const char* pattern :
       {"(a+)+$", "^(a|a)*$", "(a*)*c", "(.*)(.*)(.*)(.*)x", "((a{1,30}){1,30})c",
        "(a|b)*a(a|b){500}c", "a(a|b|ab|ba){200}c", "(?i)(\\pL+\\s*)+!"}) {
    const auto begin = std::chrono::steady_clock::now();
    const auto found = call(*t, "search", {{"pattern", pattern}});
    EXPECT_FALSE(contains(found.content, "not searched")) << pattern;
    const auto took = std::chrono::steady_clock::now() - begin;
    RecordProperty(pattern, std::to_string(took / std::chrono::milliseconds(1)));
    EXPECT_LT(took, std::chrono::seconds(60)) << pattern;
  }
  // Of a larger one less is searched, and that is said.
  r.write("more.txt", std::string(2'000'000, '\n'));
  commit_base();
  t = reader();
  EXPECT_TRUE(tells(call(*t, "search", {{"pattern", "(a|b)*a(a|b){500}c"}}), "not searched"));
  for (const char* pattern : {"(x{1000}){1000}", "(((x{30}){30}){30}){30}", "\\pL{1000}"})
    EXPECT_TRUE(call(*t, "search", {{"pattern", pattern}}).is_error) << pattern;
  EXPECT_TRUE(refuses(call(*t, "search", {{"pattern", std::string(1001, 'x')}}),
                      "the pattern has 1,001 bytes; at most 1,000"));
}

TEST_F(ToolsHostile, AHugeFileIsNotRead) {
  auto& t = writer();
  fs::resize_file(worktree() / "a.txt", std::uintmax_t{1} << 40); // Sparse.
  EXPECT_TRUE(refuses(call(t, "read_file", {{"path", "a.txt"}}), "has more than 4,194,304 bytes"));
  EXPECT_TRUE(refuses(call(t, "replace_in_file", {{"path", "a.txt"}, {"old", "one"}, {"new", "1"}}),
                      "has more"));
  EXPECT_TRUE(tells(call(t, "search", {{"pattern", "one"}}), "1 file left out"));
}

TEST_F(ToolsHostile, AFolderOfAHundredThousandFilesIsListedAndSearched) {
  // Made of objects: a checkout of so many takes a minute on a slow disk.
  const auto made = [&](std::vector<std::string> args, std::string input) {
    auto id = r.open().must({std::move(args), {}, std::move(input), false});
    EXPECT_TRUE(id) << id.error().detail;
    return id ? id->substr(0, id->find('\n')) : std::string();
  };
  const auto blob = made({"hash-object", "-w", "--stdin"}, "hello\n");
  std::string entries;
  for (int i = 0; i < 100'000; ++i)
    entries += "100644 blob " + blob + "\t" + std::to_string(i) + ".txt\n";
  const auto many = made({"mktree"}, entries);
  tree = made({"mktree"}, "040000 tree " + many + "\tmany\n");
  auto t = reader();
  EXPECT_TRUE(tells(call(*t, "list_files"), "The first 1,000 of 100,000 files"));
  EXPECT_TRUE(tells(call(*t, "list_files", {{"glob", "99999.*"}}), "many/99999.txt\t6\n"));
  EXPECT_TRUE(tells(call(*t, "search", {{"pattern", "hullo"}}), "No line matches.\n"));
  EXPECT_TRUE(refuses(call(*t, "read_file", {{"path", "many/99999"}}), "many/99999.txt"));
}

TEST_F(ToolsHostile, AnIgnoreFileOfTheWorktreeThatIsALinkIsNotObeyedOutside) {
  auto& t = writer();
  test::write_file(outside() / "rules", "*\n");
  fs::create_symlink(outside() / "rules", worktree() / "dir/.gitignore");
  EXPECT_TRUE(tells(call(t, "write_file", {{"path", "dir/fine.txt"}, {"content", "x"}}), "Made"));
}

TEST_F(ToolsHostile, AWorktreeThatIsGoneIsAnErrorAndNotTheOutside) {
  auto& t = writer();
  fs::rename(worktree(), r.folder() / "away");
  EXPECT_TRUE(refuses(call(t, "write_file", {{"path", "a.txt"}, {"content", "x"}}), "try again"));
  EXPECT_TRUE(refuses(call(t, "read_file", {{"path", "a.txt"}}), "try again"));
  fs::rename(r.folder() / "away", worktree());
  EXPECT_TRUE(tells(call(t, "read_file", {{"path", "a.txt"}}), "one\n"));
}

} // namespace
} // namespace test
