// What every step of every task does in pure code, alone: what is slower here costs
// all of them. The texts and the journal are those of a task of `durable`.

#include "bench/instant_world.hpp"
#include "bench/report.hpp"

#include "ledger/digest.hpp"
#include "ledger/disk/files.hpp"
#include "ledger/record.hpp"
#include "ledger/scope.hpp"
#include "ledger/state.hpp"
#include "ledger/verdict.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <unistd.h>

namespace {

namespace fs = std::filesystem;

using ledger::step;

/// The journal of a task that was driven to its end.
std::string journal_of_a_task() {
  auto folder = fs::temp_directory_path() / fmt::format("scheduler-micro-{}", ::getpid());
  auto& world = *new bench::instant_world{folder}; // Left to the end of the process.
  world.drive(1);
  auto text = ledger::disk::read_file(folder / "ledger" / "T000000" / "journal.jsonl", 1U << 20U);
  fs::remove_all(folder);
  if (!text)
    bench::give_up(text.error().detail);
  return *text;
}

const std::vector<ledger::record>& records() {
  static const auto all = [] {
    auto read = ledger::parse_journal(journal_of_a_task());
    if (!read)
      bench::give_up(read.error().detail);
    return *read;
  }();
  return all;
}

const ledger::record& longest_record() {
  return *std::max_element(records().begin(), records().end(), [](auto& a, auto& b) {
    return ledger::to_line(a).size() < ledger::to_line(b).size();
  });
}

void verdict(benchmark::State& state) {
  auto text = bench::good_answer_for(step::decide, "T000000");
  auto word = ledger::verdict_word(step::decide);
  for (auto _ : state)
    benchmark::DoNotOptimize(ledger::read_verdict(text, word));
}

void line_written(benchmark::State& state) {
  auto& r = longest_record();
  for (auto _ : state)
    benchmark::DoNotOptimize(ledger::readable_line(r));
}

void line_read(benchmark::State& state) {
  auto line = ledger::to_line(longest_record());
  for (auto _ : state)
    benchmark::DoNotOptimize(ledger::parse_line(line));
}

void hash_2_kib(benchmark::State& state) {
  const std::string text(2048, 'x');
  for (auto _ : state)
    benchmark::DoNotOptimize(ledger::sha256(text));
}

void fold_of_a_task(benchmark::State& state) {
  auto& all = records();
  for (auto _ : state)
    benchmark::DoNotOptimize(ledger::fold("T000000", all));
}

void scope_of_50_files(benchmark::State& state) {
  ledger::scope_question q;
  for (int i = 0; i < 50; ++i) {
    auto path = fmt::format("src/pages/{}/page{}.html", i % 7, i);
    q.changes.push_back({"100644", "100644", "a", "b", 'M', path});
    q.planned.push_back(path);
  }
  ledger::allowance a;
  a.allowed = {"src/pages/**"};
  a.forbidden = {"src/pages/secret/**", "**/*.sql"};
  auto guard = ledger::protection_for({}, {});
  for (auto _ : state)
    benchmark::DoNotOptimize(ledger::judge_scope(q, a, guard, {"**/*.sql"}));
}

} // namespace

BENCHMARK(verdict);
BENCHMARK(line_written);
BENCHMARK(line_read);
BENCHMARK(hash_2_kib);
BENCHMARK(fold_of_a_task);
BENCHMARK(scope_of_50_files);
BENCHMARK_MAIN();
