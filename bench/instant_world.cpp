#include "bench/instant_world.hpp"

#include "bench/report.hpp"

#include "actors/command_call.hpp"
#include "actors/role_call.hpp"
#include "actors/writer.hpp"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace bench {

namespace {

namespace fs = std::filesystem;

std::int64_t wall_clock_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

constexpr std::string_view candidate_mark = "+";

std::string page_of(std::string_view tree) {
  return fmt::format("src/{}.html", tree.substr(0, tree.find(candidate_mark)));
}

providers::candidate candidate_of(std::string_view tree) {
  providers::candidate c;
  c.tree = std::string{tree.substr(0, tree.find(candidate_mark))} + std::string{candidate_mark};
  c.diff = "diff to " + c.tree + "\n";
  c.changes = {{"100644", "100644", "a", "b", 'M', page_of(tree)}};
  return c;
}

struct page_lease : providers::lease {
  explicit page_lease(std::string_view t)
      : tree(t) {}
  const fs::path& folder() const override { return nowhere; }
  ledger::result<providers::candidate> take(std::string_view) override {
    return candidate_of(tree);
  }
  std::string tree;
  fs::path nowhere = "/nowhere";
};

/// Unlike the tests' player it remembers nothing.
struct quiet_player : providers::provider {
  providers::identity who() const override { return {"instant", "none", "1"}; }
  void ask(std::shared_ptr<const providers::request> r, providers::answer_callback done) override {
    done(providers::answer{good_answer_for(r->at, r->task), 0, {}});
  }
};

/// As the program does it (cli/run_money.cpp).
actors::till till_of(const actors::services& s) {
  actors::till t;
  for (auto& [role, players] : s.players)
    for (auto& player : players)
      if (auto limits = player.who->limits())
        t.rates[player.name] = *limits;
  return t;
}

ledger_place place_in(const fs::path& folder) {
  return {folder / "ledger", folder / "keys", "bench"};
}

} // namespace

ledger::disk::journal open_journal(const ledger_place& at) {
  auto keys = ledger::disk::keyring::open(at.keys, at.repo_id, true);
  if (!keys)
    give_up(keys.error().detail);
  ledger::disk::journal::options o;
  o.root = at.root;
  o.helpers = ledger::disk::journal::usual_helpers();
  auto journal = ledger::disk::journal::open(std::move(o), std::move(*keys));
  if (!journal)
    give_up(journal.error().detail);
  return std::move(*journal);
}

ledger::disk::journal open_journal(const fs::path& folder) {
  return open_journal(place_in(folder));
}

std::string good_answer_for(ledger::step at, const std::string& task) {
  constexpr std::string_view named = "src/page.html";
  auto text = ledger::testing::good_answer(at);
  auto page = page_of(task);
  for (auto i = text.find(named); i != text.npos; i = text.find(named, i + page.size()))
    text.replace(i, named.size(), page);
  return text;
}

ledger::result<std::unique_ptr<providers::lease>>
pages::checkout(std::string_view, std::string_view tree, providers::slot_wish) {
  return std::make_unique<page_lease>(tree);
}

ledger::result<std::vector<ledger::change>> pages::changes(std::string_view base_tree,
                                                           std::string_view tree) {
  return base_tree == tree ? std::vector<ledger::change>{} : candidate_of(tree).changes;
}

bool pages::exists(std::string_view tree, std::string_view path) {
  return path == page_of(tree);
}

ledger::result<std::vector<std::string>> pages::paths(std::string_view tree) {
  return std::vector<std::string>{"src", page_of(tree)};
}

instant_world::instant_world(const fs::path& folder)
    : instant_world(place_in(folder)) {}

instant_world::instant_world(const ledger_place& at)
    : journal_(open_journal(at)) {
  for (auto r : {ledger::role::gemini, ledger::role::claude, ledger::role::codex}) {
    services.config.roles[r] = {"fake"};
    services.players[r] = {{"fake", std::make_shared<quiet_player>()}};
  }
  services.config.limits.tasks_in_flight = 256;
  services.ledger_root = at.root;
  services.keys = &journal_.keys();
  services.files = &files_;
  services.checks = &checks_;
  services.deploy = &deploys_;
  services.quick = &quick;
  services.jobs = &jobs;
  services.room = &room_;
  services.now_ms = wall_clock_ms;
}

std::future<actors::batch_report> instant_world::begin(std::uint64_t tasks) {
  services.config_digest = ledger::digest_of(services.config);
  // Left to the end of the process, as in the program itself.
  auto& config = *new caf::actor_system_config;
  actors::configure(config);
  auto& system = *new caf::actor_system(config);
  writer_ = actors::spawn_writer(system, journal_, services, true);
  auto gate = actors::spawn_turnstile(system, services, till_of(services));
  actors::router_factories routers;
  for (auto r : {ledger::role::gemini, ledger::role::claude, ledger::role::codex})
    routers[r] = actors::role_calls(services, writer_, gate, r);
  routers[ledger::role::scheduler] = actors::command_calls(services, writer_);
  std::vector<actors::batch_item> items;
  auto prompt = std::make_shared<const std::string>("change your page\n");
  for (std::uint64_t i = 0; i < tasks; ++i) {
    auto name = fmt::format("T{:06}", i);
    items.push_back({name, prompt, {}, {}, "base0", name});
  }
  auto over = std::make_shared<std::promise<actors::batch_report>>();
  auto supervisor =
      actors::spawn_supervisor(system, services, writer_, std::move(routers), std::move(items),
                               [over](auto r) { over->set_value(std::move(r)); });
  actors::tell_from_outside(supervisor, actors::begin{});
  return over->get_future();
}

void instant_world::drive(std::uint64_t tasks) {
  auto report = begin(tasks).get();
  for (auto& s : report.ended)
    if (s->is != ledger::status::done)
      give_up(s->task + " did not end as done: " + s->why);
  if (report.ended.size() != tasks)
    give_up("the batch lost tasks: " + report.lost);
  actors::end_actor(writer_);
}

void instant_world::close() {
  if (auto closed = journal_.close(); !closed)
    give_up(closed.error().detail);
}

} // namespace bench
