// Planted keys: each provider's, and those of secret files. They are where they
// belong and nowhere else (L8), and neither are their halves.

#include "tests/program/program_fixture.hpp"

#include "ledger/detail.hpp"
#include "tests/support/fake_ai.hpp"

#include <fmt/format.h>

namespace {

using namespace tests;
using ledger::json;
using ledger::step;

/// A key that shows by each of its halves where it was.
struct canary {
  std::string left, right;
  std::string key() const { return left + right; }
};

const canary of_gemini{"gemini-key-5e1d0c77", "a91b-never-tell"};
const canary of_anthropic{"anthropic-key-20c4", "77de-never-show"};
const canary of_openai{"openai-key-91bb3f0a", "11c2-never-send"};
const canary of_ignored_file{"ignored-file-6f2a90", "ce13-stays-here"};
const canary of_committed_file{"committed-file-04d", "be77-stays-too"};
const canary of_environment{"other-token-c7e1138", "5a5a-is-no-use"};

std::vector<canary> all_canaries() {
  return {of_gemini, of_anthropic, of_openai, of_ignored_file, of_committed_file, of_environment};
}

/// All keys as one text, as a model may come to say them.
std::string all_keys() {
  std::string text;
  for (auto& c : all_canaries())
    text += "(" + c.key() + ") ";
  return text;
}

/// The server, which looks for the halves of each key in what it is asked.
std::vector<std::string> watching(const fs::path& scripts) {
  std::vector<std::string> arguments{"--script", scripts.string(), "--drip-ms", "1"};
  for (auto& c : all_canaries())
    for (auto& half : {c.left, c.right}) {
      arguments.push_back("--watch");
      arguments.push_back(half);
    }
  return arguments;
}

/// Each role has a provider, and a key, of its own.
void play(practice_site& site, const fake_ai& server) {
  struct player {
    std::string role, kind, variable, path;
    canary key;
  };
  std::string text;
  for (auto& p : {player{"gemini", "gemini", "G_KEY", "", of_gemini},
                  player{"claude", "anthropic", "A_KEY", "", of_anthropic},
                  player{"codex", "openai", "O_KEY", "/v1", of_openai}}) {
    text += fmt::format("[roles.{}]\nprovider = \"p-{}\"\n[providers.p-{}]\nkind = \"{}\"\n"
                        "model = \"m\"\nbase_url = \"{}{}\"\napi_key_env = \"{}\"\n"
                        "price = {{ input = 1, output = 2 }}\n",
                        p.role, p.kind, p.kind, p.kind, server.url(), p.path, p.variable);
    site.env[p.variable] = p.key.key();
  }
  site.env["OTHER_TOKEN"] = of_environment.key();
  write_file(site.top() / ".gitignore", ".env.local\n");
  write_file(site.top() / ".env.local", "IGNORED=" + of_ignored_file.key() + "\n");
  write_file(site.top() / "tests/.env",
             "# for tests\nCOMMITTED: " + of_committed_file.key() + "\n");
  site.configure(text
                 + "[checks]\ntest = \"true\"\nlint = \"none\"\nschema_drift = \"none\"\n"
                   "[deploy]\nkind = \"none\"\n");
}

void expect_no_canary(const std::string& text, const std::string& where) {
  for (auto& c : all_canaries())
    for (auto& half : {c.left, c.right})
      EXPECT_FALSE(has(text, half)) << half << " in " << where;
}

/// Neither in the ledger nor in the state folder (the log is there), and in
/// nothing that is said.
void expect_untold(const practice_site& site, const ended& batch,
                   const std::vector<std::string>& tasks) {
  for (auto& folder : {site.ledger(), site.home() / "state"})
    for (auto& [path, content] : content_below(folder))
      expect_no_canary(path + "\n" + content, path);
  expect_no_canary(batch.out + batch.err, "what the batch said");
  for (auto& arguments : {words{"status"}, words{"status", "--json"}, words{"verify"}}) {
    auto said = site.run(arguments);
    expect_no_canary(said.out + said.err, arguments.back());
  }
  for (auto& task : tasks) {
    auto said = site.run({"show", task, "--diff"});
    expect_no_canary(said.out + said.err, "show " + task);
  }
}

/// Each key goes to its own service, in a header, and nothing goes in a body.
void expect_unsent(const fake_ai& server) {
  const std::map<std::string, canary> own{
      {"gemini", of_gemini}, {"anthropic", of_anthropic}, {"openai", of_openai}};
  std::map<std::string, int> routes;
  for (auto& line : server.log()) {
    auto route = ledger::text_at(line, "route");
    auto& c = own.at(route);
    EXPECT_EQ(line["in_body"], json::array()) << line.dump();
    EXPECT_EQ(line["in_headers"], json::array({c.left, c.right})) << line.dump();
    ++routes[route];
  }
  EXPECT_EQ(routes.size(), 3u);
}

json call(const std::string& name, json arguments) {
  return {{"name", name}, {"arguments", std::move(arguments)}};
}

/// An answer to `step` that is good, but for keys in it.
std::string audit_with(const std::string& words) {
  return with(ledger::testing::good_answer(step::audit, "src/about.html"), "plain HTML",
              "plain " + words + "HTML");
}

constexpr auto one_more_turn = R"({"calls": [{"name": "list_files"}]})";
constexpr auto wish = "Add a sentence about rye bread to `src/about.html`.\n";

TEST(canaries, WhatAModelSaysIsFiledSentAndToldWithoutThem) {
  practice_site site;
  temporary_folder scripts;
  // In what it says beside its calls, in the calls, and in its answer; whoever
  // speaks may have any key from anywhere.
  json turn{{"text", "I know " + all_keys()},
            {"calls", json::array({call("search", {{"pattern", of_openai.key()}}),
                                   call("read_file", {{"path", of_gemini.key()}}),
                                   call("read_file", {{"path", "tests/.env"}}),
                                   call("read_file", {{"path", ".env.local"}}),
                                   call(of_anthropic.key(), {{of_environment.key(), 1}})})}};
  write_file(scripts.path() / "default/audit.1.json", turn.dump());
  // What came of a turn's calls is on record with the next turn.
  write_file(scripts.path() / "default/audit.2.json", one_more_turn);
  write_file(scripts.path() / "default/audit.3.md", audit_with(all_keys()));
  write_file(scripts.path() / "default/review.1.json", turn.dump());
  write_file(scripts.path() / "default/implement.1.json",
             json{{"calls", json::array({call("read_file", {{"path", "src/about.html"}}),
                                         call("write_file", {{"path", "src/about.html"},
                                                             {"content", all_keys() + "\n"}})})}}
                 .dump());
  fake_ai server(watching(scripts.path()));
  ASSERT_TRUE(server.is_up()) << server.why();
  play(site, server);
  site.prompt("T", wish);
  site.prompt("Leaks", "# A task\n\nThe key is " + of_committed_file.key() + ".\n");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  EXPECT_EQ(to_string(site.state("T").is), "done") << site.state("T").why;
  // Left out, by the line; the key itself is not shown.
  EXPECT_EQ(site.states().count("Leaks"), 0u);
  EXPECT_TRUE(has(e.out, "holds-secret") && has(e.out, "line 3")) << e.out;
  // It was all said, and all taken out.
  auto turns = read_file(site.file("T", "gemini/audit.turns.jsonl"));
  EXPECT_TRUE(has(turns, "I know ([redacted]) ([redacted]) ([redacted])")) << turns;
  EXPECT_TRUE(has(turns, "it is a secret file (scope.secrets")) << turns;
  EXPECT_TRUE(has(read_file(site.file("T", "gemini/audit.md")), "plain ([redacted]) ([red"));
  EXPECT_TRUE(has(read_file(site.file("T", "codex/changes.diff")), "+([redacted])"));
  expect_untold(site, e, {"T"});
  expect_unsent(server);
}

// A byte at a time, and in chunks of a few bytes: every cut that there can be
// falls into a key.
TEST(canaries, AKeyThatComesInPiecesIsTakenOutAsOne) {
  practice_site site;
  temporary_folder scripts;
  for (auto fault : {"dribble", "chunked"}) {
    json turn{{"text", all_keys()},
              {"fault", fault},
              {"calls", json::array({call("search", {{"pattern", all_keys()}})})}};
    json answer{{"text", audit_with(all_keys())}};
    if (fault == std::string{"chunked"}) // A dribble of it would take seconds.
      answer["fault"] = fault;
    write_file(scripts.path() / fault / "audit.1.json", turn.dump());
    write_file(scripts.path() / fault / "audit.2.json", answer.dump());
  }
  fake_ai server(watching(scripts.path()));
  ASSERT_TRUE(server.is_up()) << server.why();
  play(site, server);
  for (auto task : {"dribble", "chunked"})
    site.prompt(task, wish);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_EQ(server.counters()["faults"], json({{"chunked", 2}, {"dribble", 1}}));
  for (auto task : {"dribble", "chunked"})
    for (auto file : {"gemini/audit.md", "gemini/audit.turns.jsonl"})
      EXPECT_TRUE(has(read_file(site.file(task, file)), "([redacted])")) << task << " " << file;
  expect_untold(site, e, {"dribble", "chunked"});
  expect_unsent(server);
}

// A key of a variable may stand in a file that is no secret one. Reading goes
// line by line, and no key has an end of line in it; where a line itself is cut,
// the keys are taken out of it before. It was cut first: the first half stood at
// the end of what `read_file` and `search` showed of a long line.
TEST(canaries, NoTwoResultsOfToolsTellTheHalvesOfOne) {
  practice_site site;
  temporary_folder scripts;
  auto key = of_environment.key();
  auto half = of_environment.left.size();
  // What read_file shows of a line, and what search shows around a match.
  std::string long_line = std::string(40 * 1024 - half, 'a') + key + std::string(100, 'b');
  std::string ends_in_it =
      "cue-one" + std::string(240 - 7 - half, ' ') + key + std::string(90, '.');
  std::string begins_in_it =
      std::string(300, '.') + key + std::string(80 - of_environment.right.size(), ' ') + "cue-two";
  auto calls = json::array();
  for (int from = 1; from <= 4; ++from) // Each range alone.
    calls.push_back(
        call("read_file", {{"path", "src/keys.txt"}, {"from_line", from}, {"to_line", from}}));
  calls.push_back(call("read_file", {{"path", "src/keys.txt"}, {"from_line", 3}}));
  for (auto pattern : {"cue-one", "cue-two", "other-token", "5a5a", "o.her-[s-u]oken"})
    calls.push_back(call("search", {{"pattern", pattern}}));
  write_file(scripts.path() / "default/audit.1.json", json{{"calls", calls}}.dump());
  write_file(scripts.path() / "default/audit.2.json", one_more_turn);
  write_file(scripts.path() / "default/audit.3.md", audit_with(""));
  write_file(scripts.path() / "default/implement.1.json", json{{"calls", calls}}.dump());
  fake_ai server(watching(scripts.path()));
  ASSERT_TRUE(server.is_up()) << server.why();
  site.commit_file("src/keys.txt", "before\ntoken = " + key + "; it is here\n" + long_line + "\n"
                                       + ends_in_it + "\n" + begins_in_it + "\n");
  play(site, server);
  site.prompt("T", wish);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  for (auto turns : {"gemini/audit.turns.jsonl", "codex/apply.turns.jsonl"}) {
    auto text = read_file(site.file("T", turns));
    for (auto& told : {"lines 1-1 of 5", "token = [redacted]; it is here",
                       "of which only the beginning is shown",
                       "1 line matches in 1 file:\\nsrc/keys.txt:4: cue-one", "cue-two [line of",
                       "No line matches"})
      EXPECT_TRUE(has(text, told)) << told << " in " << turns << ": " << text;
  }
  expect_untold(site, e, {"T"});
  expect_unsent(server);
}

// What a service says of its refusal is quoted up to so many bytes. The first
// half of a key that stood there was filed.
TEST(canaries, AServiceThatQuotesTheKeyIsQuotedWithoutIt) {
  practice_site site;
  temporary_folder scripts;
  auto key = of_gemini.key();
  auto no = [&](const std::string& task, const json& reply) {
    write_file(scripts.path() / task / "audit.json", reply.dump());
    site.prompt(task, wish);
  };
  auto dots = [](std::size_t bytes) {
    std::string text;
    while (text.size() < bytes)
      text += "no. ";
    return text.substr(0, bytes);
  };
  no("whole", {{"status", 401}, {"error", "The key " + key + " is wrong."}});
  for (int n : {340, 350, 360}) // Wherever the cut is, it is in the key.
    no(fmt::format("cut-{}", n),
       {{"status", 401}, {"error", dots(static_cast<std::size_t>(n)) + key + " is wrong."}});
  no("page", {{"status", 200},
              {"times", 1},
              {"raw_body", "<p>" + dots(200 - 3 - of_gemini.left.size()) + key + "</p>"}});
  fake_ai server(watching(scripts.path()));
  ASSERT_TRUE(server.is_up()) << server.why();
  play(site, server);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  for (auto& [task, s] : site.states())
    EXPECT_EQ(s.reason, task == "page" ? "" : "key-invalid") << s.why;
  EXPECT_TRUE(has(site.state("whole").why, "The key [redacted] is wrong."))
      << site.state("whole").why;
  EXPECT_EQ(to_string(site.state("page").is), "done") << site.state("page").why;
  expect_untold(site, e, {"whole", "cut-340", "cut-350", "cut-360", "page"});
  for (auto& line : server.log())
    EXPECT_EQ(line["in_body"], json::array()) << line.dump();
}

} // namespace
