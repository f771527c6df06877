#include "bench/cases.hpp"
#include "bench/instant_world.hpp"
#include "bench/sync_witness.hpp"

#include <fmt/format.h>

#include <atomic>

namespace bench {

figures measure_durable(const std::filesystem::path& folder, const wishes& w) {
  auto tasks = w.tasks != 0 ? w.tasks : durable_tasks;
  auto& witness = call_witness();
  std::atomic<std::uint64_t> covered = 0, answers = 0;
  auto f = measure("durable", tasks, [&] {
    auto& world = *new instant_world{folder}; // Left to the end of the process, as its actors are.
    // Called before whoever appended is told.
    world.services.on_record = [&](auto& task, auto& r) {
      if (!witness.covered(r))
        give_up(fmt::format("{}: record {} was told of before it was on the disk", task, r.seq));
      ++covered;
      answers += r.what == ledger::event::answered ? 1 : 0;
    };
    world.drive(tasks);
    return tasks * answers_per_task;
  });
  if (answers != f.steps)
    give_up(fmt::format("{} answers were recorded, of {}", answers.load(), f.steps));
  f.further = {{"records_covered_by_a_sync", static_cast<double>(covered)},
               {"syncs", static_cast<double>(witness.syncs())}};
  return f;
}

} // namespace bench
