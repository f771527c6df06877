#include "bench/cases.hpp"
#include "bench/real_repository.hpp"

namespace bench {

figures measure_governed(const std::filesystem::path& folder, const wishes& w) {
  auto tasks = w.tasks != 0 ? w.tasks : governed_tasks;
  std::string roles;
  for (auto* role : {"gemini", "claude", "codex"})
    roles += std::string{"[roles."} + role + "]\nprovider = \"offline\"\n";
  make_repository(folder, roles, tasks);
  return measure("governed", tasks, [&] {
    run_whole_batch(folder, governed_at_once);
    return tasks * answers_per_task;
  });
}

} // namespace bench
