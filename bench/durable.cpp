#include "bench/cases.hpp"
#include "bench/instant_world.hpp"

namespace bench {

figures measure_durable(const std::filesystem::path& folder, const wishes& w) {
  auto tasks = w.tasks != 0 ? w.tasks : durable_tasks;
  return measure("durable", tasks, [&] {
    auto& world = *new instant_world{folder}; // Left to the end of the process, as its actors are.
    world.drive(tasks);
    return tasks * answers_per_task;
  });
}

} // namespace bench
