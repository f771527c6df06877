// The fake server as clients see it: shapes, turns, keys, limits, counters.

#include "tests/fake_ai/client.hpp"

#include "providers/scratch_folder.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace fake_ai_tests;
using tests::fake_ai;

/// A folder of answers for one server.
class answers {
public:
  answers()
      : folder_(*providers::scratch_folder::make("answers")) {}
  void put(const std::string& name, const std::string& text) {
    auto file = folder_.path() / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::string path() const { return folder_.path().string(); }

private:
  providers::scratch_folder folder_;
};

constexpr std::string_view prompt =
    "<<< FILE inputs/prompt.md, 20 bytes\nChange `src/page.html` a little, please.\n";

class every_vendor : public ::testing::TestWithParam<std::string> {
protected:
  const dialect& d = dialect_named(GetParam());
  json body(const std::string& text) const { return first_body(d.name, text); }
};

INSTANTIATE_TEST_SUITE_P(fake_ai_server, every_vendor,
                         ::testing::Values("anthropic", "openai", "openai-chat", "gemini"),
                         [](auto& i) {
                           auto name = i.param;
                           for (auto& c : name)
                             c = c == '-' ? '_' : c;
                           return name;
                         });

TEST_P(every_vendor, AnswersWithTextAndUsage) {
  answers a;
  a.put("verify.md", "All is well with {{task}}.\n");
  fake_ai server({"--script", a.path()});
  ASSERT_TRUE(server.is_up()) << server.why();
  auto r = post(server, d, body(about("T-1", "verify")));
  EXPECT_EQ(r.status, 200) << r.body;
  auto s = said_in(d.name, r.value());
  EXPECT_EQ(s.text, "All is well with T-1.\n");
  EXPECT_TRUE(s.calls.empty());
  EXPECT_NE(r.body.find(d.name == "openai-chat" ? "prompt_tokens"
                        : d.name == "gemini"    ? "promptTokenCount"
                                                : "input_tokens"),
            std::string::npos);
}

TEST_P(every_vendor, TakesTurnsWithToolsAndRefusesAnUnansweredCall) {
  answers a;
  a.put("plan.1.json",
        R"({"calls": [{"name": "read_file", "arguments": {"path": "a"}},
                      {"name": "read_file", "arguments": {"path": "b"}}]})");
  a.put("plan.2.md", "Read.");
  for (std::vector<std::string> more : {std::vector<std::string>{}, {"--thoughts"}}) {
    more.insert(more.end(), {"--script", a.path()});
    fake_ai server(more);
    auto first = body(about("t", "plan"));
    auto r = post(server, d, first);
    ASSERT_EQ(r.status, 200) << r.body;
    auto s = said_in(d.name, r.value());
    ASSERT_EQ(s.calls.size(), 2u) << r.body;
    EXPECT_EQ(s.calls[1]["name"], "read_file");
    EXPECT_EQ(s.calls[1]["arguments"]["path"], "b");

    auto second = next_body(d.name, first, r.value(), "content");
    auto r2 = post(server, d, second);
    ASSERT_EQ(r2.status, 200) << r2.body;
    EXPECT_EQ(said_in(d.name, r2.value()).text, "Read.");
    EXPECT_EQ(server.asked({{"task", "t"}, {"step", "plan"}}), 2u);

    auto key = d.name == "openai" ? "input" : d.name == "gemini" ? "contents" : "messages";
    auto& list = second[key];
    if (d.name == "anthropic")
      list.back()["content"].erase(1);
    else if (d.name == "gemini")
      list.back()["parts"].erase(1);
    else
      list.erase(list.size() - 1);
    EXPECT_EQ(post(server, d, second).status, 400);
  }
}

TEST_P(every_vendor, RefusesAWrongKeyInItsShapeAndLogsIt) {
  fake_ai server;
  auto with = [&](const std::string& key) {
    auto other = d;
    other.headers.erase(other.headers.begin());
    if (!key.empty())
      other.headers.push_back(d.key_header + key);
    return post(server, other, body("x"));
  };
  auto bad = with("bad-key");
  EXPECT_EQ(bad.status, d.name == "gemini" ? 400 : 401);
  EXPECT_TRUE(bad.value().contains("error")) << bad.body;
  auto none = with("");
  EXPECT_EQ(none.status, d.name == "gemini" ? 403 : d.name == "openai-chat" ? 200 : 401);
  auto log = server.log();
  ASSERT_EQ(log.size(), 2u);
  EXPECT_EQ(log[0]["key_ok"], false);
  EXPECT_EQ(log[0]["route"], d.name);
}

TEST_P(every_vendor, RefusesWhatTheServiceRefuses) {
  fake_ai server;
  auto empty = body("x");
  empty.erase(d.name == "openai" ? "input" : d.name == "gemini" ? "contents" : "messages");
  EXPECT_EQ(post(server, d, empty).status, 400);
  auto r = response_of(tests::raw_exchange(server.port(), bytes_of(d, "{\"a\": ")));
  EXPECT_EQ(r.status, 400) << r.body;
  EXPECT_TRUE(r.value().contains("error"));
}

TEST_P(every_vendor, SaysTooManyRequestsItsWay) {
  fake_ai server({"--rpm", "2", "--window", "fixed"});
  EXPECT_EQ(post(server, d, body("x")).status, 200);
  EXPECT_EQ(post(server, d, body("x")).status, 200);
  auto r = post(server, d, body("x"));
  EXPECT_EQ(r.status, 429);
  if (d.name == "gemini") {
    EXPECT_NE(r.body.find("google.rpc.RetryInfo"), std::string::npos) << r.body;
    EXPECT_NE(r.body.find("PerMinute"), std::string::npos) << r.body;
    EXPECT_EQ(r.value()["error"]["status"], "RESOURCE_EXHAUSTED");
  } else {
    auto seconds = std::atoi(r.header("retry-after").c_str());
    EXPECT_GT(seconds, 30) << r.head;
    EXPECT_LE(seconds, 60) << r.head;
    auto left = d.name == "anthropic" ? "anthropic-ratelimit-requests-remaining"
                                      : "x-ratelimit-remaining-requests";
    EXPECT_EQ(r.header(left), "0") << r.head;
  }
  EXPECT_EQ(server.counters()["statuses"]["429"], 1);
}

TEST_P(every_vendor, TranslatesWhyItStopped) {
  struct row {
    std::string stop;
    std::vector<std::string> words; ///< anthropic, openai, chat, gemini.
  };
  auto column = d.name == "anthropic" ? 0u : d.name == "openai" ? 1u : d.name == "gemini" ? 3u : 2u;
  answers a;
  std::vector<row> rows{
      {"max_tokens", {"max_tokens", "incomplete", "length", "MAX_TOKENS"}},
      {"safety", {"refusal", "incomplete", "content_filter", "SAFETY"}},
      {"refusal", {"refusal", "completed", "stop", "PROHIBITED_CONTENT"}},
      {"pause", {"pause_turn", "completed", "stop", "STOP"}},
      {"recitation", {"end_turn", "completed", "recitation", "RECITATION"}},
  };
  for (auto& r : rows)
    a.put(r.stop + "/audit.json", fmt::format(R"({{"text": "Half", "stop": "{}"}})", r.stop));
  fake_ai server({"--script", a.path()});
  for (auto& r : rows) {
    SCOPED_TRACE(r.stop);
    auto answer = post(server, d, body(about(r.stop, "audit")));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(said_in(d.name, answer.value()).stop, r.words[column]) << answer.body;
  }
}

TEST_P(every_vendor, StreamsTheSameAnswer) {
  fake_ai server;
  auto asked = body(about("t", "verify"));
  auto by = d;
  if (d.name == "gemini")
    by.path = "/v1beta/models/m:streamGenerateContent?alt=sse";
  else
    asked["stream"] = true;
  auto r = post(server, by, asked);
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.header("content-type"), "text/event-stream");
  EXPECT_NE(r.body.find("GEMINI_VERIFY_OK: YES"), std::string::npos) << r.body;
  EXPECT_NE(r.body.find("data: {"), std::string::npos);
}

TEST(fake_ai_server, WantsGeminisSignatureBackToTheLetter) {
  auto& d = dialect_named("gemini");
  fake_ai server({"--thoughts"});
  auto text = std::string(prompt) + about("t", "implement");
  auto first = first_body(d.name, text);
  first["tools"][0]["functionDeclarations"].push_back(json{{"name", "write_file"}});
  auto r = post(server, d, first);
  auto second = next_body(d.name, first, r.value(), "src/page.html: lines 1-1 of 1 (2 bytes)\nx\n");
  EXPECT_EQ(post(server, d, second).status, 200);
  auto& part = second["contents"][1]["parts"][0];
  ASSERT_TRUE(part.contains("thoughtSignature")) << part;
  part["thoughtSignature"] = "c29tZXRoaW5n";
  EXPECT_EQ(post(server, d, second).status, 400);
  part.erase("thoughtSignature");
  auto missing = post(server, d, second);
  EXPECT_EQ(missing.status, 400);
  EXPECT_NE(missing.body.find("thought_signature"), std::string::npos) << missing.body;
}

TEST(fake_ai_server, WantsOpenaisReasoningBackBesideItsCall) {
  auto& d = dialect_named("openai");
  answers a;
  a.put("plan.1.json", R"({"calls": [{"name": "read_file", "arguments": {"path": "a"}}]})");
  fake_ai server({"--thoughts", "--script", a.path()});
  auto first = first_body(d.name, about("t", "plan"));
  auto second = next_body(d.name, first, post(server, d, first).value(), "x");
  auto good = post(server, d, second);
  EXPECT_EQ(good.status, 200) << good.body;
  EXPECT_GT(good.value()["usage"]["input_tokens_details"]["cached_tokens"], 0);
  EXPECT_EQ(second["input"][1]["type"], "reasoning");
  second["input"].erase(1);
  EXPECT_EQ(post(server, d, second).status, 400);
}

TEST(fake_ai_server, WantsWhatAnthropicRequires) {
  auto& d = dialect_named("anthropic");
  fake_ai server;
  auto refused_with = [&](const std::string& words, const dialect& by, const json& body) {
    auto r = post(server, by, body);
    EXPECT_EQ(r.status, 400);
    EXPECT_EQ(r.value()["error"]["type"], "invalid_request_error");
    EXPECT_NE(r.body.find(words), std::string::npos) << r.body;
  };
  auto body = first_body(d.name, "x");
  auto no_version = d;
  no_version.headers.pop_back();
  refused_with("anthropic-version", no_version, body);
  auto no_limit = body;
  no_limit.erase("max_tokens");
  refused_with("max_tokens", d, no_limit);
  auto extra = body;
  extra["max_output_tokens"] = 5;
  refused_with("max_output_tokens: Extra inputs", d, extra);
  auto prefilled = body;
  prefilled["messages"].push_back(json{{"role", "assistant"}, {"content", "I"}});
  refused_with("prefill", d, prefilled);
}

TEST(fake_ai_server, RefusesAStrictSchemaThatIsNot) {
  auto& d = dialect_named("openai");
  fake_ai server;
  auto body = first_body(d.name, "x");
  body["tools"][0]["parameters"]["required"] = json::array();
  auto r = post(server, d, body);
  EXPECT_EQ(r.status, 400);
  EXPECT_NE(r.body.find("Missing 'path'"), std::string::npos) << r.body;
}

TEST(fake_ai_server, GivesTheSecondConversationItsOwnAnswersAndUsesUpOthers) {
  auto& d = dialect_named("openai-chat");
  answers a;
  a.put("t/test.json", R"({"status": 529, "error": "Busy.", "retry_after_s": 2, "times": 2})");
  a.put("default/test.r2.md", "second");
  a.put("test.md", "first");
  fake_ai server({"--script", a.path()});
  std::vector<std::string> got;
  for (int i = 0; i < 4; ++i) {
    auto r = post(server, d, first_body(d.name, about("t", "test")));
    got.push_back(r.status == 200 ? said_in(d.name, r.value()).text : r.header("retry-after"));
  }
  EXPECT_EQ(got, (std::vector<std::string>{"2", "2", "first", "second"}));
}

TEST(fake_ai_server, CountsAndLogsWhatItWasAsked) {
  auto& d = dialect_named("anthropic");
  answers a;
  a.put("plan.json", R"({"text": "x", "usage": {"input": 100, "output": 20, "cached": 3}})");
  fake_ai server({"--script", a.path()});
  for (int i = 0; i < 3; ++i)
    post(server, d, first_body(d.name, about("t", "plan")));
  post(server, d, json::object());
  auto c = server.counters();
  EXPECT_EQ(c["requests"], 4);
  EXPECT_EQ(c["routes"]["anthropic"], 4);
  EXPECT_EQ(c["steps"]["plan"], 3);
  EXPECT_EQ(c["statuses"]["200"], 3);
  EXPECT_EQ(c["statuses"]["400"], 1);
  EXPECT_EQ(c["in_flight"], 0);
  EXPECT_EQ(c["in_flight_max"], 1);
  EXPECT_EQ(c["billed"]["all"], 369);
  auto log = server.log();
  ASSERT_EQ(log.size(), 4u);
  EXPECT_EQ(log[2]["n"], 3);
  EXPECT_EQ(log[2]["task"], "t");
  EXPECT_EQ(log[2]["conversation"], 3);
  EXPECT_EQ(log[2]["body_sha256"], log[0]["body_sha256"]);
}

TEST(fake_ai_server, LogsWhichRequestsHoldWhatIsWatchedFor) {
  auto& d = dialect_named("anthropic");
  fake_ai server({"--watch", "rye bread", "--watch", "2023-06-01"});
  post(server, d, first_body(d.name, "Nothing of it."));
  post(server, d, first_body(d.name, "Say rye bread."));
  auto log = server.log();
  ASSERT_EQ(log.size(), 2u);
  EXPECT_EQ(log[0]["in_body"], ledger::json::array());
  EXPECT_EQ(log[1]["in_body"], ledger::json::array({"rye bread"}));
  EXPECT_EQ(log[0]["in_headers"], ledger::json::array({"2023-06-01"}));
}

TEST(fake_ai_server, SaysOfAnEmptyPurseWhatGeminiSays) {
  auto& d = dialect_named("gemini");
  answers a;
  a.put("plan.json", R"({"status": 402})");
  fake_ai server({"--script", a.path()});
  auto r = post(server, d, first_body(d.name, about("t", "plan")));
  EXPECT_EQ(r.status, 402);
  EXPECT_EQ(r.value()["error"]["status"], "RESOURCE_EXHAUSTED");
}

TEST(fake_ai_server, TakesTheStepFromHeadersWhereThePromptNamesNone) {
  auto d = dialect_named("openai-chat");
  d.headers.push_back("x-fake-step: review");
  d.headers.push_back("x-fake-task: h");
  fake_ai server;
  auto r = post(server, d, first_body(d.name, "Look at it."));
  EXPECT_NE(said_in(d.name, r.value()).text.find("CLAUDE_FINAL_OK: YES"), std::string::npos);
  EXPECT_EQ(server.asked({{"task", "h"}, {"step", "review"}}), 1u);
}

TEST(fake_ai_server, FailsAtTheRateItIsToldTo) {
  auto& d = dialect_named("openai-chat");
  fake_ai server({"--fail-rate", "0.5", "--seed", "7"});
  std::string pattern;
  for (int i = 0; i < 20; ++i)
    pattern += post(server, d, first_body(d.name, "x")).status == 500 ? '5' : '2';
  auto failed = std::count(pattern.begin(), pattern.end(), '5');
  EXPECT_GT(failed, 2) << pattern;
  EXPECT_LT(failed, 18) << pattern;
}

TEST(fake_ai_server, EndsWhenItIsToldTo) {
  fake_ai server;
  auto r = response_of(
      tests::raw_exchange(server.port(), "POST /shutdown HTTP/1.1\r\nconnection: close\r\n\r\n"));
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(server.end(), 0);
  fake_ai other;
  EXPECT_EQ(other.end(), 0) << "SIGTERM, or the end of stdin";
}

TEST(fake_ai_server, RefusesToStartWithAScriptThatItDoesNotUnderstand) {
  answers a;
  a.put("audit.json", R"({"txet": "x"})");
  fake_ai server({"--script", a.path()});
  EXPECT_FALSE(server.is_up());
  EXPECT_NE(server.why().find("txet"), std::string::npos) << server.why();
  EXPECT_EQ(server.end(), 2);
}

/// Asks on `n` connections at once, each twice, one after the other.
class crowd {
public:
  crowd(int port, std::size_t n, std::string request)
      : request_(std::move(request))
      , epoll_(::epoll_create1(EPOLL_CLOEXEC))
      , members_(n) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (std::size_t i = 0; i < n; ++i) {
      members_[i].fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      ::connect(members_[i].fd, reinterpret_cast<sockaddr*>(&at), sizeof at);
      epoll_event e{EPOLLIN, {}};
      e.data.u64 = i;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, members_[i].fd, &e);
    }
  }
  ~crowd() {
    for (auto& m : members_)
      ::close(m.fd);
    ::close(epoll_);
  }

  /// How long all of them took to be answered; negative: not all were.
  std::chrono::milliseconds ask() {
    auto begun = std::chrono::steady_clock::now();
    for (auto& m : members_) {
      m.got.clear();
      if (::send(m.fd, request_.data(), request_.size(), MSG_NOSIGNAL)
          != static_cast<ssize_t>(request_.size()))
        return std::chrono::milliseconds(-1);
    }
    std::vector<epoll_event> events(512);
    for (std::size_t answered = 0; answered < members_.size();) {
      auto n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 30'000);
      if (n <= 0)
        return std::chrono::milliseconds(-2);
      for (int i = 0; i < n; ++i)
        answered += members_[events[static_cast<std::size_t>(i)].data.u64].read() ? 1 : 0;
    }
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now()
                                                                 - begun);
  }

private:
  struct member {
    int fd = -1;
    std::string got;
    /// Whether a whole answer is there now.
    bool read() {
      char piece[8192];
      auto n = ::recv(fd, piece, sizeof piece, MSG_DONTWAIT);
      if (n > 0)
        got.append(piece, static_cast<std::size_t>(n));
      auto r = response_of(got);
      return n > 0 && r.status == 200
             && r.body.size() == std::strtoul(r.header("content-length").c_str(), nullptr, 10);
    }
  };

  std::string request_;
  int epoll_;
  std::vector<member> members_;
};

TEST(fake_ai_server, KeepsThousandsInFlightForTheTimeOfOne) {
  rlimit l{};
  ::getrlimit(RLIMIT_NOFILE, &l);
  auto before = l;
  l.rlim_cur = l.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &l);
  auto wanted = std::getenv("FAKE_AI_CROWD"); // For measuring by hand.
  auto n = wanted ? std::strtoul(wanted, nullptr, 10) : 2000u;
  if (l.rlim_cur < n + 100)
    GTEST_SKIP() << "only " << l.rlim_cur << " descriptors";
  auto& d = dialect_named("openai-chat");
  fake_ai server({"--latency", "1000"});
  auto body = first_body(d.name, std::string(2000, 'x') + about("t", "review")).dump();
  {
    crowd all(server.port(), n, bytes_of(d, body, false));
    auto first = all.ask();
    auto again = all.ask();
    ::setrlimit(RLIMIT_NOFILE, &before);
    std::cout << n << " at once: " << first.count() << " ms, again " << again.count() << " ms\n";
    for (auto took : {first, again}) {
      EXPECT_GE(took.count(), 1000);
      EXPECT_LT(took.count(), 5000) << "not one after the other";
    }
  }
  auto c = server.counters();
  EXPECT_EQ(c["requests"], 2 * n);
  EXPECT_GE(c["in_flight_max"], n * 9 / 10);
}

} // namespace
