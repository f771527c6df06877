#include "providers/talker.hpp"
#include "tests/providers/scratch_repository.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;
using ledger::fault;
using providers::talker;
using progress = talker::progress;

progress one_line(std::string_view said) {
  const auto end = said.find('\n');
  return end == said.npos         ? progress::more
         : end + 1 == said.size() ? progress::whole
                                  : progress::wrong;
}

struct Talker : ::testing::Test {
  std::unique_ptr<talker> start(const std::string& script) {
    providers::child_spec spec;
    spec.argv = {"sh", "-c", script};
    spec.env = {{"PATH", std::getenv("PATH")}};
    auto made = talker::start(children, std::move(spec));
    EXPECT_TRUE(made) << made.error().detail;
    return std::move(*made);
  }

  providers::processes children;
};

TEST_F(Talker, AnswersOneQuestionAfterTheOther) {
  auto t = start("while read -r word; do echo \"you said $word\"; done");
  EXPECT_EQ(t->ask("a\n", one_line, 1min).value(), "you said a\n");
  EXPECT_EQ(t->ask("b\n", one_line, 1min).value(), "you said b\n");
  EXPECT_EQ(t->asked(), 2u);
  EXPECT_FALSE(t->is_useless());
}

// Both wait for the other to read: neither a pipe nor a socket holds this much.
TEST_F(Talker, ReadsWhileItIsStillAsking) {
  auto t = start("exec cat");
  std::string question(8 * 1024 * 1024, 'x');
  question.back() = '\n';
  auto answer = t->ask(question, one_line, 1min);
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_TRUE(*answer == question);
}

TEST_F(Talker, IsOfNoUseAfterAWrongAnswer) {
  auto t = start("while read -r word; do printf 'one\\ntwo\\n'; done");
  const auto first_word = [](std::string_view said) {
    return said.substr(0, 3) == "two" ? progress::whole : progress::wrong;
  };
  EXPECT_EQ(t->ask("a\n", first_word, 1min).error().kind, fault::unavailable);
  EXPECT_TRUE(t->is_useless());
  EXPECT_EQ(t->ask("a\n", one_line, 1min).error().kind, fault::unavailable);
}

TEST_F(Talker, IsOfNoUseWhenItsChildHasEnded) {
  auto t = start("read -r word; printf 'half an ans'");
  EXPECT_EQ(t->ask("a\n", one_line, 1min).error().kind, fault::unavailable);
  EXPECT_TRUE(t->is_useless());
}

TEST_F(Talker, AProgramThatIsNotThereIsToldAtTheFirstQuestion) {
  providers::child_spec spec;
  spec.argv = {"/no/such/program"};
  auto t = talker::start(children, std::move(spec));
  ASSERT_TRUE(t);
  EXPECT_EQ((*t)->ask("a\n", one_line, 1min).error().kind, fault::unavailable);
}

TEST_F(Talker, DoesNotWaitForEver) {
  auto t = start("exec cat >/dev/null");
  EXPECT_EQ(t->ask("a\n", one_line, 20ms).error().kind, fault::unavailable);
  EXPECT_TRUE(t->is_useless());
}

TEST_F(Talker, ItsChildEndsWithIt) {
  test::scratch folder;
  const auto pipe = (folder.path() / "pipe").string();
  auto t = start("mkfifo '" + pipe + "'; echo ready; cat >/dev/null; echo ended > '" + pipe + "'");
  ASSERT_TRUE(t->ask("\n", one_line, 1min));
  t.reset();
  EXPECT_EQ(test::read_file(pipe), "ended\n");
}

TEST_F(Talker, EndsWhenAllChildrenAreEnded) {
  auto t = start("while read -r word; do echo yes; done");
  ASSERT_TRUE(t->ask("a\n", one_line, 1min));
  children.close();
  EXPECT_EQ(t->ask("a\n", one_line, 1min).error().kind, fault::unavailable);
}

} // namespace
