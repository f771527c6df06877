#include "providers/http.hpp"

#include "providers/process.hpp"
#include "tests/providers/scratch_repository.hpp"
#include "tests/support/asking.hpp"
#include "tests/support/raw_server.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <cstdlib>
#include <fstream>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tests {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using ledger::fault;
using providers::http_engine;

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// Its text; "" if there is none, so that a test that fails goes on.
std::string why(const http_outcome& o) {
  return o ? std::string{} : o.error().what.detail;
}

void expect_failure(const http_outcome& o, fault kind, const std::string& code, bool arrived) {
  ASSERT_FALSE(o) << "status " << o->status << ", " << o->body.size() << " bytes";
  EXPECT_EQ(o.error().what.code, code) << o.error().what.detail;
  EXPECT_EQ(o.error().what.kind, kind) << o.error().what.detail;
  EXPECT_EQ(o.error().may_have_arrived, arrived) << o.error().what.detail;
}

raw_server::script says(raw_answer a) {
  return [a = std::move(a)](std::size_t, const std::string&) { return a; };
}

raw_answer then_close(std::string bytes) {
  raw_answer a{std::move(bytes)};
  a.close = true;
  return a;
}

/// A port of this machine where nobody listens; kept so while this lives.
class deaf_port {
public:
  /// `backlog` -1: does not listen. 0: listens, and never accepts.
  explicit deaf_port(int backlog)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    auto* at = reinterpret_cast<sockaddr*>(&address_);
    EXPECT_EQ(::bind(fd_, at, size), 0);
    EXPECT_EQ(::getsockname(fd_, at, &size), 0);
    if (backlog < 0)
      return;
    EXPECT_EQ(::listen(fd_, backlog), 0);
    for (auto& filler : fillers_) { // A full backlog answers no further SYN.
      filler = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      ::connect(filler, at, size);
    }
  }
  ~deaf_port() {
    ::close(fd_);
    for (const auto filler : fillers_)
      if (filler >= 0)
        ::close(filler);
  }
  deaf_port(const deaf_port&) = delete;
  deaf_port& operator=(const deaf_port&) = delete;

  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(ntohs(address_.sin_port)) + "/v1/ask";
  }

private:
  int fd_;
  int fillers_[4] = {-1, -1, -1, -1};
  sockaddr_in address_{};
};

TEST(HttpTrouble, SaysThatARefusedConnectionReachedNobody) {
  deaf_port nobody{-1};
  http_engine e;
  auto r = ask(e, post(nobody.url()));
  expect_failure(r, fault::unavailable, "connect", false);
  EXPECT_TRUE(holds(why(r), nobody.url())) << why(r);
  EXPECT_TRUE(holds(why(r), "Connection refused")) << why(r);
}

TEST(HttpTrouble, EndsAConnectionThatIsNotMadeInTime) {
  deaf_port full{0};
  http_engine e;
  auto request = post(full.url());
  request.connect_timeout = 300ms;
  const auto began = clock::now();
  auto r = ask(e, std::move(request));
  const auto took = clock::now() - began;
  expect_failure(r, fault::unavailable, "connect", false);
  EXPECT_GE(took, 290ms);
  EXPECT_LT(took, 2s);
}

TEST(HttpTrouble, EndsThoseThatWaitForTheFirstConnectionToo) {
  deaf_port full{0};
  http_engine e;
  auto request = post(full.url());
  request.connect_timeout = 300ms;
  const auto began = clock::now();
  std::vector<std::future<http_outcome>> all;
  for (int i = 0; i < 20; ++i)
    all.push_back(send(e, request));
  for (auto& later : all)
    expect_failure(later.get(), fault::unavailable, "connect", false);
  EXPECT_LT(clock::now() - began, 2s);
}

TEST(HttpTrouble, EndsASilentServerAtTheIdleTimeOut) {
  raw_server s{""};
  http_engine e;
  auto request = post(s.url());
  request.idle_timeout = 200ms;
  const auto began = clock::now();
  auto r = ask(e, std::move(request));
  const auto took = clock::now() - began;
  expect_failure(r, fault::unavailable, "idle", true);
  EXPECT_GE(took, 200ms);
  EXPECT_LT(took, 1s); // 300 ms on a machine with nothing else to do.
  EXPECT_TRUE(holds(why(r), "200 ms")) << why(r);
}

TEST(HttpTrouble, EndsAServerThatFallsSilentInItsBody) {
  raw_server s{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"};
  http_engine e;
  auto request = post(s.url());
  request.idle_timeout = 200ms;
  expect_failure(ask(e, std::move(request)), fault::unavailable, "idle", true);
}

TEST(HttpTrouble, TakesADribbleForNoSilence) {
  raw_answer a{"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n", "12345678901234567890"};
  a.dribble_every = 50ms; // A second in all.
  raw_server s{says(a)};
  http_engine e;
  auto request = post(s.url());
  request.idle_timeout = 700ms;
  auto r = ask(e, std::move(request));
  ASSERT_TRUE(r) << why(r);
  EXPECT_EQ(r->body, a.dribble);
}

TEST(HttpTrouble, TakesBytesThatUnpackToNothingForNoSilence) {
  raw_answer a{"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n",
               {"\x1f\x8b\x08\0\0\0\0\0\0\x03", 10}};
  a.dribble_every = 100ms; // A second in all.
  a.close = true;
  raw_server s{says(a)};
  http_engine e;
  auto request = post(s.url());
  request.idle_timeout = 700ms;
  auto r = ask(e, std::move(request));
  EXPECT_TRUE(r || r.error().what.code == "cut") << why(r);
}

TEST(HttpTrouble, EndsAnEndlessDribbleAtTheTotalTimeOut) {
  raw_answer a{"HTTP/1.1 200 OK\r\n\r\n", "x", true};
  raw_server s{says(a)};
  http_engine e;
  auto request = post(s.url());
  request.idle_timeout = 10s;
  request.total_timeout = 500ms;
  const auto began = clock::now();
  auto r = ask(e, std::move(request));
  const auto took = clock::now() - began;
  expect_failure(r, fault::unavailable, "timeout", true);
  EXPECT_GE(took, 500ms);
  EXPECT_LT(took, 2s);
}

TEST(HttpTrouble, TimesEachRequestByItsOwnClock) {
  raw_server s{""};
  http_engine e;
  auto slow = post(s.url());
  auto fast = post(s.url());
  slow.idle_timeout = 900ms;
  fast.idle_timeout = 100ms;
  const auto began = clock::now();
  auto last = send(e, std::move(slow));
  expect_failure(ask(e, std::move(fast)), fault::unavailable, "idle", true);
  EXPECT_LT(clock::now() - began, 800ms);
  expect_failure(last.get(), fault::unavailable, "idle", true);
  EXPECT_GE(clock::now() - began, 900ms);
}

struct cut_case {
  const char* name;
  std::string bytes;
};

TEST(HttpTrouble, TakesNoCutResponseForAResponse) {
  const cut_case cases[] = {
      {"nothing", ""},
      {"half a status", "HTTP/1.1 2"},
      {"half the headers", "HTTP/1.1 200 OK\r\nX: y\r\n"},
      {"half the body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"},
      {"a chunk missing", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"},
      {"half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123"},
      {"no chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"},
      {"no gzip", raw_response(200, "Content-Encoding: gzip\r\n", "plain")},
      {"no final status", "HTTP/1.1 100 Continue\r\n\r\n"},
      {"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    raw_server s{says(then_close(c.bytes))};
    http_engine e;
    expect_failure(ask(e, post(s.url())), fault::unavailable, "cut", true);
  }
}

TEST(HttpTrouble, TakesABodyToTheEndOfTheConnectionWhereNoLengthIsGiven) {
  raw_server s{says(then_close("HTTP/1.1 200 OK\r\n\r\nall of it"))};
  http_engine e;
  auto r = ask(e, post(s.url()));
  ASSERT_TRUE(r) << why(r);
  EXPECT_EQ(r->body, "all of it");
}

/// A gzip stream of `runs` times 258 equal bytes, 13 bits each: one block with
/// the fixed codes, and no end.
std::string gzip_bomb(std::size_t runs) {
  std::string out{"\x1f\x8b\x08\0\0\0\0\0\0\x03", 10};
  unsigned filled = 0;
  unsigned char byte = 0;
  const auto bit = [&](unsigned b) {
    byte = static_cast<unsigned char>(byte | (b << filled));
    if (++filled == 8) {
      out += static_cast<char>(byte);
      byte = 0;
      filled = 0;
    }
  };
  const auto code = [&](unsigned value, int bits) { // Codes begin with their highest bit.
    while (bits-- > 0)
      bit((value >> bits) & 1U);
  };
  bit(1); // The last block, with the fixed codes.
  bit(1);
  bit(0);
  code(0x30 + 'a', 8);
  for (std::size_t i = 0; i < runs; ++i) {
    code(0xC5, 8); // Length 258,
    code(0, 5);    // one byte back.
  }
  return out;
}

std::string lines_of_headers(std::size_t bytes) {
  std::string all;
  while (all.size() < bytes)
    all += "X-Flood: " + std::string(1000, 'x') + "\r\n";
  return all;
}

TEST(HttpTrouble, EndsAFloodOfAnyKindAtItsCap) {
  constexpr std::size_t cap = 1024 * 1024;
  const std::string big(10 * cap, 'x');
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  std::string chunks = ok + "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 100; ++i)
    chunks += "10000\r\n" + big.substr(0, 0x10000) + "\r\n";
  const cut_case cases[] = {
      {"10 MB of headers", ok + lines_of_headers(10 * cap)},
      {"300 KB of headers", ok + lines_of_headers(300 * 1024) + "\r\n"},
      {"10 MB in a header", ok + "X: " + big},
      {"10 MB of informational blocks",
       [] {
         std::string all;
         while (all.size() < 10 * cap)
           all += "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n";
         return all;
       }()},
      {"a large body", raw_response(200, "", big)},
      {"a large body without its length", ok + "\r\n" + big},
      {"a large body in chunks", chunks},
      {"10 MB of trailers", ok + "Transfer-Encoding: chunked\r\nTrailer: X-Flood\r\n\r\n0\r\n"
                                + lines_of_headers(10 * cap)},
      {"a bomb", raw_response(200, "Content-Encoding: gzip\r\n", gzip_bomb(200'000))},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    raw_server s{c.bytes};
    http_engine e;
    auto request = post(s.url());
    request.max_response_bytes = cap;
    expect_failure(ask(e, std::move(request)), fault::refused, "too-large", true);
  }
}

TEST(HttpTrouble, CountsHeadersIntoTheCap) {
  const auto whole = raw_response(200, "", std::string(1000, 'x'));
  raw_server s{whole};
  http_engine e;
  auto request = post(s.url());
  request.max_response_bytes = whole.size();
  EXPECT_TRUE(ask(e, request));
  --request.max_response_bytes;
  expect_failure(ask(e, request), fault::refused, "too-large", true);
}

TEST(HttpTrouble, RefusesPlainHttpToElsewhereBeforeAnythingIsSent) {
  http_engine e;
  bool called = false;
  // 192.0.2.0/24 is nobody's. The callback runs before send() returns: there
  // was no time for a packet.
  e.send(post("http://192.0.2.1/v1/ask?key=canary"), [&](http_outcome o) {
    called = true;
    expect_failure(o, fault::refused, "url", false);
    EXPECT_FALSE(holds(o.error().what.detail, "canary")) << o.error().what.detail;
  });
  EXPECT_TRUE(called);
}

TEST(HttpTrouble, RefusesUrlsAndHeadersThatAreNone) {
  http_engine e;
  for (const auto* url : {"", "api.example", "ftp://127.0.0.1/", "https://me:canary@127.0.0.1/",
                          "http://127.0.0.1/#canary"}) {
    auto r = ask(e, post(url));
    expect_failure(r, fault::refused, "url", false);
    EXPECT_FALSE(holds(why(r), "canary")) << why(r);
  }
  raw_server s{raw_response(200, "", "")};
  const std::vector<std::pair<std::string, std::string>> bad[] = {
      {{"X-Api-Key", "canary\n"}},
      {{"X-Api-Key", "canary\r\nX-More: 1"}},
      {{"X-Api-Key", std::string{"canary\0", 7}}},
      {{"X Api", "canary"}},
      {{"", "canary"}},
      {{"X:", "canary"}},
  };
  for (const auto& headers : bad) {
    auto request = post(s.url());
    request.headers = headers;
    auto r = ask(e, std::move(request));
    expect_failure(r, fault::refused, "header", false);
    EXPECT_FALSE(holds(why(r), "canary")) << why(r);
  }
  EXPECT_EQ(s.connections(), 0U);
}

// A connection that was used before and ends without a byte of an answer:
// libcurl asks again on its own. A model that had begun to work on the first
// request would have been paid twice, with nothing in the ledger to show it.
TEST(HttpTrouble, SendsNothingWithABodyTwice) {
  raw_server s{[](std::size_t n, const std::string&) {
    return n == 0 ? raw_answer{raw_response(200, "", "ok")} : then_close("");
  }};
  http_engine e;
  ASSERT_TRUE(ask(e, post(s.url())));
  expect_failure(ask(e, post(s.url(), "once")), fault::unavailable, "cut", true);
  EXPECT_EQ(s.requests().size(), 2U);
}

// An empty body is one too: to cancel something, or a file without content.
TEST(HttpTrouble, SendsNothingThatIsNoGetTwice) {
  raw_server s{[](std::size_t n, const std::string&) {
    return n == 0 ? raw_answer{raw_response(200, "", "ok")} : then_close("");
  }};
  http_engine e;
  ASSERT_TRUE(ask(e, post(s.url())));
  auto request = post(s.url(), "");
  request.method = providers::http_method::put;
  expect_failure(ask(e, std::move(request)), fault::unavailable, "cut", true);
  EXPECT_EQ(s.requests().size(), 2U);
}

TEST(HttpTrouble, MayRepeatWhatOnlyReads) {
  raw_server s{[](std::size_t n, const std::string&) {
    return n != 1 ? raw_answer{raw_response(200, "", "ok")} : then_close("");
  }};
  http_engine e;
  ASSERT_TRUE(ask(e, post(s.url())));
  auto r = ask(e, post(s.url("/v1/models"), ""));
  ASSERT_TRUE(r) << why(r);
  EXPECT_EQ(s.requests().size(), 3U);
}

TEST(HttpTrouble, AsksOnAFreshConnectionOnceTheKeptOneHasEnded) {
  raw_server s{says(then_close(raw_response(200, "", "ok")))};
  http_engine e;
  for (std::size_t i = 1; i <= 3; ++i) // While one ends, nobody knows what arrived.
    ASSERT_TRUE(ask(e, post(s.url())) && s.wait_for_ends(i));
  EXPECT_EQ(s.connections(), 3U);
}

TEST(HttpTrouble, TellsNothingOfHeadersQueryOrBodies) {
  const std::string c = "canary";
  const raw_answer answers[] = {
      then_close(""),
      then_close("HTTP/1.1 200 canary\r\nX: canary\r\nContent-Length: 99\r\n\r\ncanary"),
      then_close("canary\r\n\r\n"),
      then_close("HTTP/1.1 canary\r\n\r\n"),
      then_close("HTTP/canary 200\r\n\r\n"),
      then_close("HTTP/1.1 200 OK\r\nContent-Length: canary\r\n\r\n"),
      then_close("HTTP/1.1 200 OK\r\nTransfer-Encoding: canary\r\n\r\ncanary"),
      then_close("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ncanary\r\n"),
      then_close("HTTP/1.1 200 OK\r\nContent-Encoding: canary\r\n\r\ncanary"),
      then_close(raw_response(200, "Content-Encoding: gzip\r\n", c)),
      then_close(raw_response(200, "", std::string(5000, 'x') + c)),
      raw_answer{"HTTP/1.1 200 canary\r\nX: canary\r\nContent-Length: 99\r\n\r\ncanary"},
  };
  for (const auto& a : answers) {
    SCOPED_TRACE(a.bytes.substr(0, 100));
    raw_server s{says(a)};
    http_engine e;
    auto request = post(s.url("/v1/ask?key=canary"), "canary");
    request.headers = {{"Authorization", "Bearer canary"}};
    request.idle_timeout = 300ms;
    request.max_response_bytes = 2000;
    auto r = ask(e, std::move(request));
    if (r)
      continue;
    EXPECT_FALSE(holds(why(r), c)) << why(r);
    EXPECT_TRUE(holds(why(r), s.url() + ":")) << why(r);
  }
}

TEST(HttpTrouble, TellsNoPasswordOfAProxy) {
  ::setenv("https_proxy", "strange://me:canary@127.0.0.1:1/", 1);
  {
    http_engine e;
    auto r = ask(e, post("https://models.invalid/v1/ask"));
    expect_failure(r, fault::unavailable, "connect", false);
    EXPECT_FALSE(holds(why(r), "canary")) << why(r);
  }
  ::unsetenv("https_proxy");
}

TEST(HttpTrouble, SaysThatAProxyRefusedTheWay) {
  raw_server proxy{raw_response(407, "X: canary\r\n", "")};
  ::setenv("https_proxy", proxy.url("/").c_str(), 1);
  {
    http_engine e;
    auto r = ask(e, post("https://models.invalid/v1/ask"));
    expect_failure(r, fault::unavailable, "connect", false);
    EXPECT_TRUE(holds(why(r), "407")) << why(r);
    EXPECT_FALSE(holds(why(r), "canary")) << why(r);
  }
  ::unsetenv("https_proxy");
}

TEST(HttpTrouble, SaysThatWhatAnswersIsNotEncrypted) {
  raw_server s{""};
  http_engine e;
  auto request = post("https://127.0.0.1:" + std::to_string(s.port()) + "/v1/ask");
  request.connect_timeout = 300ms; // The server waits for a request, we for TLS.
  expect_failure(ask(e, std::move(request)), fault::unavailable, "connect", false);
}

/// `openssl s_server` with a certificate that nobody signed.
class stranger {
public:
  explicit stranger(const std::string& host) {
    const auto fifo = folder_.path() / "says";
    ::mkfifo(fifo.c_str(), 0600);
    providers::child_spec s;
    s.argv = {"sh", "-c",
              "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 "
              "-subj /CN="
                  + host + " -addext subjectAltName=DNS:" + host
                  + ",IP:127.0.0.1 2>req.log && exec openssl s_server -accept 127.0.0.1:0 "
                    "-cert cert.pem -key key.pem -www >says 2>&1; echo failed >says"};
    s.env = {{"PATH", std::getenv("PATH")}};
    s.directory = folder_.path().string();
    s.timeout = 120s;
    children_.start(std::move(s), [](auto) {});
    std::ifstream in{fifo};
    for (std::string line; port_.empty() && std::getline(in, line);)
      if (line.rfind("ACCEPT ", 0) == 0)
        port_ = line.substr(line.rfind(':') + 1);
    said_.swap(in); // Kept open: it may say more.
  }
  const std::string& port() const { return port_; }

private:
  test::scratch folder_;
  std::ifstream said_;
  std::string port_;
  providers::processes children_;
};

TEST(HttpTrouble, RefusesTheCertificateOfAStranger) {
  providers::processes children;
  providers::child_spec version;
  version.argv = {"openssl", "version"};
  version.env = {{"PATH", std::getenv("PATH")}};
  if (auto r = children.run(std::move(version)); !r || !r->ok())
    GTEST_SKIP() << "there is no openssl program";
  stranger s{"localhost"};
  ASSERT_NE(s.port(), "");
  http_engine e;
  for (const auto* host : {"localhost", "127.0.0.1"}) {
    auto r = ask(e, post("https://" + (host + (":" + s.port())) + "/v1/ask?key=canary"));
    expect_failure(r, fault::refused, "certificate", false);
    EXPECT_TRUE(holds(why(r), "self-signed")) << why(r);
  }
}

} // namespace
} // namespace tests
