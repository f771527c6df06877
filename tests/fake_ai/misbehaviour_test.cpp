// Each way in which the fake server misbehaves, seen from a plain socket.

#include "tests/fake_ai/client.hpp"

#include "providers/scratch_folder.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <fstream>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace fake_ai_tests;
using tests::fake_ai;

/// A connection that looks at what comes, piece by piece.
class wire {
public:
  explicit wire(int port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::connect(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at);
  }
  ~wire() { ::close(fd_); }

  void say(const std::string& bytes) { ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

  enum class end { closed, reset, silent, enough };
  /// Reads until the end, until nothing comes for `patience_ms`, or `most` bytes.
  end read(int patience_ms, std::size_t most = static_cast<std::size_t>(-1)) {
    static char piece[65536];
    for (; got.size() < most; ++pieces) {
      pollfd p{fd_, POLLIN, 0};
      if (::poll(&p, 1, patience_ms) == 0)
        return end::silent;
      auto n = ::recv(fd_, piece, sizeof piece, 0);
      if (n <= 0)
        return n == 0 ? end::closed : errno == ECONNRESET ? end::reset : end::silent;
      got.append(piece, static_cast<std::size_t>(n));
    }
    return end::enough;
  }

  std::string got;
  std::size_t pieces = 0;

private:
  int fd_ = -1;
};

constexpr int patience_ms = 20'000;

class misbehaviour : public ::testing::Test {
protected:
  providers::scratch_folder folder = *providers::scratch_folder::make("faults");
  const dialect& d = dialect_named("anthropic");
  std::vector<std::string> arguments{"--script", folder.path().string(), "--drip-ms", "1"};

  std::string request(const std::string& fault, bool close = false) {
    std::ofstream(folder.path() / "audit.json")
        << fmt::format(R"({{"text": "{}", "fault": "{}"}})", std::string(100, 'y'), fault);
    return bytes_of(d, first_body(d.name, about("t", "audit")).dump(), close);
  }
};

TEST_F(misbehaviour, StallKeepsTheConnectionAfterHalfOfTheBody) {
  auto bytes = request("stall");
  fake_ai server(arguments);
  {
    wire w(server.port());
    w.say(bytes);
    EXPECT_EQ(w.read(500), wire::end::silent);
    auto r = response_of(w.got);
    EXPECT_EQ(r.status, 200);
    EXPECT_LT(r.body.size(), std::stoul(r.header("content-length")));
    EXPECT_EQ(server.counters()["in_flight"], 1);
  }
  // Sockets come before requests: the end of that one was seen before this is answered.
  EXPECT_EQ(server.counters()["in_flight"], 0) << "a client that goes ends its request";
}

TEST_F(misbehaviour, SilenceIsNotAByte) {
  auto bytes = request("silence");
  fake_ai server(arguments);
  wire w(server.port());
  w.say(bytes);
  EXPECT_EQ(w.read(500), wire::end::silent);
  EXPECT_EQ(w.got, "");
  EXPECT_EQ(server.counters()["faults"]["silence"], 1);
}

TEST_F(misbehaviour, CutEndsTheConnectionInTheBody) {
  auto bytes = request("cut");
  fake_ai server(arguments);
  wire w(server.port());
  w.say(bytes);
  EXPECT_EQ(w.read(patience_ms), wire::end::closed);
  auto r = response_of(w.got);
  EXPECT_LT(r.body.size(), std::stoul(r.header("content-length")));
  EXPECT_GT(r.body.size(), 0u);
}

TEST_F(misbehaviour, DropAndResetSendNothing) {
  for (auto [fault, end] :
       {std::pair{"drop", wire::end::closed}, std::pair{"reset", wire::end::reset}}) {
    SCOPED_TRACE(fault);
    auto bytes = request(fault);
    fake_ai server(arguments);
    wire w(server.port());
    w.say(bytes);
    EXPECT_EQ(w.read(patience_ms), end);
    EXPECT_EQ(w.got, "");
  }
}

TEST_F(misbehaviour, DribbleAndSlowHeadersComeInManyPiecesAndWhole) {
  for (auto fault : {"dribble", "slow-headers"}) {
    SCOPED_TRACE(fault);
    auto bytes = request(fault, true);
    fake_ai server(arguments);
    wire w(server.port());
    w.say(bytes);
    EXPECT_EQ(w.read(patience_ms), wire::end::closed);
    EXPECT_GT(w.pieces, 20u);
    EXPECT_EQ(said_in(d.name, response_of(w.got).value()).text, std::string(100, 'y'));
  }
}

TEST_F(misbehaviour, ChunkedTellsNoLengthAndCutsEveryFewBytes) {
  auto bytes = request("chunked", true);
  fake_ai server(arguments);
  auto got = tests::raw_exchange(server.port(), bytes);
  EXPECT_NE(got.find("transfer-encoding: chunked\r\n"), got.npos) << got;
  EXPECT_EQ(got.find("content-length"), got.npos) << got;
  EXPECT_NE(got.find("\r\n5\r\nyyyyy\r\n5\r\nyyyyy\r\n"), got.npos) << got;
  EXPECT_TRUE(got.ends_with("\r\n0\r\n\r\n")) << got;
}

TEST_F(misbehaviour, BigHeadersHaveTenMegabytesAndAnAnswer) {
  auto bytes = request("big-headers", true);
  fake_ai server(arguments);
  wire w(server.port());
  w.say(bytes);
  EXPECT_EQ(w.read(patience_ms), wire::end::closed);
  EXPECT_GT(w.got.size(), 10u * 1024 * 1024);
  EXPECT_EQ(said_in(d.name, response_of(w.got).value()).text, std::string(100, 'y'));
}

TEST_F(misbehaviour, EndlessHeadersAndBigBodiesGoOn) {
  constexpr std::size_t much = 16 * 1024 * 1024;
  for (auto fault : {"endless-headers", "big-body"}) {
    SCOPED_TRACE(fault);
    auto bytes = request(fault);
    fake_ai server(arguments);
    wire w(server.port());
    w.say(bytes);
    EXPECT_EQ(w.read(patience_ms, much), wire::end::enough);
    EXPECT_EQ(w.got.find("\r\n\r\n") == std::string::npos,
              std::string_view(fault) == "endless-headers");
  }
}

TEST_F(misbehaviour, HtmlAndNothingComeWithStatus200) {
  auto bytes = request("html", true);
  {
    fake_ai server(arguments);
    auto r = response_of(tests::raw_exchange(server.port(), bytes));
    EXPECT_EQ(r.status, 200);
    EXPECT_EQ(r.header("content-type"), "text/html; charset=utf-8");
    EXPECT_TRUE(r.body.starts_with("<!doctype html>"));
  }
  request("empty");
  fake_ai server(arguments);
  auto r = response_of(tests::raw_exchange(server.port(), bytes));
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.body, "");
}

TEST_F(misbehaviour, NotHttpIsAnotherProtocol) {
  auto bytes = request("not-http");
  fake_ai server(arguments);
  EXPECT_TRUE(tests::raw_exchange(server.port(), bytes).starts_with("SSH-2.0"));
}

TEST_F(misbehaviour, RawBodiesHeadersStatusAndDelayAreTheScripts) {
  auto bytes = request("", true);
  std::ofstream(folder.path() / "audit.json")
      << R"({"status": 503, "raw_body": "upstream", "delay_ms": 300,
             "headers": {"Retry-After": "99999999999", "content-type": "text/plain"}})";
  fake_ai server(arguments);
  auto begun = std::chrono::steady_clock::now();
  auto r = response_of(tests::raw_exchange(server.port(), bytes));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(300));
  EXPECT_EQ(r.status, 503);
  EXPECT_EQ(r.body, "upstream");
  EXPECT_EQ(r.header("retry-after"), "99999999999");
  EXPECT_EQ(r.header("content-type"), "text/plain");
}

TEST_F(misbehaviour, OneConnectionCarriesManyRequestsAlsoAllAtOnce) {
  auto bytes = request("");
  fake_ai server(arguments);
  wire w(server.port());
  w.say(bytes + bytes + request("", true));
  EXPECT_EQ(w.read(patience_ms), wire::end::closed);
  std::size_t answers = 0;
  for (auto at = w.got.find("HTTP/1.1 200"); at != std::string::npos;
       at = w.got.find("HTTP/1.1 200", at + 1))
    ++answers;
  EXPECT_EQ(answers, 3u);
}

TEST_F(misbehaviour, RefusesRequestsThatItCannotRead) {
  fake_ai server(arguments);
  for (auto [bytes, status] :
       {std::pair{std::string("NONSENSE\r\n\r\n"), 400},
        std::pair{std::string("POST /v1/messages HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n"),
                  413},
        std::pair{std::string("POST /v1/messages HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n"),
                  411},
        std::pair{std::string("GET /nowhere HTTP/1.1\r\nconnection: close\r\n\r\n"), 404},
        std::pair{std::string("GET /") + std::string(100'000, 'x'), 431}})
    EXPECT_EQ(response_of(tests::raw_exchange(server.port(), bytes)).status, status)
        << bytes.substr(0, 60);
}

} // namespace
