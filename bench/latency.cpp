#include "bench/cases.hpp"
#include "bench/fake_service.hpp"
#include "bench/instant_world.hpp"
#include "bench/real_repository.hpp"

#include "providers/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

namespace bench {

namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t most_at_once = 10'000; ///< What a configuration may allow.

/// What the server answers: one good answer a step, without tools.
void write_script(const fs::path& folder) {
  fs::create_directories(folder / "default");
  for (auto& row : ledger::step_table)
    if (auto answer = good_answer_for(row.id, "{{task}}"); !answer.empty())
      std::ofstream{folder / "default" / fmt::format("{}.md", row.name)} << answer;
}

/// Puts one model behind all roles of a world.
class one_model {
public:
  one_model(instant_world& world, const fs::path& folder, const std::string& url,
            std::uint64_t tasks)
      : repository_(open(folder)) {
    auto& config = world.services.config;
    ledger::provider_config p{"openai-chat"};
    p.model = "m";
    p.base_url = url + "/v1";
    p.price = ledger::token_price{};
    p.concurrency = static_cast<std::uint32_t>(std::min<std::uint64_t>(tasks, most_at_once));
    config.providers["api"] = std::move(p);
    for (auto r : {ledger::role::gemini, ledger::role::claude, ledger::role::codex})
      config.roles[r] = {"api"};
    for (auto r : {ledger::role::gemini, ledger::role::claude, ledger::role::codex}) {
      auto made = providers::make_players(providers::builtin_providers(),
                                          {config, repository_, children_, world.quick, &web_, r});
      if (!made)
        give_up(made.error().detail);
      world.services.players[r] = std::move(*made);
    }
  }

private:
  providers::git open(const fs::path& folder) {
    make_repository(folder, "", 0);
    auto opened = providers::git::open(children_, folder / "repo");
    if (!opened)
      give_up(opened.error().detail);
    return std::move(*opened);
  }

  providers::processes children_;
  providers::git repository_; ///< Nobody looks into it.
  providers::http_engine web_;
};

} // namespace

figures measure_latency(const fs::path& folder, const wishes& w) {
  auto tasks = w.tasks != 0 ? w.tasks : 2000;
  write_script(folder / "script");
  fake_service server({"--latency", std::to_string(w.latency_ms), "--script",
                       (folder / "script").string(), "--log-max", "0"});
  // Left to the end of the process, as its actors are.
  auto& world = *new instant_world{folder};
  new one_model{world, folder, server.url(), tasks};
  world.services.config.limits.tasks_in_flight = static_cast<std::uint32_t>(tasks);
  auto before_mb = resident_mb();
  auto f = measure("latency", tasks, [&] {
    world.drive(tasks);
    return tasks * answers_per_task;
  });
  auto asked = server.asked();
  if (asked.answered != f.steps)
    give_up(fmt::format("{} requests were answered instead of {}", asked.answered, f.steps));
  auto ideal_s = static_cast<double>(answers_per_task * w.latency_ms) / 1000;
  f.ratio = f.seconds / std::max(ideal_s, 1e-3);
  f.against = fmt::format("{} s, {} calls one after the other", ideal_s, answers_per_task);
  f.further = {
      {"at_once", static_cast<double>(asked.in_flight_max)},
      {"kb_per_task", (f.rss_mb - before_mb) * 1024 / static_cast<double>(tasks)},
      {"server_cpu_s", server.end()},
  };
  return f;
}

} // namespace bench
