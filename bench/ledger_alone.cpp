// The records of `durable` without its pipeline: what the ledger's promises cost.

#include "bench/cases.hpp"
#include "bench/instant_world.hpp"

#include "ledger/disk/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace bench {

namespace {

namespace fs = std::filesystem;

/// As many as are in flight in `durable`.
constexpr std::uint64_t at_once = 256;

std::shared_ptr<const std::string> content_of(const fs::path& file) {
  auto text = ledger::disk::read_file(file);
  if (!text)
    give_up(text.error().detail);
  return std::make_shared<const std::string>(std::move(*text));
}

/// What was recorded of a task that did well, to be recorded again of others.
std::vector<ledger::draft> learn_drafts(const fs::path& folder) {
  auto& world = *new instant_world{folder}; // Left to the end of the process, as its actors are.
  world.drive(1);
  auto task = folder / "ledger" / "T000000";
  auto records = ledger::parse_journal(*content_of(task / "journal.jsonl"));
  if (!records)
    give_up(records.error().detail);
  std::vector<ledger::draft> drafts;
  for (auto& r : *records) {
    ledger::draft d;
    d.what = r.what;
    d.at = r.at;
    d.round = r.round;
    d.attempt = r.attempt;
    d.detail = r.detail;
    d.sign = !r.sig.empty();
    for (auto& f : r.files)
      d.files.push_back({f.path, content_of(task / f.path)});
    if (!moves_of(r).empty() || !growths_of(r).empty())
      give_up("a task that did well has moved a file, or one that grew");
    drafts.push_back(std::move(d));
  }
  return drafts;
}

} // namespace

figures measure_ledger(const fs::path& folder, const wishes& w) {
  auto tasks = w.tasks != 0 ? w.tasks : durable_tasks;
  auto drafts = learn_drafts(folder / "learnt");
  auto journal = open_journal(folder);
  return measure("ledger", tasks, [&] {
    for (std::uint64_t first = 0; first < tasks; first += at_once)
      for (std::uint64_t seq = 0; seq < drafts.size(); ++seq) {
        std::vector<ledger::disk::append> group;
        for (auto t = first; t < std::min(tasks, first + at_once); ++t)
          group.push_back({fmt::format("T{:06}", t), seq, {drafts[seq]}});
        for (auto& done : journal.append_group(group))
          if (!done)
            give_up(done.error().detail);
      }
    return tasks * answers_per_task;
  });
}

} // namespace bench
