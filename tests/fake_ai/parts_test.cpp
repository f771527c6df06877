// The parts of the fake server that need no socket.

#include "ledger/judge.hpp"
#include "tests/fake_ai/persona.hpp"
#include "tests/fake_ai/script.hpp"
#include "tests/fake_server/limiter.hpp"
#include "tests/fake_server/request_reader.hpp"

#include <gtest/gtest.h>

#include <set>

#include <fmt/format.h>

namespace {

using namespace fake_ai;
using fake_server::limiter;
using fake_server::read_head;
using fake_server::window;

const std::string task_prompt = "# Hours\n\nSay on `src/hours.html` and in `data/hours.json` that "
                                "we open early.\nMake `src/new.html` as well.\n";

std::string envelope(const std::string& path, const std::string& text) {
  return fmt::format("<<< FILE {}, {} bytes\n{}", path, text.size(), text);
}

question asked(const std::string& step, bool with_tools = true) {
  question q;
  q.texts = {envelope("inputs/prompt.md", task_prompt), "Task: t\nStep: " + step + "\n"};
  q.step = step;
  if (with_tools)
    for (auto name : {"list_files", "read_file", "write_file", "replace_in_file"}) {
      auto schema = json::parse(R"({"type":"object","properties":{"path":{},"content":{},
                                    "old":{},"new":{}}})");
      q.tools.push_back({name, schema});
    }
  return q;
}

/// Runs the calls of a reply on `files`, as the toolbox would tell.
void run(question& q, const reply& r, std::map<std::string, std::string>& files) {
  q.turns.emplace_back();
  for (auto& call : r.calls) {
    used_tool u{"", call.name, call.arguments, "", false};
    auto path = call.arguments.value("path", "");
    if (call.name == "list_files") {
      u.result = fmt::format("{} files (path, tab, bytes):\n", files.size());
      for (auto& [name, text] : files)
        u.result += fmt::format("{}\t{}\n", name, text.size());
    } else if (call.name == "read_file" && files.contains(path)) {
      u.result = fmt::format("{}: lines 1-2 of 2 (9 bytes)\n{}", path, files[path]);
    } else if (call.name == "read_file") {
      u.result = "read_file: there is no file " + path;
      u.is_error = true;
    } else if (call.name == "write_file") {
      files[path] = call.arguments.value("content", "");
    } else {
      auto old = call.arguments.value("old", "");
      auto at = files[path].find(old);
      ASSERT_NE(at, std::string::npos);
      files[path].replace(at, old.size(), call.arguments.value("new", ""));
    }
    q.turns.back().push_back(u);
  }
}

ledger::case_file case_of(const std::string& decisions = {}, const std::string& plan = {}) {
  ledger::case_file c;
  c.prompt = task_prompt;
  c.decisions = decisions;
  c.plan = plan;
  c.exists_in_base = [](std::string_view p) {
    return p == "src/hours.html" || p == "data/hours.json";
  };
  return c;
}

std::string reasons(const ledger::judgement& j) {
  std::string out;
  for (auto& r : j.reasons)
    out += r + "\n";
  return out;
}

std::map<std::string, std::string> site() {
  return {{"data/hours.json", "{\n}\n"}, {"src/hours.html", "<p>a</p>\n</html>\n"}};
}

TEST(fake_ai_persona, WritesAnswersThatTheValidatorsAccept) {
  for (bool tools : {false, true}) {
    SCOPED_TRACE(tools ? "with tools" : "without tools");
    auto files = site();
    auto say = [&](const std::string& step, std::vector<std::string> more) {
      auto q = asked(step, tools);
      q.texts.insert(q.texts.end() - 1, more.begin(), more.end());
      auto r = page_writer(q);
      for (; !r.calls.empty() && q.turn() < 6; r = page_writer(q))
        run(q, r, files);
      return r.text;
    };
    auto expect = [](ledger::step s, const std::string& text, const ledger::case_file& c) {
      auto j = ledger::judge(s, text, c);
      EXPECT_EQ(j.as, ledger::judged::accepted) << text << reasons(j);
    };
    expect(ledger::step::audit, say("audit", {}), case_of());
    auto decisions = say("decide", {});
    expect(ledger::step::decide, decisions, case_of());
    auto decided = envelope("claude/decisions.md", decisions);
    auto plan = say("plan", {decided});
    expect(ledger::step::plan, plan, case_of(decisions));
    auto planned = envelope("codex/plan.md", plan);
    auto c = case_of(decisions, plan);
    c.changes.push_back({});
    c.changes.back().path = "src/hours.html";
    auto report = say("implement", {decided, planned});
    EXPECT_NE(report.find("src/new.html"), std::string::npos);
    EXPECT_NE(say("test", {decided, planned}).find("## Why"), std::string::npos);
    expect(ledger::step::review, say("review", {}), case_of());
    expect(ledger::step::verify, say("verify", {}), case_of());
  }
}

TEST(fake_ai_persona, AddsALineToEachFileAndMakesTheMissingOne) {
  auto files = site();
  auto q = asked("implement");
  std::set<std::string> tools;
  for (auto r = page_writer(q); !r.calls.empty(); r = page_writer(q)) {
    for (auto& c : r.calls)
      tools.insert(c.name);
    run(q, r, files);
  }
  EXPECT_EQ(files["src/hours.html"],
            "<p>a</p>\n</html>\n<!-- Say on src/hours.html and in data/hours.json that we open "
            "early. -->\n");
  EXPECT_EQ(files["data/hours.json"], "{\n}\n\n");
  EXPECT_NE(files["src/new.html"].find("<h1>"), std::string::npos);
  EXPECT_EQ(tools, (std::set<std::string>{"read_file", "replace_in_file", "write_file"}));
}

TEST(fake_ai_persona, SaysNoToAPromptThatNamesNoFile) {
  question q;
  q.step = "decide";
  for (auto text : {"Nicer, please.", "Put the key into `.env`.", "See `make all` and `*.html`."}) {
    q.texts = {envelope("inputs/prompt.md", text)};
    auto j = ledger::judge(ledger::step::decide, page_writer(q).text, case_of());
    EXPECT_EQ(j.as, ledger::judged::said_no) << text;
  }
}

TEST(fake_ai_persona, ReadsTheSubjectOfTheLastTextThatHasOne) {
  auto s = subject_of({"Task: old\nStep: audit\n", "x\nTask: wrong\nTask: new\nStep: plan\n", "x"});
  EXPECT_EQ(s.task, "new");
  EXPECT_EQ(s.step, "plan");
  EXPECT_EQ(subject_of({"x"}).step, "");
  for (auto name : {"", "..", ".a", "a/b", "a..b", "a b"})
    EXPECT_FALSE(is_task_name(name)) << name;
}

TEST(fake_ai_persona, ReadsOnlyItsEnvelope) {
  std::vector<std::string> texts{
      "<<< FILE inputs/prompt.md.old, x\n`a.txt`\n<<< FILE inputs/prompt.md, x\n`b.txt`\n"
      "<<< FILE gemini/audit.md, x\n`c.txt`\n"};
  EXPECT_EQ(enveloped(texts, "inputs/prompt.md"), "`b.txt`\n");
}

TEST(fake_ai_limiter, LetsThroughWhatItsWindowAllows) {
  struct row {
    window manner;
    std::vector<std::int64_t> at_ms; ///< Of requests, and
    std::string passed;              ///< which of them pass.
  };
  for (auto& r : std::vector<row>{
           {window::fixed, {0, 10, 20, 59'999, 60'000}, "++--+"},
           {window::sliding, {0, 50'000, 50'001, 60'000, 60'001, 110'000}, "++-+-+"},
           {window::bucket, {0, 0, 0, 29'999, 30'000, 30'001, 60'001}, "++--+-+"},
       }) {
    limiter l(2, 0, r.manner, 60'000);
    std::string passed;
    for (auto at : r.at_ms) {
      auto wait = l.wait_s(1, at);
      passed += wait ? '-' : '+';
      if (!wait)
        l.take(1, at);
      else
        EXPECT_GT(*wait, 0) << at;
    }
    EXPECT_EQ(passed, r.passed);
  }
}

TEST(fake_ai_limiter, TellsWhatIsLeft) {
  limiter l(600, 60, window::bucket, 60'000);
  for (int i = 0; i < 60; ++i)
    l.take(1, 0);
  EXPECT_NEAR(l.wait_s(1, 0).value_or(0), 0.1, 0.001);
  EXPECT_EQ(l.state(1000).left, 10u);
  EXPECT_NEAR(l.state(1000).reset_s, 5.0, 0.001);
  limiter none(0, 0, window::fixed, 60'000);
  EXPECT_FALSE(none.wait_s(1'000'000, 0));
  EXPECT_EQ(none.state(0).limit, 0u);
}

TEST(fake_ai_script, NamesWhatItDoesNotUnderstand) {
  for (auto [text, words] : {std::pair{"[]", "no JSON object"},
                             std::pair{R"({"fault": "stal"})", "\"stal\" is no fault"},
                             std::pair{R"({"status": "200"})", "wrong type"},
                             std::pair{R"({"calls": [{}]})", "has no name"}}) {
    auto r = reply_of(text);
    ASSERT_FALSE(r) << text;
    EXPECT_NE(r.error().detail.find(words), std::string::npos) << r.error().detail;
  }
}

TEST(fake_ai_request, ReadsHeads) {
  auto h = read_head("POST /v1/messages?beta=true HTTP/1.1\r\nContent-Length: 12\r\n"
                     "X-Api-Key:  k \r\nExpect: 100-continue\r\n");
  EXPECT_EQ(h.refused, 0);
  EXPECT_EQ(h.q.path, "/v1/messages");
  EXPECT_EQ(h.q.query, "beta=true");
  EXPECT_EQ(h.body_bytes, 12u);
  EXPECT_EQ(header(h.q.headers, "x-api-key"), "k");
  EXPECT_TRUE(h.waits_for_continue);
  EXPECT_TRUE(h.q.keep_alive);
  EXPECT_FALSE(read_head("GET / HTTP/1.0\r\n").q.keep_alive);
  EXPECT_EQ(read_head("GET / HTTP/2\r\n").refused, 400);
  EXPECT_EQ(read_head("GET / HTTP/1.1\r\ncontent-length: -1\r\n").refused, 400);
  EXPECT_TRUE(read_head("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n").is_chunked);
}

TEST(fake_ai_request, ReadsBodiesInChunks) {
  using fake_server::read_chunks;
  const std::string whole = "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n";
  auto c = read_chunks(whole + "GET /");
  EXPECT_EQ(c.body, "abc0123456789");
  EXPECT_EQ(c.bytes_read, whole.size());
  for (std::size_t n = 0; n < whole.size(); ++n) {
    EXPECT_EQ(read_chunks(whole.substr(0, n)).bytes_read, 0u) << n;
    EXPECT_EQ(read_chunks(whole.substr(0, n)).refused, 0) << n;
  }
  EXPECT_EQ(read_chunks("x\r\n").refused, 400);
  EXPECT_EQ(read_chunks("1\r\nabc\r\n").refused, 400);
  EXPECT_EQ(read_chunks("FFFFFFFFFF\r\n").refused, 413);
}

} // namespace
