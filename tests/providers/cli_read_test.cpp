#include "providers/bounded_text.hpp"
#include "providers/cli/failures.hpp"
#include "providers/cli/json_lines.hpp"

#include <gtest/gtest.h>

namespace {

using namespace providers::cli;
using namespace std::chrono_literals;
using providers::child_result;
using kind = providers::call_failure::kind;

constexpr std::int64_t now_ms = 1'787'184'000'000; // 2026-08-20 00:00:00 UTC

finished_run ended(int exit_code, std::string out, std::string err = {}) {
  finished_run run;
  run.child.how = child_result::end::exited;
  run.child.exit_code = exit_code;
  run.child.output = std::move(out);
  run.child.err = std::move(err);
  run.now_ms = now_ms;
  return run;
}

cli_settings settings_of() {
  cli_settings s;
  s.name = "mine";
  s.model = "m-1";
  s.api_key = "canary-key-4711";
  s.api_key_env = "MY_KEY";
  s.price = ledger::token_price{1.0, 0.5, 2.0, 10.0};
  s.command = {"prog"};
  return s;
}

struct row {
  const char* name;
  const tool* t;
  int exit_code;
  const char* out;
  const char* err;
  const char* code;  ///< Of the failure; empty: an answer.
  kind is;           ///< Of the failure.
  const char* words; ///< In the answer, or in the reason.
};

constexpr const char* said =
    R"({"type":"item.completed","item":{"type":"agent_message","text":"An answer."}})"
    "\n";
constexpr const char* done =
    R"({"type":"turn.completed","usage":{"input_tokens":10,"output_tokens":1}})"
    "\n";

std::string codex_failed(const char* message) {
  return std::string(R"({"type":"turn.started"})") + "\n"
         + R"({"type":"turn.failed","error":{"message":")" + message + "\"}}\n";
}

std::string claude_result(const char* more) {
  return std::string("{\"type\":\"system\"}\n{\"type\":\"result\",\"total_cost_usd\":0.5,") + more
         + "}\n";
}

std::string gemini_error(int code, const char* message) {
  return "Attempt 1 failed. { \"not\": json\n{\n  \"session_id\": \"1\",\n  \"error\": {\n    "
         "\"type\": \"Error\",\n    \"message\": \""
         + std::string(message) + "\",\n    \"code\": " + std::to_string(code) + "\n  }\n}\n";
}

void check(const row& r) {
  SCOPED_TRACE(r.name);
  const auto a = r.t->read(ended(r.exit_code, r.out, r.err), settings_of());
  if (*r.code == '\0') {
    ASSERT_TRUE(a) << a.error().code << ": " << a.error().why;
    EXPECT_NE(a->text.find(r.words), std::string::npos) << a->text;
    return;
  }
  ASSERT_FALSE(a) << a->text;
  EXPECT_EQ(a.error().code, r.code) << a.error().why;
  EXPECT_EQ(static_cast<int>(a.error().is), static_cast<int>(r.is)) << a.error().why;
  EXPECT_NE(a.error().why.find(r.words), std::string::npos) << a.error().why;
  EXPECT_EQ(a.error().why.compare(0, 6, "mine: "), 0) << a.error().why;
}

TEST(CliRead, CodexAnswersOnlyWithACompletedTurn) {
  const auto ok = std::string(said) + done;
  const auto twice =
      std::string(R"({"type":"item.completed","item":{"type":"agent_message","text":"First."}})"
                  "\n")
      + said + done;
  const auto warned =
      R"({"type":"item.completed","item":{"type":"error","message":"a mere warning"}})"
      "\nnot json\n"
      + ok;
  const auto unmarked = std::string(said);
  const auto empty = R"({"type":"item.completed","item":{"type":"agent_message","text":" \n"}})"
                     "\n"
                     + std::string(done);
  const auto failed_after = ok + codex_failed("stream disconnected before completion");
  for (const auto& r : std::initializer_list<row>{
           {"ok", &codex_tool, 0, ok.c_str(), "", "", {}, "An answer."},
           {"last", &codex_tool, 0, twice.c_str(), "", "", {}, "An answer."},
           {"warned", &codex_tool, 0, warned.c_str(), "", "", {}, "An answer."},
           {"no mark", &codex_tool, 0, unmarked.c_str(), "odd", "failed", kind::spoiled, "odd"},
           {"refusal", &codex_tool, 0, done, "", "empty-answer", kind::spoiled, "last message"},
           {"blank", &codex_tool, 0, empty.c_str(), "", "empty-answer", kind::spoiled, ""},
           {"exit", &codex_tool, 1, ok.c_str(), "", "failed", kind::spoiled, "exit 1"},
           {"late", &codex_tool, 0, failed_after.c_str(), "", "unavailable", kind::outage, ""},
           {"silent", &codex_tool, 0, "", "", "failed", kind::spoiled, "exit 0"},
           {"usage", &codex_tool, 2, "", "error: unexpected argument '--x'", "failed",
            kind::spoiled, "unexpected argument"}})
    check(r);
}

TEST(CliRead, CodexErrorsAreSorted) {
  struct sorted {
    const char* message;
    const char* code;
    kind is;
  };
  for (const auto& s : std::initializer_list<sorted>{
           {"unexpected status 401 Unauthorized: Incorrect API key", "key-invalid", kind::refused},
           {"exceeded retry limit, last status: 429 Too Many Requests", "rate-limited", kind::wait},
           {"You've hit your usage limit. Upgrade to Pro or try again in 3 hours 12 minutes.",
            "rate-limited", kind::wait},
           {"unexpected status 500 Internal Server Error: oops", "unavailable", kind::outage},
           {"stream disconnected before completion: error sending request", "unavailable",
            kind::outage},
           {"Codex ran out of room in the model's context window.", "too-large", kind::refused},
           {"unexpected status 400 Bad Request: context_length_exceeded", "too-large",
            kind::refused},
           {"unexpected status 429: insufficient_quota, check your billing", "no-credit",
            kind::refused},
           {"unexpected status 404 Not Found: no such model", "no-such-model", kind::refused},
           {"unexpected status 400 Bad Request: schema", "bad-request", kind::refused},
           {"something new", "failed", kind::spoiled}}) {
    const auto out = codex_failed(s.message);
    check({s.message, &codex_tool, 1, out.c_str(), "", s.code, s.is, ""});
  }
  const auto limited = codex_tool.read(
      ended(1, codex_failed("You've hit your usage limit or try again in 3 hours 12 minutes.")),
      settings_of());
  ASSERT_TRUE(limited.error().wait);
  EXPECT_EQ(*limited.error().wait, 192min);
}

TEST(CliRead, ClaudeIsBelievedByIsErrorNotBySubtype) {
  struct sorted {
    int exit_code;
    const char* more;
    const char* code;
    kind is;
  };
  const char* good =
      R"("subtype":"success","is_error":false,"result":"An answer.","stop_reason":"end_turn")";
  for (const auto& s : std::initializer_list<sorted>{
           {0, good, "", {}},
           {1, good, "failed", kind::spoiled},
           {0, R"("subtype":"success","is_error":false,"result":"","stop_reason":"end_turn")",
            "empty-answer", kind::spoiled},
           {0, R"("subtype":"success","is_error":false,"result":"x","stop_reason":null)", "cut-off",
            kind::spoiled},
           {0, R"("subtype":"success","result":"An answer.","stop_reason":"end_turn")", "failed",
            kind::spoiled},
           {1, R"("subtype":"success","is_error":true,"api_error_status":401,"result":"Invalid")",
            "key-invalid", kind::refused},
           {0,
            R"("subtype":"success","is_error":true,"api_error_status":529,)"
            R"("result":"Overloaded")",
            "unavailable", kind::outage},
           {1, R"("subtype":"success","is_error":true,"api_error_status":429,"result":"Slow down")",
            "rate-limited", kind::wait},
           {1,
            R"x("subtype":"success","is_error":true,)x"
            R"x("result":"You've hit your limit · resets 4pm (UTC)")x",
            "rate-limited", kind::wait},
           {1,
            R"("subtype":"success","is_error":true,)"
            R"("result":"Not logged in · Please run /login")",
            "key-invalid", kind::refused},
           {1, R"("subtype":"success","is_error":true,"result":"Prompt is too long")", "too-large",
            kind::refused},
           {1, R"("subtype":"success","is_error":true,"result":"No.","stop_reason":"refusal")",
            "refusal", kind::refused},
           {1, R"("subtype":"success","is_error":false,"result":"An","stop_reason":"max_tokens")",
            "cut-off", kind::spoiled},
           {1, R"("subtype":"error_max_turns","is_error":true)", "cut-off", kind::spoiled},
           {1, R"("subtype":"error_max_budget_usd","is_error":true)", "cut-off", kind::spoiled},
           {1, R"("subtype":"error_during_execution","is_error":true)", "failed", kind::spoiled},
           {0, R"("subtype":7,"is_error":"no","result":["x"],"stop_reason":{})", "failed",
            kind::spoiled}}) {
    const auto out = claude_result(s.more);
    check({s.more, &claude_tool, s.exit_code, out.c_str(), "", s.code, s.is, ""});
  }
  check({"none", &claude_tool, 0, "hello\n", "", "malformed", kind::spoiled, "hello"});
  check({"cut", &claude_tool, 0, "{\"type\":\"result\",\"is_err", "", "malformed", kind::spoiled,
         ""});
  check({"half", &claude_tool, 1, "", "connect ECONNREFUSED 127.0.0.1:1", "unavailable",
         kind::outage, ""});
}

TEST(CliRead, ClaudesFailuresSayWhatTheyCost) {
  const auto out = claude_result(
      R"("subtype":"error_max_turns","is_error":true,"usage":{"input_tokens":3,)"
      R"("cache_read_input_tokens":4,"cache_creation_input_tokens":5,"output_tokens":6})");
  const auto a = claude_tool.read(ended(1, out), settings_of());
  ASSERT_FALSE(a);
  EXPECT_EQ(a.error().usd, 0.5);
  EXPECT_FALSE(a.error().may_be_billed);
  EXPECT_EQ(a.error().used, (providers::tokens{3, 4, 5, 6}));
}

TEST(CliRead, AClaudeThatIsPaidOtherwiseCostsNothing) {
  const auto out = claude_result(R"("subtype":"success","is_error":false,"result":"Yes.",)"
                                 R"("stop_reason":"end_turn")");
  auto s = settings_of();
  EXPECT_EQ(claude_tool.read(ended(0, out), s)->usd, 0.5);
  s.price = ledger::token_price{};
  EXPECT_EQ(claude_tool.read(ended(0, out), s)->usd, 0);
}

// A run is many exchanges: that the last one was refused says nothing of those
// before it.
TEST(CliRead, WhatARunCostBeforeItFailedIsNotForgotten) {
  const auto began = std::string(said);
  for (const char* message : {"status 429 Too Many Requests", "context window", "status 400"}) {
    const auto at_once = codex_tool.read(ended(1, codex_failed(message)), settings_of());
    const auto later = codex_tool.read(ended(1, began + codex_failed(message)), settings_of());
    EXPECT_FALSE(at_once.error().may_be_billed) << message;
    EXPECT_TRUE(later.error().may_be_billed) << message;
  }
  const auto limit = ended(429 % 256, "", gemini_error(429, "quota"));
  EXPECT_TRUE(gemini_tool.read(limit, settings_of()).error().may_be_billed);
  const auto turned_away = ended(401 % 256, "", gemini_error(401, "API key not valid"));
  EXPECT_FALSE(gemini_tool.read(turned_away, settings_of()).error().may_be_billed);
}

TEST(CliRead, WhatClaudePrintsWithoutAResultIsNoComplaint) {
  const auto a =
      claude_tool.read(ended(1, "I looked at the billing page and the quota.\n"), settings_of());
  EXPECT_EQ(a.error().code, "failed");
}

// What is quoted is the end of what the tool said. A secret across its beginning
// was cut in two first, and then known for one no more.
TEST(CliRead, NoHalfOfASecretIsQuoted) {
  const std::string secret = std::string(200, 's') + "-left-0c1e-right-" + std::string(150, 't');
  auto s = settings_of();
  s.secrets = ledger::redactor({secret});
  for (std::size_t after : {0, 100, 200, 300}) {
    const auto a =
        codex_tool.read(ended(1, "", "token " + secret + " " + std::string(after, '.')), s);
    ASSERT_FALSE(a);
    EXPECT_EQ(a.error().why.find("right"), std::string::npos) << a.error().why;
    EXPECT_EQ(a.error().why.find("tttttttt"), std::string::npos) << a.error().why;
  }
}

TEST(CliRead, GeminiIsBelievedByItsText) {
  struct sorted {
    int exit_code;
    std::string out, err;
    const char* code;
    kind is;
  };
  const std::string good = R"({"session_id":"1","response":"An answer.","stats":{}})";
  for (const auto& s : std::initializer_list<sorted>{
           {0, good, "", "", {}},
           {0, "Loaded cached credentials.\n" + good + "\n", "warning", "", {}},
           {1, good, "", "failed", kind::spoiled},
           {0, R"({"response":"","error":{"type":"INVALID_STREAM","message":"empty"}})", "",
            "empty-answer", kind::spoiled},
           {0, R"({"response":"","error":{"type":"INVALID_STREAM","message":"blocked: SAFETY"}})",
            "", "refusal", kind::refused},
           {0, R"({"response":"x","error":{"type":"Error","message":"odd"}})", "", "failed",
            kind::spoiled},
           {0, R"({"response":"An ans)", "", "malformed", kind::spoiled},
           {0, "", "", "malformed", kind::spoiled},
           {0, R"({"response":["An answer."]})", "", "empty-answer", kind::spoiled},
           {145, "", gemini_error(401, "no"), "key-invalid", kind::refused},
           {173, "", gemini_error(429, "Please retry in 34.5s."), "rate-limited", kind::wait},
           {244, "", gemini_error(500, "no"), "unavailable", kind::outage},
           {144, "", gemini_error(400, "The input token count exceeds the maximum"), "too-large",
            kind::refused},
           {144, "", gemini_error(400, "API key not valid"), "key-invalid", kind::refused},
           {173, "", "no json at all", "rate-limited", kind::wait},
           {41, "", "Please set an Auth method", "key-invalid", kind::refused},
           {55, "", "untrusted", "bad-request", kind::refused},
           {53, "", "turns", "cut-off", kind::spoiled},
           {1, "", "Unknown argument: x", "failed", kind::spoiled}})
    check({s.err.empty() ? s.out.c_str() : s.err.c_str(), &gemini_tool, s.exit_code, s.out.c_str(),
           s.err.c_str(), s.code, s.is, ""});
}

TEST(CliRead, ACommandsExitCodeDecides) {
  for (const auto& r : std::initializer_list<row>{
           {"ok", &command_tool, 0, "An answer.", "noise", "", {}, "An answer."},
           {"empty", &command_tool, 0, " \n", "", "empty-answer", kind::spoiled, "nothing"},
           {"later", &command_tool, 75, "", "busy", "unavailable", kind::outage, "busy"},
           {"bad", &command_tool, 1, "An answer.", "first\nlast line", "failed", kind::spoiled,
            "last line"}})
    check(r);
  auto s = settings_of();
  s.command = {"prog", "{answer_file}"};
  auto run = ended(0, "printed");
  EXPECT_EQ(command_tool.read(run, s).error().code, "empty-answer");
  run.answer_file = "filed";
  EXPECT_EQ(command_tool.read(run, s)->text, "filed");
}

TEST(CliRead, WhoWasSignalledHasFailedWhateverItPrinted) {
  const auto codex = std::string(said) + done;
  const auto claude = claude_result(
      R"("subtype":"success","is_error":false,"result":"An answer.","stop_reason":"end_turn")");
  struct tools {
    const tool* t;
    std::string out;
  };
  struct ends {
    child_result::end how;
    const char* code;
    kind is;
  };
  for (const auto& [t, out] : std::initializer_list<tools>{{&codex_tool, codex},
                                                           {&claude_tool, claude},
                                                           {&gemini_tool, R"({"response":"x"})"},
                                                           {&command_tool, "An answer."}})
    for (const auto& e :
         std::initializer_list<ends>{{child_result::end::timed_out, "hung", kind::spoiled},
                                     {child_result::end::idle, "hung", kind::spoiled},
                                     {child_result::end::killed, "closing", kind::outage},
                                     {child_result::end::signalled, "died", kind::spoiled}}) {
      auto run = ended(0, out);
      run.child.how = e.how;
      const auto a = t->read(run, settings_of());
      ASSERT_FALSE(a) << t->kind;
      EXPECT_EQ(a.error().code, e.code);
      EXPECT_EQ(static_cast<int>(a.error().is), static_cast<int>(e.is));
      EXPECT_TRUE(a.error().may_be_billed);
    }
}

TEST(CliRead, CountsTokensOnceAndPricesThem) {
  const auto codex =
      codex_tool.read(ended(0, std::string(said)
                                   + R"({"type":"turn.completed","usage":{"input_tokens":1000,)"
                                     R"("cached_input_tokens":400,"output_tokens":70}})"),
                      settings_of());
  ASSERT_TRUE(codex);
  EXPECT_EQ(codex->used, (providers::tokens{600, 400, 0, 70}));
  EXPECT_DOUBLE_EQ(codex->usd, (600 * 1.0 + 400 * 0.5 + 70 * 10.0) / 1e6);
  const auto gemini = gemini_tool.read(
      ended(0, R"({"response":"x","stats":{"models":{"a":{"tokens":{"prompt":100,"cached":60,)"
               R"("candidates":5,"thoughts":6,"tool":1}},"b":{"tokens":{"prompt":1}},"c":3}}})"),
      settings_of());
  ASSERT_TRUE(gemini);
  EXPECT_EQ(gemini->used, (providers::tokens{42, 60, 0, 11}));
  const auto claude = claude_tool.read(
      ended(0,
            claude_result(
                R"("subtype":"success","is_error":false,"result":"x","stop_reason":"end_turn")")),
      settings_of());
  EXPECT_EQ(claude->usd, 0.5);
}

TEST(CliRead, NoReasonHoldsTheKeyNorAPartOfIt) {
  for (std::size_t before = 0; before < 400; before += 7) {
    const auto err = std::string(before, 'x') + "canary-key-4711" + std::string(350, 'y');
    for (const auto* t : {&codex_tool, &claude_tool, &gemini_tool, &command_tool}) {
      const auto a = t->read(ended(1, "", err), settings_of());
      ASSERT_FALSE(a);
      EXPECT_EQ(a.error().why.find("4711"), std::string::npos) << a.error().why;
      EXPECT_EQ(a.error().why.find("canary"), std::string::npos) << a.error().why;
    }
  }
}

TEST(CliRead, AReasonIsPrintableAndShort) {
  const auto a =
      command_tool.read(ended(1, "", "\x1b[31mred\xff" + std::string(5000, 'z')), settings_of());
  ASSERT_FALSE(a);
  EXPECT_LT(a.error().why.size(), 700u);
  EXPECT_EQ(a.error().why.find('\x1b'), std::string::npos);
}

/// What process.hpp makes of output that is too long.
finished_run cut(const std::string& whole, std::size_t bytes_max) {
  providers::bounded_text text(bytes_max);
  text.add(whole);
  auto run = ended(0, "");
  run.child.output_cut = {text.head_bytes(), text.dropped_bytes()};
  run.child.output = text.take();
  return run;
}

TEST(CliRead, OfCutOutputOnlyWholeLinesCount) {
  const auto old =
      R"({"type":"item.completed","item":{"type":"agent_message","text":"Too early."}})";
  const auto long_last = R"({"type":"item.completed","item":{"type":"agent_message","text":")"
                         + std::string(3000, 'a') + "\"}}\n";
  auto run = cut(old + std::string("\n") + long_last + done, 2000);
  ASSERT_GT(run.child.output_cut.missing, 0u);
  EXPECT_EQ(codex_tool.read(run, settings_of()).error().code, "empty-answer");
  run.answer_file = std::string(3000, 'a');
  EXPECT_EQ(codex_tool.read(run, settings_of())->text.size(), 3000u);

  EXPECT_EQ(command_tool.read(cut(std::string(3000, 'a'), 2000), settings_of()).error().code,
            "cut-off");

  // A half of a line that looks like a line of its own, right behind the cut.
  const std::string forged = R"({"type":"result"})";
  const auto tricky = std::string(1500, 'b') + forged + "\n";
  int read = 0;
  auto half = cut(tricky, 2 * (forged.size() + 1));
  half.child.output = half.child.output;
  each_json_line(half.child.output, half.child.output_cut, [&](const ledger::json&) { ++read; });
  EXPECT_EQ(read, 0);
}

TEST(CliRead, TheCagesOwnTroubleIsNotTheTools) {
  check({"exec", &codex_tool, 1, "", "bwrap: execvp codex: No such file or directory\n",
         "no-such-tool", kind::refused, "npm install -g @openai/codex"});
  check({"mount", &codex_tool, 1, "", "bwrap: Can't bind mount /x\n", "sandbox", kind::outage, ""});
}

struct wait_row {
  const char* text;
  std::int64_t seconds; ///< -1: says nothing.
};

TEST(CliWait, ReadsWhatToolsPrint) {
  // Now: Thursday 2026-08-20, midnight UTC.
  for (const auto& [text, seconds] : std::initializer_list<wait_row>{
           {"try again in 3 hours 12 minutes.", 11'520},
           {"or try again in 5 days 22 hours 11\nminutes.", 511'860},
           {"Try again in 1 day and 1 second", 86'401},
           {"Please try again in 1.5s. Visit", 1},
           {"Please retry in 34.9s.", 34},
           {"Your quota will reset after 1h2m3s.", 3723},
           {"\"retryDelay\": \"34s\"", 34},
           {"Retry-After: 20", 20},
           {"resets 5pm (UTC)", 17 * 3600},
           {"hit your session limit · resets 12:50am (UTC)", 50 * 60},
           {"resets at 17:30", 17 * 3600 + 1800},
           {"Your limit will reset at 9am (UTC).", 9 * 3600},
           {"resets Aug 23 at 4pm (UTC)", (3 * 24 + 16) * 3600},
           {"try again at Aug 20, 2026, 7:38 AM.", 7 * 3600 + 38 * 60},
           {"or try again at Aug 21st, 2026 12:00 PM.", 36 * 3600},
           {"Claude AI usage limit reached|1787187600", 3600},
           {"resets 5pm (America/Los_Angeles)", -1},   // Not our clock.
           {"try again at Aug 19, 2026, 7:38 AM", -1}, // Over (openai/codex#39603).
           {"usage limit reached|1762952400", -1},
           {"try again in a while", -1},
           {"try again in 99999999999999999999 days", -1},
           {"try again in 40000 days", -1},
           {"resets 25:00", -1},
           {"resets 13pm", -1},
           {"resets Feb 31 at 4pm", -1},
           {"try again later", -1},
           {"", -1}}) {
    const auto wait = wait_in(text, now_ms);
    EXPECT_EQ(wait ? std::chrono::duration_cast<std::chrono::seconds>(*wait).count() : -1, seconds)
        << text;
  }
}

} // namespace
