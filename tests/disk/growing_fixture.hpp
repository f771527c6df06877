// growing_fixture.hpp -- a task with a file that grows.
//
// The story of all tests that use it: a conversation with a model is written
// down turn by turn, `codex/apply.turns.jsonl`, and every turn must be there
// before its tools run.
//
//   1. What a test says of chunks is also what the file must have: `whole`.

#pragma once

#include "tests/disk/ledger_fixture.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ledger::disk {

inline constexpr auto turns = "codex/apply.turns.jsonl";
inline constexpr auto old_turns = "codex/old/apply.turns.rejected-1.jsonl";

inline draft growing_draft(std::vector<std::pair<std::string, std::string>> chunks,
                           event what = event::asked) {
  auto d = draft_of(what, {});
  for (auto& c : chunks)
    d.appends.push_back(
        file_append{c.first, std::make_shared<const std::string>(std::move(c.second))});
  return d;
}

class growing_test : public ledger_test {
protected:
  std::uint64_t last_seq(const journal& j) const {
    auto* known = j.records_of("T");
    return known ? known->size() : 0;
  }
  result<appended> tell(journal& j, draft d) {
    return j.append_one(append_of("T", last_seq(j), {std::move(d)}));
  }
  void grow(journal& j, const std::string& chunk) {
    auto got = tell(j, growing_draft({{turns, chunk}}));
    ASSERT_TRUE(got) << got.error().detail;
    whole += chunk;
  }
  draft moving() const {
    auto d = draft_of(event::rejected, {});
    d.moves = {move_of(turns, old_turns, whole)};
    return d;
  }
  std::string in_file() const { return text_at("T", turns); }

  // T with three turns.
  void three_turns(journal& j) {
    begin(j, "T");
    grow(j, "one\n");
    grow(j, "two, longer\n");
    grow(j, "three, the last\n");
  }

  std::string whole;
};

class killed_growth_test : public growing_test {
protected:
  // Three turns, the last committed and not yet in the file: what a process
  // leaves that is killed behind the commit.
  void killed_behind_the_commit() {
    photograph_commits();
    {
      auto j = open();
      three_turns(j);
    }
    restart_from_image();
    photograph(); // To come back to.
    settled = in_file();
    lines = text_at("T", path::journal);
    ASSERT_EQ(settled, "one\ntwo, longer\n");
  }
  void again(const std::string& content) {
    restart_from_image();
    photograph();
    write(at("T", turns), content);
  }
  // And then it goes on as if nothing had happened.
  void expect_completed(std::string_view name = turns) {
    {
      auto j = open();
      EXPECT_TRUE(j.damages().empty()) << why(j, "T");
      EXPECT_EQ(text_at("T", name), whole);
      EXPECT_EQ(parse_journal(text_at("T", path::journal)).value(), *j.records_of("T"));
      if (name == turns) {
        auto before = whole;
        grow(j, "four\n");
        EXPECT_EQ(in_file(), whole);
        whole = before;
      }
    }
    EXPECT_TRUE(verify().empty());
  }
  // No start ever writes there, verify names it, and nothing continues it.
  void expect_named(const std::string& content) {
    auto all = verify();
    EXPECT_EQ(all.size(), 1u) << content;
    auto j = open();
    EXPECT_EQ(in_file(), content);
    all = verify();
    ASSERT_EQ(all.size(), 1u) << content;
    EXPECT_EQ(all[0].file, turns);
    EXPECT_EQ(tell(j, growing_draft({{turns, "more"}})).error().code, "tampered");
    EXPECT_EQ(in_file(), content);
  }

  std::string settled, lines;
};

} // namespace ledger::disk
