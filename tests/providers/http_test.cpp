#include "providers/http.hpp"

#include "tests/support/asking.hpp"
#include "tests/support/raw_server.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <sys/resource.h>
#include <thread>

namespace tests {
namespace {

using namespace std::chrono_literals;
using providers::http_engine;
using providers::why_no_base_url;

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Http, AnswersWithStatusHeadersInLowerCaseAndBody) {
  raw_server s{raw_response(429, "Retry-After: 7\r\nX-Request-ID:  a b \r\nEmpty:\r\n", "slow")};
  http_engine e;
  auto r = ask(e, post(s.url()));
  ASSERT_TRUE(r) << r.error().what.detail;
  EXPECT_EQ(r->status, 429);
  EXPECT_EQ(r->body, "slow");
  const std::vector<std::pair<std::string, std::string>> headers{
      {"retry-after", "7"}, {"x-request-id", "a b"}, {"empty", ""}, {"content-length", "4"}};
  EXPECT_EQ(r->headers, headers);
  EXPECT_EQ(r->header("Retry-After"), "7");
  EXPECT_EQ(r->header("absent"), "");
}

TEST(Http, SendsTheBodyAsPostWithTheHeadersGiven) {
  raw_server s{raw_response(200, "", "")};
  http_engine e;
  auto request = post(s.url("/v1/ask?key=k"), std::string{"{\"zero\":\"\0\"}", 12});
  request.headers = {{"X-Api-Key", "secret"}, {"X-Empty", ""}};
  ASSERT_TRUE(ask(e, std::move(request)));
  const auto sent = s.requests().at(0);
  EXPECT_EQ(sent.substr(0, 28), "POST /v1/ask?key=k HTTP/1.1\r");
  EXPECT_TRUE(holds(sent, "\r\nX-Api-Key: secret\r\n")) << sent;
  EXPECT_TRUE(holds(sent, "\r\nX-Empty:\r\n")) << sent;
  EXPECT_TRUE(holds(sent, "\r\nContent-Type: application/json\r\n")) << sent;
  EXPECT_TRUE(holds(sent, "\r\nUser-Agent: scheduler/")) << sent;
  EXPECT_FALSE(holds(sent, "\r\nExpect:")) << sent;
  EXPECT_EQ(sent.substr(sent.find("\r\n\r\n") + 4), (std::string{"{\"zero\":\"\0\"}", 12}));
}

TEST(Http, SendsWhatIsToBePutAsItIs) {
  raw_server s{raw_response(200, "", "")};
  http_engine e;
  auto request = post(s.url("/files/a"), std::string{"\0\xff", 2});
  request.method = providers::http_method::put;
  request.headers = {{"Content-Type", "application/octet-stream"}};
  ASSERT_TRUE(ask(e, std::move(request)));
  const auto sent = s.requests().at(0);
  EXPECT_EQ(sent.substr(0, 23), "PUT /files/a HTTP/1.1\r\n");
  EXPECT_TRUE(holds(sent, "\r\nContent-Length: 2\r\n")) << sent;
  EXPECT_EQ(sent.substr(sent.find("\r\n\r\n") + 4), (std::string{"\0\xff", 2}));
}

TEST(Http, AnEmptyBodyIsSentAsOneAndAHandleForgetsWhatItDid) {
  raw_server s{raw_response(200, "", "")};
  http_engine e;
  for (auto method : {providers::http_method::put, providers::http_method::post,
                      providers::http_method::by_body}) {
    auto request = post(s.url(), "");
    request.method = method;
    ASSERT_TRUE(ask(e, std::move(request)));
  }
  const auto sent = s.requests();
  EXPECT_EQ(sent.at(0).substr(0, 4), "PUT ");
  EXPECT_TRUE(holds(sent.at(0), "\r\nContent-Length: 0\r\n")) << sent.at(0);
  EXPECT_EQ(sent.at(1).substr(0, 5), "POST ");
  EXPECT_TRUE(holds(sent.at(1), "\r\nContent-Length: 0\r\n")) << sent.at(1);
  EXPECT_EQ(sent.at(2).substr(0, 4), "GET ");
  EXPECT_FALSE(holds(sent.at(2), "Content-Length")) << sent.at(2);
}

TEST(Http, SendsALargeBodyWhole) {
  raw_server s{raw_response(200, "", "")};
  http_engine e;
  std::string body(8 * 1024 * 1024, 'x');
  body.back() = 'y';
  ASSERT_TRUE(ask(e, post(s.url(), body)));
  const auto sent = s.requests().at(0);
  EXPECT_TRUE(sent.substr(sent.find("\r\n\r\n") + 4) == body);
}

TEST(Http, KeepsTheContentTypeOfTheCaller) {
  raw_server s{raw_response(200, "", "")};
  http_engine e;
  auto request = post(s.url());
  request.headers = {{"content-type", "text/plain"}};
  ASSERT_TRUE(ask(e, std::move(request)));
  EXPECT_FALSE(holds(s.requests().at(0), "application/json"));
}

TEST(Http, GetsWhereThereIsNoBody) {
  raw_server s{raw_response(200, "", "models")};
  http_engine e;
  auto r = ask(e, post(s.url("/v1/models"), ""));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->body, "models");
  EXPECT_EQ(s.requests().at(0).substr(0, 25), "GET /v1/models HTTP/1.1\r\n");
}

TEST(Http, KeepsRepeatedHeaders) {
  raw_server s{raw_response(200, "Set-Cookie: a\r\nset-cookie: b\r\n", "")};
  http_engine e;
  auto r = ask(e, post(s.url()));
  ASSERT_TRUE(r);
  ASSERT_GE(r->headers.size(), 2U);
  EXPECT_EQ(r->headers[0].second, "a");
  EXPECT_EQ(r->headers[1].second, "b");
}

TEST(Http, KeepsNoCookies) {
  raw_server s{raw_response(200, "Set-Cookie: id=1\r\n", "")};
  http_engine e;
  ASSERT_TRUE(ask(e, post(s.url())));
  ASSERT_TRUE(ask(e, post(s.url())));
  EXPECT_FALSE(holds(s.requests().at(1), "ookie"));
}

TEST(Http, DropsTheBlocksOfInformationalStatuses) {
  raw_server s{"HTTP/1.1 103 Early Hints\r\nLink: early\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
               + raw_response(200, "X: last\r\n", "body")};
  http_engine e;
  auto r = ask(e, post(s.url()));
  ASSERT_TRUE(r) << r.error().what.detail;
  EXPECT_EQ(r->status, 200);
  EXPECT_EQ(r->header("link"), "");
  EXPECT_EQ(r->header("x"), "last");
  EXPECT_EQ(r->headers.size(), 2U);
}

TEST(Http, TakesNoTrailerForAHeader) {
  raw_server s{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Late\r\n\r\n"
               "4\r\nbody\r\n0\r\nX-Late: 1\r\nHTTP/1.1: 500\r\n\r\n"};
  http_engine e;
  auto r = ask(e, post(s.url()));
  ASSERT_TRUE(r) << r.error().what.detail;
  EXPECT_EQ(r->status, 200);
  EXPECT_EQ(r->body, "body");
  EXPECT_EQ(r->header("x-late"), "");
  EXPECT_EQ(r->headers.size(), 2U);
}

TEST(Http, LetsAnHtmlPageWithStatus200Through) {
  raw_server s{raw_response(200, "Content-Type: text/html\r\n", "<html>Sign in</html>")};
  http_engine e;
  auto r = ask(e, post(s.url()));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->header("content-type"), "text/html");
  EXPECT_EQ(r->body, "<html>Sign in</html>");
}

TEST(Http, FollowsNoRedirect) {
  raw_server elsewhere{raw_response(200, "", "stolen")};
  for (const auto status : {301, 302, 303, 307, 308}) {
    raw_server s{raw_response(status, "Location: " + elsewhere.url() + "\r\n", "")};
    http_engine e;
    auto request = post(s.url());
    request.headers = {{"Authorization", "Bearer secret"}};
    auto r = ask(e, std::move(request));
    ASSERT_TRUE(r) << r.error().what.detail;
    EXPECT_EQ(r->status, status);
    EXPECT_EQ(r->header("location"), elsewhere.url());
  }
  EXPECT_EQ(elsewhere.connections(), 0U);
}

TEST(Http, UnpacksGzip) {
  const std::string packed{
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x57\x48\x2b\xca\xcf\x55\x48"
      "\x54\x28\xce\x4d\xcc\xc9\x51\x48\xcc\x2b\x2e\x4f\x2d\x02\x00\x41\xdf\x3e\x91\x19\x00\x00"
      "\x00",
      45};
  raw_server s{raw_response(200, "Content-Encoding: gzip\r\n", packed)};
  http_engine e;
  auto r = ask(e, post(s.url()));
  ASSERT_TRUE(r) << r.error().what.detail;
  EXPECT_EQ(r->body, "hello from a small answer");
  EXPECT_TRUE(holds(s.requests().at(0), "gzip"));
}

TEST(Http, UsesAConnectionAgain) {
  raw_server s{raw_response(200, "", "ok")};
  http_engine e;
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(ask(e, post(s.url())));
  EXPECT_EQ(s.connections(), 1U);
}

TEST(Http, AsksThisMachineWithoutTheProxyOfTheEnvironment) {
  raw_server proxy{raw_response(200, "", "proxy")};
  ::setenv("http_proxy", proxy.url("/").c_str(), 1);
  ::setenv("all_proxy", proxy.url("/").c_str(), 1);
  raw_server s{raw_response(200, "", "server")};
  {
    http_engine e;
    auto r = ask(e, post(s.url()));
    ASSERT_TRUE(r);
    EXPECT_EQ(r->body, "server");
  }
  ::unsetenv("http_proxy");
  ::unsetenv("all_proxy");
  EXPECT_EQ(proxy.connections(), 0U);
}

TEST(Http, AsksElsewhereThroughTheProxyOfTheEnvironment) {
  raw_server proxy{raw_response(200, "", "proxy")};
  ::setenv("http_proxy", proxy.url("/").c_str(), 1);
  {
    http_engine e;
    auto request = post("http://models.invalid/v1/ask");
    request.plain_http_anywhere = true;
    auto r = ask(e, std::move(request));
    ASSERT_TRUE(r) << r.error().what.detail;
    EXPECT_EQ(r->body, "proxy");
  }
  ::unsetenv("http_proxy");
  EXPECT_EQ(proxy.requests().at(0).substr(0, 34), "POST http://models.invalid/v1/ask ");
}

TEST(Http, LetsACallbackSendAgain) {
  raw_server s{raw_response(200, "", "ok")};
  http_engine e;
  std::promise<int> all;
  std::function<void(int)> next = [&](int n) {
    e.send(post(s.url()), [&, n](http_outcome o) {
      if (!o || n == 10)
        all.set_value(n);
      else
        next(n + 1);
    });
  };
  next(1);
  auto later = all.get_future();
  ASSERT_EQ(later.wait_for(60s), std::future_status::ready);
  EXPECT_EQ(later.get(), 10);
  EXPECT_EQ(s.requests().size(), 10U);
}

TEST(Http, KeepsThousandsInFlightAtOnceAndUsesTheirConnectionsAgain) {
  constexpr std::size_t many = 2000;
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  if (descriptors.rlim_max < 2 * many + 200)
    GTEST_SKIP() << "needs " << 2 * many + 200 << " descriptors, the limit is "
                 << descriptors.rlim_max;
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t answered = 0, right = 0;
  http_engine e;
  raw_server s{[](std::size_t, const std::string& request) {
    raw_answer a{raw_response(200, "", request.substr(request.find("\r\n\r\n") + 4))};
    a.held = true;
    return a;
  }};
  auto send_all = [&] {
    for (std::size_t i = 0; i < many; ++i)
      e.send(post(s.url(), std::to_string(i)), [&, i](http_outcome o) {
        std::lock_guard lock{mutex};
        right += o && o->body == std::to_string(i) ? 1 : 0;
        ++answered;
        changed.notify_one();
      });
  };
  send_all();
  ASSERT_TRUE(s.wait_for_requests(many)) << s.requests().size() << " arrived";
  {
    std::lock_guard lock{mutex};
    EXPECT_EQ(answered, 0U);
  }
  s.release();
  std::unique_lock lock{mutex};
  ASSERT_TRUE(changed.wait_for(lock, 60s, [&] { return answered == many; })) << answered;
  lock.unlock();
  send_all();
  lock.lock();
  ASSERT_TRUE(changed.wait_for(lock, 60s, [&] { return answered == 2 * many; })) << answered;
  EXPECT_EQ(right, 2 * many);
  EXPECT_EQ(s.connections(), many) << "they are used again";
}

TEST(Http, EndsWhatIsInFlightWhenItIsDestroyedEachOnce) {
  constexpr std::size_t many = 50;
  raw_server s{[](std::size_t, const std::string&) {
    raw_answer a;
    a.held = true;
    return a;
  }};
  std::vector<int> calls(many, 0);
  std::size_t as_promised = 0;
  {
    http_engine e;
    for (std::size_t i = 0; i < many; ++i)
      e.send(post(s.url()), [&, i](http_outcome o) {
        ++calls[i];
        as_promised += !o && o.error().what.code == "closing"
                               && o.error().what.kind == ledger::fault::unavailable
                               && o.error().may_have_arrived
                           ? 1
                           : 0;
      });
    ASSERT_TRUE(s.wait_for_requests(many));
  }
  EXPECT_EQ(calls, std::vector<int>(many, 1));
  EXPECT_EQ(as_promised, many);
}

TEST(Http, RefusesWhatACallbackSendsWhileItIsDestroyed) {
  raw_server s{[](std::size_t, const std::string&) {
    raw_answer a;
    a.held = true;
    return a;
  }};
  std::string first, second;
  bool arrived = true;
  {
    http_engine e;
    e.send(post(s.url()), [&](http_outcome o) {
      first = o ? "answered" : o.error().what.code;
      e.send(post(s.url()), [&](http_outcome again) {
        second = again ? "answered" : again.error().what.code;
        arrived = again ? true : again.error().may_have_arrived;
      });
    });
    ASSERT_TRUE(s.wait_for_requests(1));
  }
  EXPECT_EQ(first, "closing");
  EXPECT_EQ(second, "closing");
  EXPECT_FALSE(arrived);
}

struct base_url_case {
  const char* url;
  bool plain_http_anywhere;
  const char* why; ///< Part of the text; empty: it is a base.
};

TEST(BaseUrl, IsReadStrictly) {
  const base_url_case cases[] = {
      {"https://api.example", false, ""},
      {"HTTPS://api.example:8443/base/v1", false, ""},
      {"http://127.0.0.1:8080", false, ""},
      {"http://127.9.9.9/v1", false, ""},
      {"http://localhost:11434/v1", false, ""},
      {"http://LocalHost", false, ""},
      {"http://[::1]:80/v1", false, ""},
      {"http://models.lan:8000", true, ""},
      {"http://models.lan:8000/v1", false, "https://models.lan:8000/v1"},
      {"http://localhost.example", false, "not encrypted"},
      {"http://127.0.0.1.example", false, "not encrypted"},
      {"http://128.0.0.1", false, "not encrypted"},
      {"http://[::2]", false, "not encrypted"},
      {"", false, "https://HOST"},
      {"api.example", false, "https://HOST"},
      {"https://", false, "https://HOST"},
      {"https://a b", false, "https://HOST"},
      {"ftp://api.example/x", true, "ftp://api.example/x is no URL of a web service"},
      {"file:///etc/passwd", true, "https://HOST"},
      {"https://me:hunter2@api.example", false, "user"},
      {"https://hunter2@api.example", false, "user"},
      {"https://@api.example", false, "user"},
      {"https://api.example/?key=hunter2", false, "query"},
      {"https://api.example/?", false, "query"},
      {"https://api.example/#hunter2", false, "fragment"},
      {"https://api.example/#", false, "fragment"},
  };
  for (const auto& c : cases) {
    const auto why = why_no_base_url(c.url, c.plain_http_anywhere);
    if (*c.why == '\0')
      EXPECT_EQ(why, "") << c.url;
    else
      EXPECT_TRUE(holds(why, c.why)) << c.url << ": " << why;
    EXPECT_FALSE(holds(why, "hunter2")) << why;
  }
  EXPECT_NE(why_no_base_url(std::string_view{"https://a.example\0.evil.example", 31}, false), "");
}

} // namespace
} // namespace tests
