#include "bench/cases.hpp"

#include "actors/command_call.hpp"
#include "actors/role_call.hpp"
#include "actors/supervisor.hpp"
#include "actors/turnstile.hpp"
#include "actors/writer.hpp"
#include "cli/run.hpp"
#include "providers/process.hpp"
#include "tests/support/fakes.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>
#include <sstream>

namespace bench {

namespace {

namespace fs = std::filesystem;

/// Answers that an AI gives for a task that does well: one for each AI step.
constexpr std::uint64_t answers_per_task = 6;

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "scheduler_bench: {}\n", why);
  std::exit(1);
}

std::int64_t wall_clock_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream{file, std::ios::binary} << text;
}

/// Everything but the ledger is instant.
struct instant_world {
  explicit instant_world(const fs::path& folder, ledger::disk::journal& journal) {
    files.will_be("tree1");
    for (auto r : {ledger::role::gemini, ledger::role::claude, ledger::role::codex}) {
      w.config.roles[r] = {"fake"};
      w.players[r] = {{"fake", std::make_shared<quiet_player>()}};
    }
    w.config.limits.tasks_in_flight = 256;
    w.config_digest = ledger::digest_of(w.config);
    w.ledger_root = folder;
    w.keys = &journal.keys();
    w.files = &files;
    w.checks = &checks;
    w.deploy = &deploys;
    w.quick = &quick;
    w.jobs = &jobs;
    w.now_ms = wall_clock_ms;
  }

  /// Unlike the tests' player it remembers nothing.
  struct quiet_player : providers::provider {
    providers::identity who() const override { return {"instant", "none", "1"}; }
    void ask(std::shared_ptr<const providers::request> r,
             providers::answer_callback done) override {
      done(providers::answer{ledger::testing::good_answer(r->at), 0, {}});
    }
  };

  tests::fake_workspace files;
  tests::fake_checker checks;
  tests::fake_deployer deploys;
  providers::thread_pool quick{4}, jobs{1};
  actors::services w;
};

} // namespace

std::uint64_t run_durable(const fs::path& folder, std::uint64_t tasks) {
  auto keys = ledger::disk::keyring::open(folder / "keys", "bench", true);
  if (!keys)
    give_up(keys.error().detail);
  ledger::disk::journal::options o;
  o.root = folder / "ledger";
  auto journal = ledger::disk::journal::open(std::move(o), std::move(*keys));
  if (!journal)
    give_up(journal.error().detail);
  instant_world world{folder / "ledger", *journal};
  caf::actor_system_config config;
  actors::configure(config);
  // Left to the end of the process, as in the program itself.
  auto& system = *new caf::actor_system(config);
  auto writer = actors::spawn_writer(system, *journal, world.w, true);
  auto gate = actors::spawn_turnstile(system, world.w, {});
  actors::router_factories routers;
  for (auto r : {ledger::role::gemini, ledger::role::claude, ledger::role::codex})
    routers[r] = actors::role_calls(world.w, writer, gate, r);
  routers[ledger::role::scheduler] = actors::command_calls(world.w, writer);
  std::vector<actors::batch_item> items;
  auto prompt = std::make_shared<const std::string>("change `src/page.html`\n");
  for (std::uint64_t i = 0; i < tasks; ++i)
    items.push_back({fmt::format("T{:06}", i), prompt, {}, "", "base0", "tree0"});
  std::promise<actors::batch_report> over;
  auto supervisor =
      actors::spawn_supervisor(system, world.w, writer, std::move(routers), std::move(items),
                               [&over](auto r) { over.set_value(std::move(r)); });
  actors::tell_from_outside(supervisor, actors::begin{});
  auto report = over.get_future().get();
  for (auto& s : report.ended)
    if (s->is != ledger::status::done)
      give_up(s->task + " did not end as done: " + s->why);
  if (report.ended.size() != tasks)
    give_up("the batch lost tasks: " + report.lost);
  actors::end_actor(writer);
  return tasks * answers_per_task;
}

void prepare_governed(const fs::path& folder, std::uint64_t tasks) {
  auto repo = folder / "repo";
  for (std::uint64_t i = 0; i < tasks; ++i) {
    write(repo / fmt::format("src/page{:04}.html", i), fmt::format("<p>page {}</p>\n", i));
    write(folder / fmt::format("prompts/Edit-{:04}.md", i),
          fmt::format("Change one page, `src/page{0:04}.html`.\n\n```diff\n"
                      "--- a/src/page{0:04}.html\n+++ b/src/page{0:04}.html\n"
                      "@@ -1 +1 @@\n-<p>page {0}</p>\n+<p>page {0}, changed</p>\n```\n",
                      i));
  }
  write(repo / "scheduler.toml", "[roles.gemini]\nprovider = \"offline\"\n"
                                 "[roles.claude]\nprovider = \"offline\"\n"
                                 "[roles.codex]\nprovider = \"offline\"\n"
                                 "[checks]\ntest = \"true\"\nlint = \"true\"\n"
                                 "schema_drift = \"true\"\n[sandbox]\nkind = \"none\"\n");
  providers::processes children;
  providers::child_spec git;
  git.directory = repo.string();
  git.env = {{"PATH", std::getenv("PATH")}, {"HOME", folder.string()}};
  git.argv = {"sh", "-c",
              "git init -q . && git add -A && git -c user.name=bench -c user.email=bench@localhost "
              "commit -qm base"};
  auto made = children.run(std::move(git));
  if (!made || !made->ok())
    give_up("cannot make the repository: " + (made ? made->output : made.error().detail));
}

std::uint64_t run_governed(const fs::path& folder, std::uint64_t tasks) {
  ::setenv("XDG_STATE_HOME", (folder / "state").c_str(), 1);
  ::setenv("XDG_CACHE_HOME", (folder / "cache").c_str(), 1);
  cli::batch_options o;
  o.tasks = (folder / "prompts").string();
  o.repo = (folder / "repo").string();
  o.in_flight = 32;
  std::ostringstream out, err;
  if (cli::run_batch(o, cli::seams{}, out, err) != cli::exit_code::all_done)
    give_up("the batch did not end well:\n" + out.str() + err.str());
  return tasks * answers_per_task;
}

} // namespace bench
