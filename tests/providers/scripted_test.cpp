// The scripted provider must be trusted before tests that use it are.

#include "tests/support/scripted_provider.hpp"
#include "tests/support/small_repository.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace tests {
namespace {

using ledger::step;

struct scripted_test : ::testing::Test {
  small_repository repository{{{"a.txt", "a\n"}, {"b/c.txt", "c\n"}}};
  fs::path scripts = repository.folder.path() / "scripts";
  fs::path calls = repository.folder.path() / "calls";
  ledger::config config;
  providers::inline_executor now;
  std::unique_ptr<providers::provider> provider;
  providers::request request;
  int answers = 0;

  void SetUp() override {
    fs::create_directories(scripts);
    config.providers["s"] = {"scripted", {{"folder", scripts.string()}, {"calls", calls.string()}}};
    request.task = "t";
    auto made = make();
    ASSERT_TRUE(made) << made.error().detail;
    provider = std::move(*made);
  }
  ledger::result<std::unique_ptr<providers::provider>> make() {
    return providers::make_provider(
        providers_with_scripted(),
        providers::provider_context{config, *repository.git, repository.children, now}, "s");
  }
  void script(const std::string& name, const std::string& text) {
    write_file(scripts / name, text);
  }
  using said = tl::expected<providers::answer, providers::call_failure>;
  std::optional<said> ask() {
    std::optional<said> got;
    answers = 0;
    provider->ask(std::make_shared<const providers::request>(request), [&](said a) {
      ++answers;
      got = std::move(a);
    });
    return got;
  }
  std::string text() {
    auto got = ask();
    return got && *got ? (*got)->text : got ? "failed: " + got->error().code : "silent";
  }
};

TEST_F(scripted_test, TakesTheNearestScript) {
  request.round = 2;
  request.attempt = 3;
  EXPECT_EQ(text(), "failed: no-script");
  for (auto* name : {"default/audit.md", "default/audit.2.md", "default/audit.2.3.md", "t/audit.md",
                     "t/audit.2.md", "t/audit.2.3.md"}) {
    script(name, name);
    EXPECT_EQ(text(), name);
  }
  request.attempt = 4;
  EXPECT_EQ(text(), "t/audit.2.md");
  request.round = 1;
  EXPECT_EQ(text(), "t/audit.md");
  request.task = "u";
  EXPECT_EQ(text(), "default/audit.md");
}

TEST_F(scripted_test, FillsInWhatAScriptCannotKnow) {
  request.tree = "abc";
  script("default/audit.md", "{{task}} {{round}} {{attempt}} {{tree}} {{task}}");
  EXPECT_EQ(text(), "t 1 1 abc t");
}

TEST_F(scripted_test, ActsInTheWorktree) {
  request.at = step::implement;
  auto worktree = repository.worktree();
  request.worktree = worktree.string();
  script("t/implement.md", "done");
  script("t/implement.files/b/new.txt", "new\n");
  script("t/implement.files/a.txt", "changed\n");
  script("t/implement.delete", "b/c.txt\n");
  script("t/implement.sh", "ln -s /etc link; echo \"$(cat a.txt)\" >seen; exit 3\n");
  EXPECT_EQ(text(), "done");
  EXPECT_EQ(read_file(worktree / "b/new.txt"), "new\n");
  EXPECT_FALSE(fs::exists(worktree / "b/c.txt"));
  EXPECT_TRUE(fs::is_symlink(worktree / "link"));
  EXPECT_EQ(read_file(worktree / "seen"), "changed\n");
}

TEST_F(scripted_test, MisbehavesAsTold) {
  script("t/audit.md", "!fail unavailable out of order\n");
  auto got = ask();
  ASSERT_TRUE(got && !*got);
  EXPECT_EQ(got->error().is, providers::call_failure::kind::outage);
  EXPECT_EQ(got->error().why, "out of order");
  script("t/audit.md", "!fail refused no-money pay first\n");
  got = ask();
  ASSERT_TRUE(got && !*got);
  EXPECT_EQ(got->error().is, providers::call_failure::kind::refused);
  EXPECT_EQ(got->error().code, "no-money");
  EXPECT_EQ(got->error().why, "pay first");
  script("t/audit.md", "!throw\n");
  EXPECT_THROW(ask(), std::runtime_error);
  script("t/audit.md", "!nonsense\n");
  EXPECT_THROW(ask(), std::runtime_error);
  script("t/audit.md", "!hang\n");
  EXPECT_FALSE(ask());
  provider.reset();
  EXPECT_EQ(answers, 0);
}

TEST_F(scripted_test, CostsWhatItSays) {
  script("t/audit.md", "!usd 0.25\ntext\n");
  auto got = ask();
  ASSERT_TRUE(got && *got);
  EXPECT_EQ((*got)->usd, 0.25);
  EXPECT_EQ((*got)->text, "text\n");
}

TEST_F(scripted_test, EndsTheProcessAfterLogging) {
  script("t/audit.md", "!exit 42\n");
  EXPECT_EXIT(ask(), ::testing::ExitedWithCode(42), "");
  EXPECT_EQ(read_file(calls), "t audit 1 1 " + providers::input_digest(request) + "\n");
}

TEST_F(scripted_test, LogsEveryCall) {
  script("t/audit.md", "x");
  ask();
  request.attempt = 2;
  ask();
  auto digest = providers::input_digest(request);
  EXPECT_EQ(read_file(calls), "t audit 1 1 " + digest + "\nt audit 1 2 " + digest + "\n");
}

TEST_F(scripted_test, RefusesAFolderThatIsNotThereAndUnknownKeys) {
  config.providers["s"].options["folder"] = (scripts / "none").string();
  EXPECT_FALSE(make());
  config.providers["s"].options["folder"] = scripts.string();
  config.providers["s"].options["colour"] = "red";
  EXPECT_FALSE(make());
}

} // namespace
} // namespace tests
