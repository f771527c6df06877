#include "ledger/scope.hpp"

#include <gtest/gtest.h>

namespace {

using namespace ledger;

const std::string id_a(40, 'a'), id_b(40, 'b'), id_0(40, '0');

change changed(std::string path, char kind = 'M') {
  bool adds = kind == 'A', deletes = kind == 'D';
  return {adds ? "000000" : "100644",
          deletes ? "000000" : "100644",
          adds ? id_0 : id_a,
          deletes ? id_0 : id_b,
          kind,
          std::move(path)};
}

change with_modes(std::string path, std::string old_mode, std::string new_mode, char kind) {
  return {std::move(old_mode), std::move(new_mode), id_a, id_b, kind, std::move(path)};
}

protection by_default() {
  return protection_for(scope_config{}, {});
}

/// Judges one change under an allowance of everything below src/ and more, with
/// the change's own path planned.
std::string breach_of(change c, allowance a = {{"src/**", "a.c"}, {}, false},
                      std::vector<std::string> base_paths = {}) {
  scope_question q;
  q.planned = {c.path};
  q.changes = {std::move(c)};
  q.base_paths = std::move(base_paths);
  auto all = judge_scope(q, a, by_default(), {"src/schema/**"});
  return all.empty() ? "" : all.front().why;
}

TEST(Scope, ParsesGitsRawDiff) {
  std::string raw = ":100644 100755 " + id_a + " " + id_b + " M" + '\0' + "a b/\n\xff" + '\0'
                    + ":000000 100644 " + id_0 + " " + id_b + " A" + '\0' + "new" + '\0';
  auto all = parse_raw_diff(raw);
  ASSERT_TRUE(all) << all.error().detail;
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0].path, "a b/\n\xff");
  EXPECT_EQ((*all)[0].new_mode, "100755");
  EXPECT_EQ((*all)[1], (change{"000000", "100644", id_0, id_b, 'A', "new"}));
  EXPECT_TRUE(parse_raw_diff("")->empty());
}

TEST(Scope, EveryTruncationOfARawDiffIsCorruptOrShorter) {
  std::string one = ":100644 100644 " + id_a + " " + id_b + " M" + '\0' + "path" + '\0';
  auto raw = one + one;
  for (std::size_t n = 1; n < raw.size(); ++n) {
    if (n == one.size())
      continue;
    auto all = parse_raw_diff(raw.substr(0, n));
    ASSERT_FALSE(all) << n;
    EXPECT_EQ(all.error().kind, fault::corrupt);
  }
}

TEST(Scope, RefusesRawDiffsOfAnotherShape) {
  auto entry = [](std::string head) { return head + '\0' + "p" + '\0'; };
  auto ids = " " + id_a + " " + id_b + " ";
  for (auto& raw : {entry(":100644 100644" + ids + "R100"), entry(":100644 100644" + ids + "C"),
                    entry(":100644 100644" + ids + "X"), entry(":10064 100644" + ids + "M"),
                    entry(":100648 100644" + ids + "M"), entry("100644 100644" + ids + "M"),
                    entry(":100644 100644 abc def M"), entry(":100644 000000" + ids + "M"),
                    entry(":100644 100644" + ids + "A"), entry(":000000 000000" + ids + "D"),
                    entry(":100644 100644" + ids + "M x"), entry(":100644 100644" + ids),
                    ":100644 100644" + ids + "M" + '\0' + '\0'})
    EXPECT_FALSE(parse_raw_diff(raw)) << raw;
}

TEST(Scope, LetsAllowedPlannedChangesPass) {
  for (auto kind : {'M', 'A', 'D'})
    EXPECT_EQ(breach_of(changed("src/a.c", kind)), "");
  EXPECT_EQ(breach_of(changed("a.c")), "");
  EXPECT_EQ(breach_of(with_modes("src/run.sh", "100644", "100755", 'M')), "");
}

TEST(Scope, CatchesEveryRoute) {
  struct row {
    std::string name;
    change c;
    std::string why; ///< A part of it.
  };
  for (auto& r : std::vector<row>{
           {"not listed", changed("b.c"), "Allowed file paths"},
           {"not listed, new", changed("b.c", 'A'), "Allowed file paths"},
           {"not listed, deleted", changed("b.c", 'D'), "Allowed file paths"},
           {"not listed, mode", with_modes("b.c", "100644", "100755", 'M'), "Allowed file paths"},
           {"case variant of a listed file", changed("A.c", 'A'), "Allowed file paths"},
           {"case variant of a listed folder", changed("SRC/a.c", 'A'), "Allowed file paths"},
           {"sibling with the folder's prefix", changed("src2/a.c"), "Allowed file paths"},
           {"the folder itself as a file", changed("src", 'A'), "Allowed file paths"},
           {"stream of a listed file", changed("a.c::$DATA", 'A'), "Allowed file paths"},
           {"listed file with a blank behind", changed("a.c ", 'A'), "Allowed file paths"},
           {"new symlink", with_modes("src/l", "000000", "120000", 'A'), "symbolic link"},
           {"file becomes symlink", with_modes("src/l", "100644", "120000", 'T'), "symbolic link"},
           {"symlink becomes file", with_modes("src/l", "120000", "100644", 'T'), "symbolic link"},
           {"deleted symlink", with_modes("src/l", "120000", "000000", 'D'), "symbolic link"},
           {"gitlink", with_modes("src/sub", "000000", "160000", 'A'), "nested repository"},
           {"odd mode", with_modes("src/x", "100644", "100600", 'M'), "mode 100600"},
           {"climbs out", changed("src/../b.c"), "inside the repository"},
           {"absolute", changed("/etc/passwd"), "inside the repository"},
           {"back slash", changed("src\\..\\b.c"), "inside the repository"},
           {"newline", changed("src/a\nb.c"), "inside the repository"},
           {"not UTF-8", changed("src/\xff.c"), "inside the repository"},
           {"dots in full width", changed("src/\xef\xbc\x8e\xef\xbc\x8e/b.c"), "inside"},
           {"schema", changed("src/schema/1.sql"), "Schema changes: NO"},
           {"schema in capitals", changed("src/SCHEMA/1.sql"), "Schema changes: NO"},
       }) {
    SCOPED_TRACE(r.name);
    auto why = breach_of(r.c);
    EXPECT_NE(why.find(r.why), std::string::npos) << why;
    EXPECT_FALSE(why.empty());
  }
}

TEST(Scope, ProtectsTheBuiltInListOnEverySpelling) {
  std::vector<std::string> names{".git/config",
                                 "src/.git/hooks/x",
                                 ".GIT/x",
                                 "src/git~1/x",
                                 "GIT~1",
                                 ".git ",
                                 ".git.",
                                 ".git. ./x",
                                 ".git::$INDEX_ALLOCATION/x",
                                 ".git:x",
                                 ".g\xe2\x80\x8cit/x",
                                 "\xef\xbc\x8egit/config",
                                 ".gitmodules",
                                 "src/.GitModules",
                                 "gitmod~1",
                                 "GI7EBA~1",
                                 ".gitattributes",
                                 "src/deep/.gitattributes",
                                 "gi7d29~1",
                                 "gitatt~4",
                                 ".ai-stack-trace/T/journal.jsonl",
                                 ".AI-Stack-Trace/x",
                                 "scheduler.toml",
                                 "Scheduler.TOML",
                                 "src/scheduler.toml",
                                 ".env",
                                 "src/.env.local",
                                 "src/.ENV.production",
                                 ".env.d/x",
                                 "env~1",
                                 "src/tls.pem",
                                 "src/tls.KEY",
                                 "id_rsa",
                                 "src/id_rsa.pub",
                                 "id_ed25519",
                                 "src/cert.p12",
                                 "cert.pfx",
                                 ".netrc",
                                 "src/.git-credentials",
                                 "src/x.pem ",
                                 "src/a:b.pem",
                                 "src/a:b.key",
                                 "src/a\xef\xbc\x9a"
                                 "b.pem",
                                 "src/x.pem:b"};
  for (auto& name : names) {
    SCOPED_TRACE(name);
    EXPECT_TRUE(is_built_in_protected(name));
    // Nobody can lift it: neither the decisions nor a prompt.
    auto guard = protection_for(scope_config{}, {"**", "*", name, ".env*", ".git/**"});
    EXPECT_EQ(why_protected(guard, name).rfind("built in: ", 0), 0u);
    scope_question q;
    q.changes = {changed(name, 'A')};
    q.planned = {name};
    EXPECT_EQ(judge_scope(q, {{name, "src/**"}, {}, true}, guard, {}).size(), 1u);
  }
  for (std::string name : {"src/a.c", "git", "a.git", "environment", "my.envrc", "keys.c", "a.keys",
                           "gitmodules", "src/a:b.c", "docs/git~", "rsa_id", "pem"})
    EXPECT_FALSE(is_built_in_protected(name)) << name;
}

TEST(Scope, ProtectsTheConfiguredGlobsUntilAPromptLiftsThem) {
  auto guard = by_default();
  for (std::string name : {".gitignore", "src/.gitignore", "src/.GITIGNORE", "netlify.toml",
                           ".npmrc", ".github/workflows/ci.yml", ".GitHub/x", ".gitlab-ci.yml"})
    EXPECT_NE(why_protected(guard, name), "") << name;
  EXPECT_EQ(why_protected(guard, "src/a.c"), "");

  auto whole = protection_for(scope_config{}, {".github/**"});
  EXPECT_EQ(why_protected(whole, ".github/workflows/ci.yml"), "");
  EXPECT_NE(why_protected(whole, ".gitignore"), "");

  auto one = protection_for(scope_config{}, {".github/workflows/ci.yml"});
  EXPECT_EQ(why_protected(one, ".github/workflows/ci.yml"), "");
  EXPECT_NE(why_protected(one, ".github/workflows/release.yml"), "");
  EXPECT_NE(why_protected(one, ".GITHUB/workflows/ci.yml"), "") << "lifting is to the letter";
}

TEST(Scope, AProtectedFolderProtectsWhatIsInIt) {
  scope_config c;
  c.protected_globs = {"secrets", "/ops", "keys/"};
  auto guard = protection_for(c, {});
  EXPECT_NE(why_protected(guard, "a/secrets/x/y"), "");
  EXPECT_NE(why_protected(guard, "ops/x"), "");
  EXPECT_EQ(why_protected(guard, "a/ops/x"), "");
  EXPECT_NE(why_protected(guard, "a/keys/x"), "");
}

TEST(Scope, AColonInANameHidesItFromNoRule) {
  scope_config c;
  c.protected_globs = {"*.lock"};
  auto guard = protection_for(c, {});
  EXPECT_NE(why_protected(guard, "src/a:b.lock"), "");
  EXPECT_EQ(why_protected(guard, "src/a:b.c"), "");
  EXPECT_FALSE(allows({{"src/**"}, {"*.sql"}, false}, "src/10:00:00.sql"));
  scope_question q;
  q.changes = {changed("src/10:00:00.sql", 'A')};
  q.planned = {"src/10:00:00.sql"};
  auto all = judge_scope(q, {{"src/**"}, {}, false}, guard, {"src/*.sql"});
  ASSERT_EQ(all.size(), 1u);
  EXPECT_NE(all[0].why.find("schema"), std::string::npos) << all[0].why;
}

TEST(Scope, ForbiddenWinsOverAllowedOnEverySpelling) {
  allowance a{{"src/**", "a.c"}, {"src/db/**", "src/Core", "*.sql", "a.c"}, false};
  EXPECT_TRUE(allows(a, "src/b.c"));
  for (std::string path :
       {"src/db/x", "src/DB/x", "src/core", "src/Core/deep/x", "src/q.sql", "a.c"})
    EXPECT_FALSE(allows(a, path)) << path;
  EXPECT_NE(breach_of(changed("src/db/x"), a).find("Forbidden"), std::string::npos);
  EXPECT_TRUE(allows(a, "src/a.c")) << "a literal forbids that path, not its namesakes";
}

TEST(Scope, AllowsNothingByPatternButFolders) {
  for (std::string entry : {"**", "*", "/**", "src/*", "src/*.c", "**/a.c", ""})
    EXPECT_FALSE(allows({{entry}, {}, false}, "src/a.c")) << entry;
}

TEST(Scope, HoldsChangesToThePlan) {
  scope_question q;
  q.changes = {changed("src/a.c"), changed("src/b.c")};
  q.planned = {"src/a.c"};
  auto all = judge_scope(q, {{"src/**"}, {}, false}, by_default(), {});
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].path, "src/b.c");
  EXPECT_NE(all[0].why.find("plan"), std::string::npos);
}

TEST(Scope, ReportsHiddenProtectedNamesAndKeepsTheOrder) {
  scope_question q;
  q.changes = {changed("z.c"), changed("b.c", 'D')};
  q.hidden = {"src/.env.local", "odd"};
  auto all = judge_scope(q, {{"src/**"}, {}, false}, by_default(), {});
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].path, "z.c");
  EXPECT_EQ(all[1].path, "b.c");
  EXPECT_NE(all[2].why.find(".env*"), std::string::npos);
  EXPECT_EQ(all[3].path, "odd");
}

TEST(Scope, RefusesNewNamesThatOnlyDifferInSpelling) {
  allowance a{{"src/**"}, {}, false};
  EXPECT_NE(breach_of(changed("src/A.c", 'A'), a, {"src/a.c"}), "");
  EXPECT_NE(breach_of(changed("src/cafe\xcc\x81.c", 'A'), a, {"src/caf\xc3\xa9.c"}), "");
  EXPECT_NE(breach_of(changed("src/LIB/b.c", 'A'), a, {"src/lib/a.c"}), "") << "folders too";
  EXPECT_NE(breach_of(changed("src/LIB", 'A'), a, {"src/lib/a.c"}), "") << "file against folder";
  EXPECT_EQ(breach_of(changed("src/lib/b.c", 'A'), a, {"src/lib/a.c"}), "");
  EXPECT_EQ(breach_of(changed("src/a.c", 'M'), a, {"src/a.c", "src/A.c"}), "") << "both are old";

  scope_question both;
  both.changes = {changed("src/x.c", 'A'), changed("src/X.c", 'A')};
  both.planned = {"src/x.c", "src/X.c"};
  EXPECT_EQ(judge_scope(both, a, by_default(), {}).size(), 2u);

  scope_question rename;
  rename.changes = {changed("src/y.c", 'D'), changed("src/Y.c", 'A')};
  rename.planned = {"src/y.c", "src/Y.c"};
  rename.base_paths = {"src/y.c"};
  EXPECT_TRUE(judge_scope(rename, a, by_default(), {}).empty()) << "a rename leaves one name";
}

TEST(Scope, SchemaPathsNeedADecision) {
  EXPECT_EQ(breach_of(changed("src/schema/1.sql"), {{"src/**"}, {}, true}), "");
}

} // namespace
