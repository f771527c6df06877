// The digest that says whether two requests ask the same.

#include "providers/provider.hpp"

#include "ledger/paths.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace providers {
namespace {

input file(std::string path, std::string text) {
  return {std::move(path), std::make_shared<const std::string>(std::move(text))};
}

request sample() {
  request r;
  r.task = "t";
  r.at = ledger::step::review;
  r.inputs = {file("claude/decisions.md", "yes"),
              file("tests/run.log", "test: ok\ntime: 1 ms\nresult: GREEN\n")};
  r.evidence = {file("final/build.log", "bad")};
  r.complaints = {"no", "\xff"};
  r.base = "b";
  r.base_tree = "bt";
  r.tree = "tt";
  r.allow = {".gitignore"};
  return r;
}

TEST(input_text, IsTheTextOrNothing) {
  EXPECT_EQ(input_text(sample(), "claude/decisions.md"), "yes");
  EXPECT_EQ(input_text(sample(), "claude/other.md"), "");
}

TEST(input_digest, IgnoresWhatTheProviderIsNotGiven) {
  auto other = sample();
  other.attempt = 2;
  other.worktree = "/tmp/x";
  other.inputs[1] = file("tests/run.log", "test: ok\ntime: 2 ms\nresult: GREEN\n");
  EXPECT_EQ(input_digest(sample()), input_digest(other));
}

// The evidence of a fix was hashed with its durations: a replay never found the
// answer to it.
TEST(input_digest, IgnoresDurationsInTheEvidenceToo) {
  auto one = sample(), other = sample();
  one.evidence = {file("tests/old/run.round-1.log", "test: ok\ntime: 1 ms\n")};
  other.evidence = {file("tests/old/run.round-1.log", "test: ok\ntime: 2 ms\n")};
  EXPECT_EQ(input_digest(one), input_digest(other));
}

TEST(input_digest, ChangesWithEverythingElse) {
  const std::vector<std::function<void(request&)>> changes{
      [](request& r) { r.task = "u"; },
      [](request& r) { r.at = ledger::step::verify; },
      [](request& r) { r.round = 2; },
      [](request& r) { r.inputs[0] = file("claude/decisions.md", "no"); },
      [](request& r) { r.inputs[0] = file("claude/other.md", "yes"); },
      [](request& r) { r.inputs[1] = file("tests/run.log", "test: ok\nresult: RED\n"); },
      [](request& r) { r.inputs.pop_back(); },
      [](request& r) { r.evidence[0] = file("final/build.log", "worse"); },
      [](request& r) { r.evidence.swap(r.inputs); },
      [](request& r) { r.complaints.pop_back(); },
      [](request& r) { r.complaints[1] = "\xfe"; },
      [](request& r) { r.base_tree = "x"; },
      [](request& r) { r.tree = "x"; },
      [](request& r) { r.allow.clear(); },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    auto other = sample();
    changes[i](other);
    EXPECT_NE(input_digest(sample()), input_digest(other)) << "change " << i;
  }
}

} // namespace
} // namespace providers
