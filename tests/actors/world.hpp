// world.hpp -- the actors on the deterministic scheduler, in a world of fakes.
//
// The journal, the files and the gates are the real ones, in a temporary
// folder; git, checks, deploys and the AIs are fakes that a test scripts. Time
// stands still unless the world moves it.

#pragma once

#include "actors/command_call.hpp"
#include "actors/role_call.hpp"
#include "actors/supervisor.hpp"
#include "actors/turnstile.hpp"
#include "actors/writer.hpp"
#include "ledger/digest.hpp"
#include "ledger/disk/journal.hpp"
#include "tests/support/fakes.hpp"

#include <caf/scheduler/test_coordinator.hpp>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace actors::testing {

using ledger::result;
using ledger::step;
using namespace tests;

class world : public ::testing::Test {
protected:
  struct quiet_config : caf::actor_system_config {
    quiet_config() {
      actors::configure(*this);
      set("scheduler.policy", caf::atom("testing"));
    }
  };

  world() {
    root = std::filesystem::temp_directory_path()
           / ("scheduler-actors-" + std::to_string(::getpid()) + "-"
              + ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(root);
    for (auto r : {ledger::role::gemini, ledger::role::claude, ledger::role::codex})
      w.config.roles[r] = {"fake"};
    w.config.checks.test.command = w.config.checks.lint.command =
        w.config.checks.schema_drift.command = "true";
    w.config.deploy.kind = ledger::deploy_kind::directory;
    files.will_be("tree1");
    open_journal();
    w.config_digest = ledger::digest_of(w.config);
    w.ledger_root = root / "ledger";
    w.files = &files;
    w.checks = &checks;
    w.deploy = &deploys;
    w.quick = w.jobs = &at_once;
    w.gate = &gate;
    w.room = &room;
    w.now_ms = [this] { return now_ms; };
    for (auto r : {ledger::role::gemini, ledger::role::claude, ledger::role::codex})
      w.players[r] = {{"fake", player}};
  }

  ~world() override {
    for (auto& a : spawned)
      caf::anon_send_exit(a, caf::exit_reason::kill);
    if (writer)
      caf::anon_send_exit(writer, caf::exit_reason::kill);
    if (gate_keeper)
      caf::anon_send_exit(gate_keeper, caf::exit_reason::kill);
    spawned.clear();
    gate_keeper = nullptr;
    writer = nullptr;
    coordinator().run();
    std::filesystem::remove_all(root);
  }

  void open_journal() {
    auto keys = ledger::disk::keyring::open(root / "keys", "repo", true);
    ASSERT_TRUE(keys) << keys.error().detail;
    ledger::disk::journal::options o;
    o.root = root / "ledger";
    o.hooks = hooks;
    o.hooks.now_ms = [this] { return now_ms; };
    o.hooks.boot_id = [] { return std::string{"boot"}; };
    o.hooks.before_put = [this](const std::string& p) -> result<void> {
      return before_put ? before_put(p) : result<void>{};
    };
    auto j = ledger::disk::journal::open(std::move(o), std::move(*keys));
    ASSERT_TRUE(j) << j.error().detail;
    journal = std::make_unique<ledger::disk::journal>(std::move(*j));
    w.keys = &journal->keys();
  }

  caf::scheduler::test_coordinator& coordinator() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }

  void start(const std::vector<std::string>& tasks) {
    if (!writer)
      writer = spawn_writer(system, *journal, w, false);
    if (!gate_keeper)
      gate_keeper = spawn_turnstile(system, w, money);
    router_factories routers;
    for (auto r : {ledger::role::gemini, ledger::role::claude, ledger::role::codex})
      routers[r] = role_calls(w, writer, gate_keeper, r);
    routers[ledger::role::scheduler] = command_calls(w, writer);
    if (change_routers)
      change_routers(routers);
    std::vector<batch_item> items;
    auto add = [&](const std::string& t, bool rests) {
      items.push_back({t,
                       std::make_shared<const std::string>("change `src/page.html`\n"),
                       {},
                       {},
                       "base0",
                       "tree0",
                       rests});
    };
    for (auto& t : tasks)
      add(t, false);
    for (auto& t : resting)
      add(t, true);
    report.reset();
    auto sup = spawn_supervisor(system, w, writer, std::move(routers), std::move(items),
                                [this](batch_report r) { report = std::move(r); });
    supervisor = sup;
    spawned.push_back(sup);
    tell_from_outside(sup, begin{});
  }

  /// What a kill leaves: the journal as it is, and nobody at work.
  void end_run() {
    for (auto& a : spawned)
      caf::anon_send_exit(a, caf::exit_reason::kill);
    spawned.clear();
    caf::anon_send_exit(writer, caf::exit_reason::kill);
    caf::anon_send_exit(gate_keeper, caf::exit_reason::kill);
    writer = nullptr;
    gate_keeper = nullptr;
    settle();
    journal.reset();
    std::destroy_at(&gate);
    std::construct_at(&gate); // A gate is shut for good.
    open_journal();
  }

  /// Lets everything happen that needs no time to pass.
  void settle() { coordinator().run(); }

  /// Lets time pass until the batch is over, at most `steps` times `by`.
  void run(std::chrono::milliseconds by = std::chrono::milliseconds(250), int steps = 400) {
    settle();
    for (int i = 0; i < steps && !report; ++i) {
      now_ms += by.count();
      coordinator().advance_time(by);
      settle();
    }
  }

  /// Opens, runs to the end, and gives the state of a single task.
  ledger::task_state run_one(const std::string& task = "T") {
    start({task});
    run();
    EXPECT_TRUE(report) << "the batch did not end";
    return state_of(task);
  }

  ledger::task_state state_of(const std::string& task) {
    auto* records = journal->records_of(task);
    if (!records)
      return {};
    auto s = ledger::fold(task, *records);
    EXPECT_TRUE(s) << s.error().detail;
    return s.value_or(ledger::task_state{});
  }

  std::vector<ledger::record> records_of(const std::string& task, ledger::event what) {
    std::vector<ledger::record> found;
    if (auto* all = journal->records_of(task))
      for (auto& r : *all)
        if (r.what == what)
          found.push_back(r);
    return found;
  }

  std::filesystem::path file(const std::string& task, std::string_view p) const {
    return root / "ledger" / task / p;
  }

  std::filesystem::path root;
  std::int64_t now_ms = 1'700'000'000'000;
  ledger::disk::journal_hooks hooks;
  std::function<result<void>(const std::string&)> before_put;
  std::function<void(router_factories&)> change_routers;
  fake_workspace files;
  fake_checker checks;
  fake_deployer deploys;
  std::shared_ptr<fake_player> player = std::make_shared<fake_player>();
  providers::inline_executor at_once;
  writing_gate gate;
  /// One: whoever kept it where it must be given up would end all tests of more than one task.
  seats room{1};
  services w;
  std::unique_ptr<ledger::disk::journal> journal;
  quiet_config config;
  caf::actor_system system{config};
  ledger_writer writer;
  turnstile gate_keeper;
  std::vector<std::string> resting; ///< Tasks of the batch that only an order sets going.
  till money;                       ///< What the TURNSTILE begins with.
  caf::actor supervisor;
  std::vector<caf::actor> spawned;
  std::optional<batch_report> report;
};

} // namespace actors::testing
