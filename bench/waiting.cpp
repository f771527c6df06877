#include "bench/cases.hpp"
#include "bench/instant_world.hpp"
#include "bench/real_repository.hpp"
#include "bench/report.hpp"

#include "cli/commands.hpp"
#include "cli/place.hpp"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <sstream>
#include <utility>
#include <vector>

#include <jemalloc/jemalloc.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t waiting_tasks = 10'000;
constexpr std::uint64_t finished_tasks = 10'000;

/// Answers at once, but from step `halt` on never; `halted` is kept when all have
/// been asked for that.
struct halting_player : providers::provider {
  halting_player(ledger::step at, std::uint64_t tasks)
      : halt(at)
      , left(tasks) {}
  providers::identity who() const override { return {"instant", "none", "1"}; }
  void ask(std::shared_ptr<const providers::request> r, providers::answer_callback done) override {
    if (r->at < halt)
      return done(providers::answer{good_answer_for(r->at, r->task), 0, {}});
    {
      std::lock_guard guard(mutex);
      unanswered.push_back(std::move(done));
    }
    if (--left == 0)
      halted.set_value();
  }
  ledger::step halt;
  std::atomic<std::uint64_t> left;
  std::promise<void> halted;
  std::mutex mutex;
  std::vector<providers::answer_callback> unanswered;
};

std::shared_ptr<halting_player> halt_at(instant_world& world, ledger::step at,
                                        std::uint64_t tasks) {
  auto player = std::make_shared<halting_player>(at, tasks);
  for (auto& [role, players] : world.services.players)
    players = {{"fake", player}};
  return player;
}

/// Without what the allocator keeps for later.
double settled_mb() {
  auto purge = fmt::format("arena.{}.purge", MALLCTL_ARENAS_ALL);
  if (::mallctl(purge.c_str(), nullptr, nullptr, nullptr, 0) != 0)
    give_up("the allocator gives nothing back");
  return resident_mb();
}

/// In a child that is killed when `work` returns, as a run is by kill -9.
void in_a_killed_child(const std::function<void()>& work) {
  auto child = ::fork();
  if (child == 0) {
    work();
    ::raise(SIGKILL);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFSIGNALED(status)
      || WTERMSIG(status) != SIGKILL)
    give_up("the child that was to be killed ended by itself");
}

} // namespace

figures measure_memory(const fs::path& folder, const wishes& w) {
  auto tasks = w.tasks != 0 ? w.tasks : waiting_tasks;
  double before = 0, asked = 0;
  auto f = measure("memory", tasks, [&] {
    auto& world = *new instant_world{folder}; // Left to the end of the process.
    world.services.config.limits.tasks_in_flight = static_cast<std::uint32_t>(tasks);
    auto player = halt_at(world, ledger::step::audit, tasks);
    before = settled_mb();
    world.begin(tasks);
    player->halted.get_future().wait();
    asked = settled_mb();
    return std::uint64_t{0};
  });
  f.further = {{"kib_per_task", (asked - before) * 1024 / static_cast<double>(tasks)}};
  return f;
}

figures measure_resume(const fs::path& folder, const wishes& w) {
  auto tasks = w.tasks != 0 ? w.tasks : waiting_tasks;
  in_a_killed_child([&] {
    auto& world = *new instant_world{folder};
    world.services.config.limits.tasks_in_flight = static_cast<std::uint32_t>(tasks);
    auto player = halt_at(world, ledger::step::implement, tasks);
    world.begin(tasks);
    player->halted.get_future().wait();
  });
  double opened_s = 0;
  auto f = measure("resume", tasks, [&] {
    auto begun = std::chrono::steady_clock::now();
    auto& world = *new instant_world{folder};
    opened_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    auto& first = *new std::promise<void>;
    auto& told = *new std::atomic_flag;
    world.services.on_record = [&](auto&, auto& r) {
      // What a start itself records is no step.
      if (r.what != ledger::event::resumed && !told.test_and_set())
        first.set_value();
    };
    world.begin(tasks);
    first.get_future().wait();
    return std::uint64_t{0};
  });
  f.further = {{"opened_s", opened_s}};
  return f;
}

figures measure_status(const fs::path& folder, const wishes& w) {
  auto tasks = w.tasks != 0 ? w.tasks : finished_tasks;
  auto repo = folder / "repo";
  make_repository(folder, "", 0);
  ::setenv("XDG_STATE_HOME", (folder / "state").c_str(), 1);
  auto at = cli::find_place(repo.string());
  if (!at)
    give_up(at.error().detail);
  in_a_killed_child([&] {
    auto& world = *new instant_world{ledger_place{at->ledger_root, at->state_dir, at->repo_id}};
    world.drive(tasks);
    world.close();
  });
  return measure("status", tasks, [&] {
    std::ostringstream out, err;
    auto code = cli::status(cli::status_options{repo.string(), false}, out, err);
    auto last = fmt::format("{0} tasks: {0} done\n", tasks);
    if (code != cli::exit_code::all_done || !out.str().ends_with(last))
      give_up(fmt::format("status ended with {}: {}", static_cast<int>(code), err.str()));
    return std::uint64_t{0};
  });
}

} // namespace bench
