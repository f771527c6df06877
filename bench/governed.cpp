#include "bench/cases.hpp"
#include "bench/real_repository.hpp"

#include <fmt/format.h>

namespace bench {

figures measure_governed(const std::filesystem::path& folder, const wishes& w) {
  auto tasks = w.tasks != 0 ? w.tasks : governed_tasks;
  // As many at once as of the shell's.
  auto toml = fmt::format("[limits]\nchecks_at_once = {}\n", governed_at_once);
  for (auto* role : {"gemini", "claude", "codex"})
    toml += std::string{"[roles."} + role + "]\nprovider = \"offline\"\n";
  make_repository(folder, toml, tasks, w.files);
  return measure("governed", tasks, [&] {
    run_whole_batch(folder, governed_at_once);
    return tasks * answers_per_task;
  });
}

} // namespace bench
