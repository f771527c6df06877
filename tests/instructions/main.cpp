// instructions_of WHAT TIMES -- does WHAT so many times, for a counter of instructions.
//
// How long something takes depends on who else is at work; how many instructions
// it is does not. Those of TIMES calls and of none are counted, and the difference
// compared with limits.txt.

#include "ledger/digest.hpp"
#include "ledger/record.hpp"
#include "ledger/scope.hpp"
#include "ledger/standing.hpp"
#include "ledger/verdict.hpp"
#include "tests/ledger/story.hpp"
#include "tests/support/answers.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace ledger;

/// The records of a task that did well, as they are read from a journal.
std::vector<record> records_of_a_task() {
  ledger::testing::story s;
  s.until(step::deliver);
  s.deliver();
  std::vector<record> out;
  for (auto& r : s.records)
    out.push_back(parse_line(to_line(r)).value());
  return out;
}

scope_question question_of_50_files() {
  scope_question q;
  for (int i = 0; i < 50; ++i) {
    auto path = fmt::format("src/pages/{}/page{}.html", i % 7, i);
    q.changes.push_back({"100644", "100644", "a", "b", 'M', path});
    q.planned.push_back(path);
  }
  return q;
}

// What is looked at cannot be left out by the compiler.
volatile std::size_t seen = 0;

std::function<void()> work_named(std::string_view name) {
  auto records = records_of_a_task();
  auto line = to_line(records.front());
  std::map<std::string_view, std::function<void()>> all{
      {"verdict",
       [text = ledger::testing::good_answer(step::decide)] {
         seen = read_verdict(text, verdict_word(step::decide)) ? 1 : 0;
       }},
      {"line_written", [r = records.front()] { seen = readable_line(r)->size(); }},
      {"line_read", [line] { seen = parse_line(line)->seq; }},
      {"hash_2_kib", [text = std::string(2048, 'x')] { seen = sha256(text).size(); }},
      {"fold_of_a_task", [records] { seen = fold("T", records)->seq; }},
      {"standing",
       [state = *fold("T", records)] {
         seen = standing_in(to_text(standing_of(state)))->task.size();
       }},
      {"scope_of_50_files",
       [q = question_of_50_files(), guard = protection_for({}, {})] {
         allowance a;
         a.allowed = {"src/pages/**"};
         a.forbidden = {"src/pages/secret/**", "**/*.sql"};
         seen = judge_scope(q, a, guard, {"**/*.sql"}).size();
       }},
  };
  auto found = all.find(name);
  return found == all.end() ? std::function<void()>{} : found->second;
}

} // namespace

int main(int argc, char** argv) {
  auto work = argc == 3 ? work_named(argv[1]) : std::function<void()>{};
  if (!work) {
    fmt::print(stderr, "usage: instructions_of WHAT TIMES; limits.txt names what there is\n");
    return 2;
  }
  for (auto n = std::atol(argv[2]); n > 0; --n)
    work();
  return 0;
}
