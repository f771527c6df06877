// What the tools tell and do for whoever means well; tools_hostile_test.cpp has
// the others.

#include "tests/providers/tools_fixture.hpp"

#include <string>
#include <vector>

namespace test {
namespace {

using ledger::step;

std::vector<std::string> names_of(const std::vector<providers::tool_spec>& specs) {
  std::vector<std::string> names;
  for (const auto& s : specs)
    names.push_back(s.name);
  return names;
}

const std::vector<std::string> reading{"list_files", "read_file", "search", "git_log"};
const std::vector<std::string> all_tools{"list_files", "read_file",       "search",     "git_log",
                                         "write_file", "replace_in_file", "delete_file"};

TEST(ToolSpecs, OffersEachStepWhatItsRoleMayDoInAFixedOrder) {
  for (const auto at : {step::audit, step::decide, step::plan, step::review, step::verify})
    EXPECT_EQ(names_of(providers::tools_for(at)), reading) << ledger::to_string(at);
  for (const auto at : {step::implement, step::test})
    EXPECT_EQ(names_of(providers::tools_for(at)), all_tools) << ledger::to_string(at);
  for (const auto at : {step::ingest, step::deliver})
    EXPECT_TRUE(providers::tools_for(at).empty()) << ledger::to_string(at);
}

TEST(ToolSpecs, OffersTwoTreesToReviewersOnly) {
  for (const auto& row : ledger::step_table)
    for (const auto& s : providers::tools_for(row.id)) {
      const auto reviews = row.id == step::review || row.id == step::verify;
      EXPECT_EQ(s.parameters["properties"].contains("at"), reviews && s.name != "git_log")
          << row.name << " " << s.name;
    }
}

TEST(ToolSpecs, AreSchemasThatForbidWhatTheyDoNotName) {
  for (const auto& s : providers::tools_for(step::implement)) {
    EXPECT_EQ(s.parameters["type"], "object") << s.name;
    EXPECT_EQ(s.parameters["additionalProperties"], false) << s.name;
    EXPECT_FALSE(s.description.empty()) << s.name;
    ASSERT_TRUE(s.parameters["required"].is_array()) << s.name;
    for (const auto& name : s.parameters["required"])
      EXPECT_TRUE(s.parameters["properties"].contains(name.get<std::string>())) << s.name;
    for (const auto& p : s.parameters["properties"])
      EXPECT_TRUE(p["description"].is_string() && p["type"].is_string()) << s.name;
  }
}

TEST(ToolSpecs, KnowsWhichCallsChangeFiles) {
  for (const auto& name : all_tools)
    EXPECT_EQ(toolbox::changes_files({"", name, {}}),
              name == "write_file" || name == "replace_in_file" || name == "delete_file")
        << name;
}

struct ToolArguments : tools_fixture {};

TEST_F(ToolArguments, AnErrorNamesTheArgument) {
  auto& t = writer();
  struct row {
    const char *name, *arguments, *says;
  };
  for (const auto& [name, arguments, says] : std::vector<row>{
           {"read_file", "{}", "`path` is missing"},
           {"read_file", R"({"path": null})", "`path` is missing"},
           {"read_file", R"({"path": 7})", "`path` must be a string, not number"},
           {"read_file", R"({"path": "a.txt", "lines": 3})", "unknown argument `lines`"},
           {"read_file", R"({"path": "a.txt", "at": "base"})", "unknown argument `at`"},
           {"read_file", R"({"path": "a.txt", "from_line": "1"})", "`from_line` must be a whole"},
           {"read_file", R"({"path": "a.txt", "from_line": 1.5})", "`from_line` must be a whole"},
           {"read_file", R"({"path": "a.txt", "from_line": 0})", "from 1 to"},
           {"read_file", R"({"path": "a.txt", "from_line": 1e300})", "`from_line`"},
           {"read_file", R"({"path": "a.txt", "from_line": 3, "to_line": 2})", "`to_line` 2"},
           {"read_file", "[]", "must be a JSON object with"},
           {"read_file", "null", "must be a JSON object with"},
           {"git_log", R"({"count": 51})", "`count` must be a whole number from 1 to 50"},
           {"search", R"({"pattern": "x", "ignore_case": "yes"})", "`ignore_case` must be true"},
           {"replace_in_file", R"({"path": "a.txt", "old": "x"})", "`new` is missing"},
           {"write_file", R"({"path": "a.txt", "content": ["x"]})", "`content` must be a string"},
       })
    EXPECT_TRUE(refuses(call(t, name, json::parse(arguments)), says)) << name << arguments;
}

TEST_F(ToolArguments, TakesNullForNotGivenAndWholeNumbersInAnyForm) {
  auto t = reader();
  EXPECT_TRUE(tells(call(*t, "read_file", {{"path", "a.txt"}, {"from_line", 2.0}, {"to_line", {}}}),
                    "a.txt: lines 2-3 of 3"));
}

TEST_F(ToolArguments, AnUnknownToolIsAnswedWithTheOnesThatThereAre) {
  auto t = reader();
  EXPECT_TRUE(refuses(call(*t, "run_shell"), "there are: list_files, read_file, search, git_log"));
  EXPECT_TRUE(refuses(call(*t, "write_file", {{"path", "a.txt"}, {"content", ""}}),
                      "nothing may be changed in this step (audit)"));
}

struct ToolReading : tools_fixture {};

TEST_F(ToolReading, ListsFilesSortedWithSizes) {
  auto t = reader();
  EXPECT_EQ(
      call(*t, "list_files").content,
      "4 files (path, tab, bytes):\n.gitignore\t20\na.txt\t14\ndir/b.txt\t2\ndir/run.sh\t10\n");
  EXPECT_EQ(call(*t, "list_files", {{"path", "./dir/"}, {"glob", "*.sh"}}).content,
            "1 file (path, tab, bytes):\ndir/run.sh\t10\n");
  EXPECT_TRUE(tells(call(*t, "list_files", {{"glob", "*.rs"}}), "No files match"));
  EXPECT_TRUE(tells(call(*t, "list_files", {{"path", "a.txt"}}), "a.txt\t14"));
  EXPECT_TRUE(refuses(call(*t, "list_files", {{"path", "dri"}}), "nearest names: dir/"));
}

TEST_F(ToolReading, ListsTheFirstOfManyAndTheFoldersToNarrowTo) {
  for (int i = 0; i < 1500; ++i)
    r.write("many/" + std::string(i % 2 == 0 ? "even/" : "odd/") + std::to_string(i), "x");
  commit_base();
  auto t = reader();
  const auto list = call(*t, "list_files");
  EXPECT_TRUE(tells(list, "The first 1,000 of 1,504 files (path, tab, bytes); 504 left out"));
  EXPECT_TRUE(tells(list, "Folders there: dir/ (2), many/ (1,500)."));
  EXPECT_TRUE(tells(call(*t, "list_files", {{"path", "many"}}),
                    "Folders there: many/even/ (750), many/odd/ (750)."));
}

TEST_F(ToolReading, ReadsAFileToTheLetterBehindAHeader) {
  auto t = reader();
  EXPECT_EQ(call(*t, "read_file", {{"path", "a.txt"}}).content,
            "a.txt: lines 1-3 of 3 (14 bytes)\none\ntwo\nthree\n");
  EXPECT_EQ(call(*t, "read_file", {{"path", "a.txt"}, {"from_line", 2}, {"to_line", 2}}).content,
            "a.txt: lines 2-2 of 3 (14 bytes)\ntwo\n");
  EXPECT_TRUE(refuses(call(*t, "read_file", {{"path", "a.txt"}, {"from_line", 4}}),
                      "a.txt has 3 lines; `from_line` 4 is behind the end"));
}

TEST_F(ToolReading, SaysWhatIsPeculiarAboutAFile) {
  r.write("crlf", "a\r\nb\r\n");
  r.write("mixed", "a\r\nb\n");
  r.write("open", "a\nb");
  r.write("empty", "");
  r.write("latin", "caf\xe9\n");
  r.write("binary", std::string("a\0b", 3));
  fs::create_symlink("a.txt", r.top() / "link");
  commit_base();
  auto t = reader();
  const auto read = [&](const char* path) { return call(*t, "read_file", {{"path", path}}); };
  EXPECT_TRUE(tells(read("crlf"), "; line ends are CRLF\na\r\nb\r\n"));
  EXPECT_TRUE(tells(read("mixed"), "; some line ends are CRLF\n"));
  EXPECT_TRUE(tells(read("open"), "; no newline at the end of the file\na\nb"));
  EXPECT_TRUE(tells(read("empty"), "empty (0 bytes)"));
  EXPECT_TRUE(tells(read("latin"), "; bytes that are no UTF-8 are shown as \\xNN\ncaf\\xe9\n"));
  EXPECT_TRUE(tells(read("binary"), "binary: binary, 3 bytes, not shown"));
  EXPECT_TRUE(tells(read("link"), "a symbolic link to `a.txt`, which is not followed"));
}

TEST_F(ToolReading, CutsALongFileAtAWholeLineAndSaysHowToGoOn) {
  std::string text;
  for (int i = 1; i <= 20'000; ++i)
    text += "line " + std::to_string(i) + "\n";
  r.write("long", text);
  commit_base();
  auto t = reader();
  std::string all;
  for (std::size_t from = 1, calls = 0; from != 0 && calls < 50; ++calls) {
    const auto part = call(*t, "read_file", {{"path", "long"}, {"from_line", from}}).content;
    const auto header = part.substr(0, part.find('\n'));
    all += part.substr(header.size() + 1);
    const auto next = header.find("continue with from_line ");
    from = next == header.npos ? 0 : std::stoul(header.substr(next + 24));
  }
  EXPECT_EQ(all, text);
}

TEST_F(ToolReading, CutsALineThatDoesNotFitWithinACharacterNever) {
  std::string line = "x";
  while (line.size() < 100'000)
    line += "é";
  r.write("wide", "first\n" + line + "\nlast\n");
  commit_base();
  auto t = reader();
  EXPECT_TRUE(tells(call(*t, "read_file", {{"path", "wide"}}),
                    "wide: lines 1-1 of 3 (100,013 bytes); cut to fit: continue with from_line 2"));
  const auto cut = call(*t, "read_file", {{"path", "wide"}, {"from_line", 2}});
  EXPECT_TRUE(tells(cut, "line 2 has 100,002 bytes, of which only the beginning is shown"));
  EXPECT_TRUE(tells(cut, "continue with from_line 3"));
  EXPECT_FALSE(contains(cut.content, "\\x"));
  EXPECT_TRUE(tells(call(*t, "read_file", {{"path", "wide"}, {"from_line", 3}}), "\nlast\n"));
}

TEST_F(ToolReading, AnswersAMissingFileWithTheNearestNames) {
  r.write("src/deep/config.cpp", "x");
  commit_base();
  auto t = reader();
  EXPECT_TRUE(refuses(call(*t, "read_file", {{"path", "config.cpp"}}),
                      "there is no file config.cpp; nearest names: src/deep/config.cpp"));
  EXPECT_TRUE(refuses(call(*t, "read_file", {{"path", "dir/B.TXT"}}), "nearest names: dir/b.txt"));
  EXPECT_TRUE(refuses(call(*t, "read_file", {{"path", "src/deep/confg.cpp"}}),
                      "nearest names: src/deep/config.cpp"));
  EXPECT_TRUE(refuses(call(*t, "read_file", {{"path", "dir"}}), "dir is a folder"));
}

TEST_F(ToolReading, ReviewersReadTheCandidateUnlessTheyAskForTheBase) {
  r.write("a.txt", "changed\n");
  const auto changed = r.commit("candidate");
  auto s = scope(step::review);
  s.tree = r.git({"rev-parse", changed + "^{tree}"});
  auto t = providers::make_toolbox(r.open(), s);
  const auto read = [&](json at) {
    return call(*t, "read_file", {{"path", "a.txt"}, {"at", std::move(at)}});
  };
  EXPECT_TRUE(tells(read({}), "\nchanged\n"));
  EXPECT_TRUE(tells(read("candidate"), "\nchanged\n"));
  EXPECT_TRUE(tells(read("base"), "\none\ntwo\n"));
  EXPECT_TRUE(refuses(read("HEAD"), "`at` must be \"base\" or \"candidate\""));
  EXPECT_TRUE(refuses(read(7), "`at` must be a string"));
  s.tree.clear();
  auto without = providers::make_toolbox(r.open(), s);
  EXPECT_TRUE(refuses(call(*without, "list_files", {{"at", "candidate"}}), "no candidate"));
  EXPECT_TRUE(tells(call(*without, "list_files"), "a.txt\t14"));
}

TEST_F(ToolReading, TellsTheHistoryOfTheBaseWithoutNames) {
  r.write("dir/b.txt", "changed\n");
  commit_base();
  r.commit("after the base");
  auto t = reader();
  const auto log = call(*t, "git_log");
  EXPECT_TRUE(
      tells(log, "2 commits before the task, newest first:\n" + base.substr(0, 12) + " 20"));
  EXPECT_TRUE(tells(log, " more files\n"));
  EXPECT_FALSE(contains(log.content, "A User") || contains(log.content, "example.org")
               || contains(log.content, "after the base"));
  EXPECT_TRUE(tells(call(*t, "git_log", {{"count", 1}}), "1 commit before the task, newest first; "
                                                         "older ones are left out"));
  EXPECT_TRUE(tells(call(*t, "git_log", {{"path", "a.txt"}}), " base\n"));
  EXPECT_TRUE(tells(call(*t, "git_log", {{"path", "dir/"}}), "2 commits"));
  EXPECT_TRUE(tells(call(*t, "git_log", {{"path", "*.txt"}}), "No commit"));
}

TEST_F(ToolReading, AFailureOfGitSaysSoWithoutPathsOfTheMachine) {
  auto t = reader();
  fs::rename(r.top() / ".git/objects", r.top() / ".git/gone");
  const auto list = call(*t, "list_files");
  EXPECT_TRUE(refuses(list, "the tool could not be run"));
  EXPECT_FALSE(contains(list.content, r.top().string()));
  EXPECT_TRUE(refuses(call(*t, "git_log"), "try again"));
  fs::rename(r.top() / ".git/gone", r.top() / ".git/objects");
  EXPECT_TRUE(tells(call(*t, "list_files"), "a.txt\t14")) << "a failure is not remembered";
}

TEST_F(ToolReading, TheEndOfTheProgramIsToldAsSuch) {
  auto t = reader();
  r.children().close();
  EXPECT_TRUE(refuses(call(*t, "list_files"), "could not be run: the program is ending"));
}

struct ToolSearch : tools_fixture {};

TEST_F(ToolSearch, TellsPathLineAndText) {
  r.write("crlf", "two words\r\n");
  commit_base();
  auto t = reader();
  EXPECT_EQ(call(*t, "search", {{"pattern", "^t\\w+"}}).content,
            "3 lines match in 2 files:\na.txt:2: two\na.txt:3: three\ncrlf:1: two words\n");
  EXPECT_EQ(call(*t, "search", {{"pattern", "words$"}}).content,
            "1 line matches in 1 file:\ncrlf:1: two words\n");
  EXPECT_EQ(call(*t, "search", {{"pattern", "TWO"}}).content, "No line matches.\n");
  EXPECT_TRUE(tells(call(*t, "search", {{"pattern", "TWO"}, {"ignore_case", true}}), "a.txt:2:"));
  EXPECT_TRUE(tells(call(*t, "search", {{"pattern", "b"}, {"glob", "dir/**"}}), "dir/b.txt:1: b"));
  EXPECT_TRUE(tells(call(*t, "search", {{"pattern", "b"}, {"glob", "*.rs"}}), "No file matches"));
}

TEST_F(ToolSearch, SaysWhatRe2SaysOfABadPattern) {
  auto t = reader();
  EXPECT_TRUE(refuses(call(*t, "search", {{"pattern", "foo("}}), "missing ): foo("));
  EXPECT_TRUE(refuses(call(*t, "search", {{"pattern", "(?=x)"}}), "invalid regular expression"));
  EXPECT_TRUE(refuses(call(*t, "search", {{"pattern", ""}}), "the pattern is empty"));
}

TEST_F(ToolSearch, ShowsThePieceOfALongLineThatMatches) {
  r.write("min.js", std::string(50'000, 'a') + "needle" + std::string(50'000, 'b') + "\n");
  commit_base();
  auto t = reader();
  const auto found = call(*t, "search", {{"pattern", "needle"}});
  EXPECT_TRUE(tells(found, "min.js:1: …aaaa"));
  EXPECT_TRUE(tells(found, "needlebbb"));
  EXPECT_TRUE(tells(found, "bbb… [line of 100,006 bytes]\n"));
  EXPECT_LT(found.content.size(), 400u);
}

TEST_F(ToolSearch, StopsAtItsLimitsAndSaysSo) {
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += "hit\n";
  r.write("hits", text);
  r.write("binary", std::string("hit\0", 4));
  r.write("large", std::string(5 * 1024 * 1024, '\n') + "hit\n");
  commit_base();
  auto t = reader();
  EXPECT_TRUE(tells(call(*t, "search", {{"pattern", "hit"}}),
                    "200 lines match in 1 file; more are left out: narrow with `glob`"));
  EXPECT_EQ(call(*t, "search", {{"pattern", "hit"}, {"glob", "[bl]*"}}).is_error, false);
  EXPECT_EQ(call(*t, "search", {{"pattern", "hit"}, {"glob", "?a*g*"}}).content,
            "No line matches; 1 file left out that cannot be read or have more than 4,194,304 "
            "bytes.\n");
  EXPECT_TRUE(tells(call(*t, "search", {{"pattern", "hit"}, {"glob", "bin*"}}),
                    "; 1 binary file left out"));
}

struct ToolWriting : tools_fixture {};

TEST_F(ToolWriting, WhatIsWrittenIsTheCandidate) {
  auto& t = writer();
  EXPECT_TRUE(tells(call(t, "write_file", {{"path", "new/deep/x.txt"}, {"content", "x\n"}}),
                    "Made new/deep/x.txt (2 bytes)."));
  EXPECT_TRUE(tells(call(t, "write_file", {{"path", "a.txt"}, {"content", "all new\n"}}),
                    "Wrote a.txt (8 bytes)."));
  EXPECT_TRUE(tells(call(t, "delete_file", {{"path", "dir/b.txt"}}), "Deleted dir/b.txt."));
  EXPECT_TRUE(tells(
      call(t, "replace_in_file", {{"path", "dir/run.sh"}, {"old", "/bin/sh"}, {"new", "/bin/ash"}}),
      "Replaced 1 occurrence in dir/run.sh (line 1)."));
  EXPECT_EQ(paths(taken()),
            (std::vector<std::string>{"M 100644 a.txt", "D 000000 dir/b.txt", "M 100755 dir/run.sh",
                                      "A 100644 new/deep/x.txt"}));
}

TEST_F(ToolWriting, ReadingSeesWhatWasWritten) {
  auto& t = writer();
  call(t, "write_file", {{"path", "new/x.txt"}, {"content", "marker\n"}});
  call(t, "write_file", {{"path", "a.txt"}, {"content", "marker too\n"}});
  call(t, "delete_file", {{"path", "dir/b.txt"}});
  EXPECT_EQ(
      call(t, "list_files").content,
      "4 files (path, tab, bytes):\n.gitignore\t20\na.txt\t11\ndir/run.sh\t10\nnew/x.txt\t7\n");
  EXPECT_TRUE(tells(call(t, "read_file", {{"path", "a.txt"}}), "\nmarker too\n"));
  EXPECT_EQ(call(t, "search", {{"pattern", "marker"}}).content,
            "2 lines match in 2 files:\na.txt:1: marker too\nnew/x.txt:1: marker\n");
  EXPECT_TRUE(refuses(call(t, "read_file", {{"path", "dir/b.txt"}}), "there is no file"));
  EXPECT_TRUE(refuses(call(t, "delete_file", {{"path", "dir/b.txt"}}), "there is no file"));
}

TEST_F(ToolWriting, AFixBeginsWithTheCandidate) {
  r.write("new/of-candidate.txt", "y\n");
  const auto later = r.commit("candidate");
  auto s = scope(step::test);
  s.tree = r.git({"rev-parse", later + "^{tree}"});
  auto w = open(1);
  auto l = checkout(*w, base, s.tree);
  s.worktree = l->folder();
  s.allowed.allowed = {"new/**"};
  auto t = providers::make_toolbox(r.open(), s);
  EXPECT_TRUE(tells(call(*t, "list_files"), "new/of-candidate.txt\t2"));
  EXPECT_TRUE(tells(
      call(*t, "replace_in_file", {{"path", "new/of-candidate.txt"}, {"old", "y"}, {"new", "z"}}),
      "Replaced 1"));
}

TEST_F(ToolWriting, TheSameCallsOnAFreshCheckoutGiveTheSameResultsAndTree) {
  const std::vector<std::pair<std::string, json>> calls{
      {"write_file", {{"path", "new/x"}, {"content", "1\n2\n2\n"}}},
      {"replace_in_file", {{"path", "new/x"}, {"old", "2"}, {"new", "3"}}},
      {"replace_in_file", {{"path", "new/x"}, {"old", "2"}, {"new", "3"}, {"all", true}}},
      {"delete_file", {{"path", "dir/run.sh"}}},
      {"write_file", {{"path", "dir/run.sh"}, {"content", "again\n"}}},
      {"list_files", json::object()},
      {"search", {{"pattern", "3|again"}}},
      {"write_file", {{"path", "b.txt"}, {"content", ""}}},
  };
  const auto play = [&] {
    auto& t = writer();
    std::string all;
    for (const auto& [name, arguments] : calls)
      all += call(t, name, arguments).content;
    return std::pair(all, taken().tree);
  };
  const auto first = play(), second = play();
  EXPECT_EQ(first, second);
  EXPECT_TRUE(contains(first.first, "new/x:2: 3")) << first.first;
}

TEST_F(ToolWriting, ReplacesOnceUnlessToldAll) {
  auto& t = writer();
  call(t, "write_file", {{"path", "dir/x"}, {"content", "a\nb\na\nc\n"}});
  const auto replace = [&](json more) {
    json arguments{{"path", "dir/x"}};
    arguments.update(more);
    return call(t, "replace_in_file", arguments);
  };
  EXPECT_TRUE(refuses(replace({{"old", "a"}, {"new", "z"}}),
                      "`old` occurs 2 times in dir/x (lines 1, 3); give more of the text"));
  EXPECT_TRUE(refuses(replace({{"old", "b"}, {"new", "b"}}), "are the same"));
  EXPECT_TRUE(refuses(replace({{"old", "d"}, {"new", "b"}}), "`old` does not occur in dir/x;"));
  EXPECT_TRUE(refuses(replace({{"old", "  b\n  a"}, {"new", "b"}}),
                      "what its first line says stands at line 2"));
  EXPECT_TRUE(tells(replace({{"old", "a"}, {"new", "z"}, {"all", true}}), "2 occurrences"));
  EXPECT_TRUE(tells(replace({{"old", "b\n"}, {"new", ""}}), "1 occurrence"));
  EXPECT_EQ(read_file(worktree() / "dir/x"), "z\nz\nc\n");
}

TEST_F(ToolWriting, AFileWithCrlfKeepsIt) {
  r.write("dir/crlf", "one\r\ntwo\r\nthree\r\n");
  commit_base();
  auto& t = writer();
  EXPECT_TRUE(tells(
      call(t, "replace_in_file", {{"path", "dir/crlf"}, {"old", "one\ntwo\n"}, {"new", "1\n2\n"}}),
      "Replaced 1"));
  EXPECT_EQ(read_file(worktree() / "dir/crlf"), "1\r\n2\r\nthree\r\n");
  EXPECT_TRUE(
      tells(call(t, "replace_in_file", {{"path", "dir/crlf"}, {"old", "three"}, {"new", "3\n4"}}),
            "Replaced 1"));
  EXPECT_TRUE(tells(
      call(t, "replace_in_file", {{"path", "dir/crlf"}, {"old", "1\r\n2"}, {"new", "0\r\n1"}}),
      "Replaced 1"));
  EXPECT_EQ(read_file(worktree() / "dir/crlf"), "0\r\n1\r\n3\r\n4\r\n");
}

TEST_F(ToolWriting, KeepsBytesThatAreNoUtf8) {
  r.write("dir/latin", "caf\xe9 one\n");
  commit_base();
  auto& t = writer();
  EXPECT_TRUE(
      tells(call(t, "replace_in_file", {{"path", "dir/latin"}, {"old", "one"}, {"new", "two"}}),
            "Replaced 1"));
  EXPECT_EQ(read_file(worktree() / "dir/latin"), "caf\xe9 two\n");
}

TEST_F(ToolWriting, ARefusalNamesTheRuleAndWhatMayBeWritten) {
  auto& t = writer();
  struct row {
    const char *path, *says;
  };
  for (const auto& [path, says] : std::vector<row>{
           {"b.txt", "b.txt is not in the decisions' *Allowed file paths*; you may write: dir/**, "
                     "a.txt, new/**"},
           {"dir/forbidden/x", "is under the decisions' *Forbidden changes*"},
           {".github/w.yml", "is protected (.github/**)"},
           {"dir/.env.local", "is protected (built in: .env*)"},
           {"dir/secret.txt", "secret file (scope.secrets: secret*)"},
           {"new/x.log", "git ignores this path, so the change could never be committed"},
           {"new/node_modules/y.js", "git ignores this path"},
       })
    EXPECT_TRUE(refuses(call(t, "write_file", {{"path", path}, {"content", "x"}}), says)) << path;
  EXPECT_TRUE(taken().changes.empty());
}

TEST_F(ToolWriting, WritesOnlyWhatThePlanNames) {
  auto& t = writer({"dir/b.txt", "new/planned.txt"});
  EXPECT_TRUE(refuses(call(t, "write_file", {{"path", "a.txt"}, {"content", "x"}}),
                      "a.txt is not among the files that the plan names; you may write: dir/b.txt, "
                      "new/planned.txt"));
  EXPECT_TRUE(
      tells(call(t, "write_file", {{"path", "new/planned.txt"}, {"content", "x"}}), "Made"));
  EXPECT_TRUE(tells(call(t, "delete_file", {{"path", "dir/b.txt"}}), "Deleted"));
}

TEST_F(ToolWriting, NamesAtMostThirtyPaths) {
  std::vector<std::string> planned;
  for (int i = 0; i < 100; ++i)
    planned.push_back("new/" + std::to_string(i));
  auto& t = writer(planned);
  EXPECT_TRUE(refuses(call(t, "delete_file", {{"path", "a.txt"}}), "new/29, and 70 more"));
}

TEST_F(ToolWriting, IgnoresWhatTheUserIgnores) {
  write_file(r.top() / ".git/info/exclude", "*.own\n");
  r.write("dir/tracked.log", "kept\n");
  r.git({"add", "--force", "dir/tracked.log"});
  commit_base();
  auto& t = writer();
  EXPECT_TRUE(refuses(call(t, "write_file", {{"path", "new/x.own"}, {"content", ""}}),
                      "git ignores this path"));
  EXPECT_TRUE(
      tells(call(t, "write_file", {{"path", "dir/tracked.log"}, {"content", "x\n"}}), "Wrote"))
      << "what is tracked is never ignored";
  call(t, "delete_file", {{"path", "dir/tracked.log"}});
  EXPECT_TRUE(
      tells(call(t, "write_file", {{"path", "dir/tracked.log"}, {"content", "y\n"}}), "Made"));
  EXPECT_EQ(paths(taken()), (std::vector<std::string>{"M 100644 dir/tracked.log"}));
}

TEST_F(ToolWriting, TakesNoMoreThanAMebibyte) {
  auto& t = writer();
  EXPECT_TRUE(refuses(
      call(t, "write_file", {{"path", "a.txt"}, {"content", std::string(1024 * 1024 + 1, 'x')}}),
      "`content` has 1,048,577 bytes; at most 1,048,576"));
  call(t, "write_file", {{"path", "a.txt"}, {"content", std::string(1000, 'x')}});
  EXPECT_TRUE(refuses(
      call(t, "replace_in_file",
           {{"path", "a.txt"}, {"old", "x"}, {"new", std::string(5000, 'y')}, {"all", true}}),
      "would have more than 4,194,304 bytes"));
}

} // namespace
} // namespace test
