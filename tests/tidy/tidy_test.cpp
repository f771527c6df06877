// Holds the tree to the rules of rules.hpp, and each rule to a bad sample: a
// rule that nothing can break would let everything pass.

#include "tests/tidy/rules.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;
using tidy::findings;
using tidy::source;

const fs::path root = SOURCE_ROOT;

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  EXPECT_TRUE(in) << file;
  return {std::istreambuf_iterator<char>(in), {}};
}

struct tree {
  std::vector<source> sources;              ///< *.hpp and *.cpp
  std::map<std::string, std::string> cmake; ///< Folder to its CMakeLists.txt.
  std::vector<source> texts;                ///< All of these, scripts and documentation.
};

void add(tree& t, const fs::path& file) {
  auto path = file.lexically_relative(root).generic_string();
  auto name = file.filename().string();
  auto extension = file.extension().string();
  bool is_source = extension == ".hpp" || extension == ".cpp";
  if (is_source)
    t.sources.push_back({path, content_of(file)});
  if (name == "CMakeLists.txt")
    t.cmake[file.parent_path().lexically_relative(root).generic_string()] = content_of(file);
  if (is_source || name == "CMakeLists.txt" || name == "dev" || extension == ".cmake"
      || extension == ".md" || extension == ".sh")
    t.texts.push_back({path, content_of(file)});
}

const tree& whole_tree() {
  static const tree all = [] {
    tree t;
    for (auto folder : {"ledger", "providers", "actors", "cli", "tests", "bench", "cmake", "docs"})
      if (fs::is_directory(root / folder))
        for (auto& entry : fs::recursive_directory_iterator(root / folder))
          if (entry.is_regular_file())
            add(t, entry.path());
    for (auto& entry : fs::directory_iterator(root))
      if (entry.is_regular_file())
        add(t, entry.path());
    return t;
  }();
  return all;
}

void expect_none(const std::vector<source>& sources,
                 const std::function<findings(const source&)>& rule) {
  ASSERT_GE(sources.size(), 40u) << "the tree was not found at " << root;
  for (auto& s : sources)
    for (auto& f : rule(s))
      ADD_FAILURE() << tidy::to_string(f);
}

bool exists_in_tree(const std::string& path) {
  return fs::is_regular_file(root / path);
}

TEST(tidy_tree, IncludesGoOneWay) {
  expect_none(whole_tree().sources, tidy::includes_go_one_way);
}

TEST(tidy_tree, IncludesStartAtTheRoot) {
  expect_none(whole_tree().sources,
              [](const source& s) { return tidy::includes_start_at_the_root(s, exists_in_tree); });
}

TEST(tidy_tree, FilesAreShort) {
  expect_none(whole_tree().sources, tidy::file_is_short);
}

TEST(tidy_tree, LinesAreShort) {
  expect_none(whole_tree().sources, tidy::lines_are_short);
}

TEST(tidy_tree, HasNoTabs) {
  expect_none(whole_tree().sources, tidy::has_no_tabs);
}

TEST(tidy_tree, TestsNeverSleep) {
  expect_none(whole_tree().sources, tidy::tests_never_sleep);
}

TEST(tidy_tree, RunsNoShell) {
  expect_none(whole_tree().sources, tidy::runs_no_shell);
}

TEST(tidy_tree, LeavesNothingUndone) {
  expect_none(whole_tree().texts, tidy::leaves_nothing_undone);
}

TEST(tidy_tree, HeadersIntroduceThemselves) {
  expect_none(whole_tree().sources, tidy::header_introduces_itself);
}

TEST(tidy_tree, FunctionsAreShort) {
  expect_none(whole_tree().sources, tidy::functions_are_short);
}

TEST(tidy_tree, EverySourceIsBuilt) {
  expect_none(whole_tree().sources,
              [](const source& s) { return tidy::is_listed_in_cmake(s, whole_tree().cmake); });
}

// -- each rule against samples ------------------------------------------------

std::vector<std::size_t> lines_of(const findings& found) {
  std::vector<std::size_t> lines;
  for (auto& f : found)
    lines.push_back(f.line);
  return lines;
}

using lines = std::vector<std::size_t>;

TEST(tidy_rules, MessagesHavePathAndLine) {
  EXPECT_EQ(tidy::to_string({"ledger/x.cpp", 12, "is bad"}), "ledger/x.cpp:12: is bad");
}

TEST(tidy_rules, CodeKeepsLinesAndColumns) {
  EXPECT_EQ(tidy::code_of("a // b\nc", true), "a     \nc");
  EXPECT_EQ(tidy::code_of("a /* b\n */ c", true), "a     \n    c");
  EXPECT_EQ(tidy::code_of("f(\"a\\\"b\", 'c')", true), "f(\"    \", \" \")");
  EXPECT_EQ(tidy::code_of("R\"x(a)\" b)x\" c", true), "\"          \" c");
  EXPECT_EQ(tidy::code_of("1'000 + 'x'", true), "1'000 + \" \"");
  EXPECT_EQ(tidy::code_of("#define A \\\n {\nb", false), "           \n  \nb");
  EXPECT_EQ(tidy::code_of("\"unclosed\nnext", true), "\"        \nnext");
}

TEST(tidy_rules, IncludesAgainstTheDirectionAreFound) {
  struct row {
    std::string_view path, file;
    bool bad;
  };
  for (auto& r : {
           row{"ledger/x.cpp", "<caf/all.hpp>", true},
           row{"ledger/x.cpp", "<curl/curl.h>", true},
           row{"ledger/x.cpp", "<sqlite3.h>", true},
           row{"ledger/x.cpp", "\"ledger/disk/files.hpp\"", true},
           row{"ledger/x.hpp", "\"providers/git.hpp\"", true},
           row{"ledger/x.cpp", "\"actors/caf.hpp\"", true},
           row{"ledger/x.cpp", "\"cli/main.hpp\"", true},
           row{"ledger/x.cpp", "\"ledger/glob.hpp\"", false},
           row{"ledger/disk/x.cpp", "<sqlite3.h>", false},
           row{"ledger/disk/x.cpp", "\"providers/git.hpp\"", true},
           row{"ledger/disk/x.cpp", "\"ledger/disk/files.hpp\"", false},
           row{"providers/x.cpp", "<caf/all.hpp>", true},
           row{"providers/x.cpp", "<sqlite3.h>", true},
           row{"providers/offline/x.cpp", "\"actors/protocol.hpp\"", true},
           row{"providers/x.cpp", "\"cli/x.hpp\"", true},
           row{"providers/x.cpp", "<curl/curl.h>", false},
           row{"actors/x.cpp", "<caf/all.hpp>", true},
           row{"actors/x.cpp", "<curl/curl.h>", true},
           row{"actors/x.cpp", "\"cli/x.hpp\"", true},
           row{"actors/caf.hpp", "<caf/all.hpp>", false},
           row{"actors/protocol.hpp", "<caf/typed_actor.hpp>", false},
           row{"actors/caf.hpp", "\"cli/x.hpp\"", true},
           row{"cli/main.cpp", "<caf/all.hpp>", true},
           row{"cli/main.cpp", "\"actors/caf.hpp\"", false},
           row{"bench/x.cpp", "<caf/all.hpp>", true},
           row{"tests/ledger/x.cpp", "\"providers/git.hpp\"", true},
           row{"tests/ledger/x.cpp", "<sqlite3.h>", true},
           row{"tests/disk/x.cpp", "<sqlite3.h>", false},
           row{"tests/providers/x.cpp", "\"actors/caf.hpp\"", true},
           row{"tests/actors/x.cpp", "<caf/test.hpp>", false},
       }) {
    auto text = "// x\n# include  " + std::string(r.file) + "\n";
    SCOPED_TRACE(std::string(r.path) + " " + std::string(r.file));
    auto found = tidy::includes_go_one_way({std::string(r.path), text});
    EXPECT_EQ(!found.empty(), r.bad);
    EXPECT_TRUE(found.empty() || found.front().line == 2u);
  }
}

TEST(tidy_rules, IncludesThatDoNotStartAtTheRootAreFound) {
  auto exists = [](const std::string& path) { return path == "ledger/x.hpp"; };
  EXPECT_EQ(lines_of(tidy::includes_start_at_the_root(
                {"ledger/y.cpp", "#include \"x.hpp\"\n#include \"ledger/x.hpp\"\n#include <x>\n"},
                exists)),
            lines{1});
}

TEST(tidy_rules, LongFilesAreFound) {
  std::string text;
  for (std::size_t i = 0; i < tidy::max_file_lines; ++i)
    text += "x\n";
  EXPECT_TRUE(tidy::file_is_short({"a.cpp", text}).empty());
  EXPECT_EQ(tidy::file_is_short({"a.cpp", text + "x\n"}).size(), 1u);
}

TEST(tidy_rules, LongLinesAreFoundByColumns) {
  std::string full(tidy::max_line_columns, 'x');
  std::string umlauts;
  for (std::size_t i = 0; i < tidy::max_line_columns; ++i)
    umlauts += "\xc3\xa4";
  EXPECT_TRUE(tidy::lines_are_short({"a.cpp", full + "\n" + umlauts}).empty());
  EXPECT_EQ(lines_of(tidy::lines_are_short({"a.cpp", full + "\n" + full + "x\n"})), lines{2});
}

TEST(tidy_rules, TabsAreFound) {
  EXPECT_EQ(lines_of(tidy::has_no_tabs({"a.cpp", "a\n\tb\n"})), lines{2});
  EXPECT_TRUE(tidy::has_no_tabs({"a.cpp", "a\n  b\n"}).empty());
}

TEST(tidy_rules, SleepsInTestsAreFound) {
  for (std::string_view code : {"std::this_thread::sleep_for(1s);", "usleep(5);", "::sleep (1);",
                                "sleep_until(t);", "nanosleep(&a, 0);"}) {
    SCOPED_TRACE(code);
    auto text = "// sleep(1)\nrun(\"sleep 5; sleep(1)\");\n" + std::string(code) + "\n";
    EXPECT_EQ(lines_of(tidy::tests_never_sleep({"tests/a.cpp", text})), lines{3});
    EXPECT_TRUE(tidy::tests_never_sleep({"actors/a.cpp", text}).empty());
  }
  EXPECT_TRUE(tidy::tests_never_sleep({"tests/a.cpp", "child_that_sleeps(3);"}).empty());
}

TEST(tidy_rules, ShellsAreFound) {
  for (std::string_view code :
       {"  system(\"ls\");", "int x = ::system(c);", "std::system(c);", "f(popen(c, \"r\"));"}) {
    SCOPED_TRACE(code);
    EXPECT_EQ(lines_of(tidy::runs_no_shell({"cli/a.cpp", "\n" + std::string(code)})), lines{2});
  }
  for (std::string_view code : {"actor_system sys(cfg);", "x.system();", "self->system();",
                                "// system(x)", "file_system(x)", "std::system_category()"}) {
    SCOPED_TRACE(code);
    EXPECT_TRUE(tidy::runs_no_shell({"cli/a.cpp", std::string(code)}).empty());
  }
}

TEST(tidy_rules, UndoneWorkIsFound) {
  EXPECT_EQ(lines_of(tidy::leaves_nothing_undone({"a.md", "x\n// TO"
                                                          "DO: y\n"})),
            lines{2});
  EXPECT_EQ(lines_of(tidy::leaves_nothing_undone({"a.md", "FIX"
                                                          "ME\n"})),
            lines{1});
  EXPECT_TRUE(tidy::leaves_nothing_undone({"a.md", "mastodon FIXMENOT\n"}).empty());
}

TEST(tidy_rules, HeadersWithoutIntroductionAreFound) {
  EXPECT_TRUE(
      tidy::header_introduces_itself({"a/x.hpp", "// x.hpp -- y.\n\n#pragma once\n"}).empty());
  EXPECT_EQ(tidy::header_introduces_itself({"a/x.hpp", "// y.hpp -- y.\n\n#pragma once\n"}).size(),
            1u);
  EXPECT_EQ(tidy::header_introduces_itself({"a/x.hpp", "// x.hpp -- y.\n"}).size(), 1u);
  EXPECT_TRUE(tidy::header_introduces_itself({"a/x.cpp", ""}).empty());
}

/// `head {`, then lines, then `}`: `total` lines in all.
std::string block_of(std::size_t total, const std::string& head) {
  std::string text = head + " {\n";
  for (std::size_t i = 2; i < total; ++i)
    text += "  if (x) { y(); }\n";
  return text + "}\n";
}

TEST(tidy_rules, LongFunctionsAreFoundWhereverTheyStand) {
  const auto most = tidy::max_function_lines;
  struct row {
    std::string_view name;
    std::string before, head;
  };
  for (auto& r : {
           row{"free", "", "int f(int a)"},
           row{"in namespaces", "namespace a::b {\nnamespace {\n", "void f() noexcept"},
           row{"member", "class c {\npublic:\n", "  int f() const override"},
           row{"template", "template <class T, class = int>\n", "T f(T x)"},
           row{"constructor", "", "c::c(int x) : a_{x}, b_(x)"},
           row{"test", "", "TEST(a, B)"},
           row{"after values", "const int a[]{1, 2};\nstruct s { int x = 3; };\n", "void f()"},
           row{"trailing return", "", "auto f() -> std::vector<int>"},
       }) {
    SCOPED_TRACE(r.name);
    auto extra = r.before.find("template") == 0 ? 1u : 0u; // Its line counts as well.
    EXPECT_TRUE(
        tidy::functions_are_short({"a.cpp", r.before + block_of(most - extra, r.head)}).empty());
    EXPECT_EQ(tidy::functions_are_short({"a.cpp", r.before + block_of(most + 1, r.head)}).size(),
              1u);
  }
}

TEST(tidy_rules, LongTablesAndClassesAreNoFunctions) {
  const auto more = tidy::max_function_lines + 20;
  EXPECT_TRUE(tidy::functions_are_short({"a.cpp", block_of(more, "const row rows[]")}).empty());
  std::string members = "class c {\n";
  for (std::size_t i = 0; i < more; ++i)
    members += "  int f();\n  int g() { return 1; }\n";
  EXPECT_TRUE(tidy::functions_are_short({"a.cpp", members + "};\n"}).empty());
}

TEST(tidy_rules, SourcesThatNobodyBuildsAreFound) {
  const std::map<std::string, std::string> cmake{
      {"ledger", "add_library(l STATIC\n  a.cpp\n  disk/b.cpp) # c.cpp\n"},
      {"tests/x", "project_test(t y_test.cpp)"}};
  for (std::string path : {"ledger/a.cpp", "ledger/disk/b.cpp", "tests/x/y_test.cpp", "z/q.hpp"})
    EXPECT_TRUE(tidy::is_listed_in_cmake({path, ""}, cmake).empty()) << path;
  for (std::string path : {"ledger/c.cpp", "ledger/b.cpp", "ledger/disk/a.cpp", "cli/a.cpp",
                           "tests/x/test.cpp", "tests/x/y.cpp"})
    EXPECT_EQ(tidy::is_listed_in_cmake({path, ""}, cmake).size(), 1u) << path;
}

} // namespace
