// Every known failure of every HTTP API, through the whole program: it is
// retried, tried again, waited for or parked, with a sentence for people.

#include "tests/program/program_fixture.hpp"

#include "ledger/detail.hpp"
#include "ledger/disk/keyring.hpp"
#include "tests/program/api_error_rows.hpp"
#include "tests/support/fake_ai.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace {

using namespace tests;
using ledger::event;
using ledger::record;
using ledger::text_at;

constexpr auto prompt = "Add a sentence about rye bread to `src/about.html`.\n";

/// All three roles are played by `kind` at `address`, with all rows at once.
void play(practice_site& site, const std::string& kind, const std::string& address,
          const std::string& patience) {
  bool openai = kind == "openai" || kind == "openai-chat";
  std::string text;
  for (auto role : {"gemini", "claude", "codex"})
    text += fmt::format("[roles.{}]\nprovider = \"api\"\n", role);
  text += fmt::format("[providers.api]\nkind = \"{}\"\nmodel = \"m\"\nbase_url = \"{}{}\"\n"
                      "api_key_env = \"API_KEY\"\nprice = {{ input = 1, output = 2 }}\n"
                      "concurrency = 100\nidle_timeout = \"3s\"\nlongest_wait = \"{}ms\"\n"
                      "[limits]\ntasks_in_flight = 100\npatience = \"{}\"\n",
                      kind, address, openai ? "/v1" : "", longest_wait_ms, patience);
  site.configure(text
                 + "[checks]\ntest = \"true\"\nlint = \"none\"\nschema_drift = \"none\"\n"
                   "[deploy]\nkind = \"none\"\n");
  site.env["API_KEY"] = "any";
}

/// What passes happens once. Limits are told a little later, so that nobody
/// waits for them before having been asked.
std::string script_of(const api_error_row& row) {
  auto reply = ledger::json::parse(row.reply);
  if (row.as == handled::retried || row.as == handled::tried || row.as == handled::waited)
    reply["times"] = 1;
  if (row.as == handled::waited)
    reply["delay_ms"] = 300;
  return reply.dump();
}

std::vector<record> those(const std::vector<record>& all, event what) {
  std::vector<record> found;
  std::copy_if(all.begin(), all.end(), std::back_inserter(found),
               [&](auto& r) { return r.what == what; });
  return found;
}

std::int64_t ms_of(const std::string& time) {
  return ledger::parse_time(time).value_or(-1);
}

void expect_sentence(const api_error_row& row, const std::string& why) {
  EXPECT_TRUE(has(why, "api: ")) << why; // The provider's name.
  for (auto& words : words_about(row))
    EXPECT_TRUE(has(why, words)) << words << " in: " << why;
  for (auto& words : row.says)
    EXPECT_TRUE(has(why, words)) << words << " in: " << why;
}

/// The one record of the trouble, which is `failed` of that kind, or `deferred`.
void expect_passed(const api_error_row& row, const ledger::task_state& s,
                   const std::vector<record>& all) {
  EXPECT_EQ(to_string(s.is), "done") << s.why;
  auto failed = those(all, event::failed), deferred = those(all, event::deferred);
  bool waited = row.as == handled::waited;
  ASSERT_EQ(failed.size(), waited ? 0u : 1u);
  ASSERT_EQ(deferred.size(), waited ? 1u : 0u);
  auto& trouble = waited ? deferred.front() : failed.front();
  EXPECT_EQ(text_at(trouble.detail, "code"), row.code) << trouble.detail.dump();
  expect_sentence(row, text_at(trouble.detail, "why"));
  EXPECT_EQ(text_at(trouble.detail, "kind"), waited                     ? ""
                                             : row.as == handled::tried ? "spoiled"
                                                                        : "unavailable");
  auto most = std::max_element(all.begin(), all.end(),
                               [](auto& a, auto& b) { return a.attempt < b.attempt; });
  EXPECT_EQ(most->attempt, row.as == handled::tried ? 2u : 1u);
}

/// The time for the next try lies between the two, counted from the failure:
/// after the question, and no later than its record.
void expect_wait(const api_error_row& row, const std::vector<record>& all) {
  auto deferred = those(all, event::deferred);
  ASSERT_EQ(deferred.size(), 1u);
  auto asked = std::find_if(all.rbegin(), all.rend(), [&](auto& r) {
    return r.what == event::asked && r.seq < deferred.front().seq;
  });
  ASSERT_NE(asked, all.rend());
  auto until = ms_of(text_at(deferred.front().detail, "until"));
  EXPECT_GE(until - ms_of(asked->time), row.wait_ms.first);
  EXPECT_LE(until - ms_of(deferred.front().time), row.wait_ms.second);
}

/// Asking again cannot help, and was not tried.
void expect_parked(const api_error_row& row, const ledger::task_state& s,
                   const std::vector<record>& all) {
  EXPECT_EQ(to_string(s.is), "parked");
  EXPECT_EQ(s.reason, row.code) << s.why;
  expect_sentence(row, s.why);
  EXPECT_TRUE(has(s.remedy, "scheduler retry " + row.task)) << s.remedy;
  EXPECT_TRUE(those(all, event::deferred).empty());
  if (row.as == handled::parked) {
    EXPECT_EQ(those(all, event::asked).size(), 1u);
    EXPECT_EQ(s.attempt, 1u);
  }
}

/// What people and programs are told is what the ledger holds.
void expect_told(const practice_site& site, const std::vector<api_error_row>& rows,
                 const std::map<std::string, ledger::task_state>& states) {
  auto told = ledger::json::parse(site.run({"status", "--json"}).out, nullptr, false);
  std::size_t parked = 0;
  for (auto& task : told["tasks"])
    if (text_at(task, "state") == "parked") {
      auto& s = states.at(text_at(task, "task"));
      EXPECT_EQ(text_at(task, "reason"), s.reason);
      EXPECT_EQ(text_at(task, "why"), s.why);
      EXPECT_EQ(text_at(task, "remedy"), s.remedy);
      ++parked;
    }
  auto should = std::count_if(rows.begin(), rows.end(), [](auto& r) {
    return r.as == handled::parked || r.as == handled::given_up;
  });
  EXPECT_EQ(parked, static_cast<std::size_t>(should)) << told.dump(1);
  auto shown = site.run({"show", "401"}).out;
  for (auto words : {"parked", "key-invalid", "api: ", "the key is not valid", "api_key_env"})
    EXPECT_TRUE(has(shown, words)) << words << " in: " << shown;
}

using chains = std::map<std::string, ledger::disk::chain_state>;

/// All chains, read and checked once.
chains chains_of(const practice_site& site) {
  auto id = ledger::disk::repository_id(fs::canonical(site.top() / ".git"));
  auto keys = ledger::disk::keyring::open_public(site.home() / "state/scheduler/keys", id);
  auto found = ledger::disk::read_snapshot(site.ledger(), keys);
  return found ? found->tasks : chains{};
}

class ApiErrors : public ::testing::TestWithParam<std::string> {};

TEST_P(ApiErrors, EachIsRetriedWaitedForOrParkedWithASentence) {
  practice_site site;
  auto rows = api_errors_of(GetParam());
  temporary_folder scripts;
  for (auto& row : rows) {
    write_file(scripts.path() / row.task / (row.where + ".json"), script_of(row));
    site.prompt(row.task, prompt);
  }
  fake_ai server({"--script", scripts.path().string()});
  ASSERT_TRUE(server.is_up()) << server.why();
  play(site, GetParam(), server.url(), "1s");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  auto found = chains_of(site);
  ASSERT_EQ(found.size(), rows.size()) << e.err;
  std::map<std::string, ledger::task_state> states;
  for (auto& row : rows) {
    SCOPED_TRACE(row.task);
    auto& all = found.at(row.task).records;
    auto folded = ledger::fold(row.task, all);
    ASSERT_TRUE(folded) << folded.error().detail;
    states.emplace(row.task, *folded);
    if (row.as == handled::parked || row.as == handled::given_up)
      expect_parked(row, states.at(row.task), all);
    else
      expect_passed(row, states.at(row.task), all);
    if (row.as == handled::waited)
      expect_wait(row, all);
  }
  expect_told(site, rows, states);
}

INSTANTIATE_TEST_SUITE_P(EachApi, ApiErrors,
                         ::testing::Values("gemini", "anthropic", "openai", "openai-chat"),
                         [](auto& kind) {
                           auto name = kind.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(api_errors, NobodyListensIsTriedAgainUntilPatienceEnds) {
  practice_site site;
  fake_ai server;
  ASSERT_TRUE(server.is_up()) << server.why();
  auto address = server.url();
  server.end();
  play(site, "anthropic", address, "300ms");
  site.prompt("T", prompt);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  auto s = site.state("T");
  EXPECT_EQ(s.reason, "unavailable-too-long");
  for (auto words : {"api: POST " + address, std::string{"Connection refused"},
                     std::string{"see whether the service is up"}})
    EXPECT_TRUE(has(s.why, words)) << words << " in: " << s.why;
  EXPECT_EQ(s.usd, 0); // It reached nobody, and cost nothing.
  EXPECT_GE(those(site.records("T"), event::failed).size(), 2u);
}

} // namespace
