#include "tests/fake_ai/service.hpp"

#include "ledger/digest.hpp"
#include "tests/fake_ai/persona.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace fake_ai {

using fake_server::head_of;
using fake_server::set_header;
using fake_server::text_of;

namespace {

/// Vendors count about four bytes a token.
std::uint64_t tokens_in(std::size_t bytes) {
  return bytes / 4 + 1;
}

std::uint64_t tokens_of(const reply& r) {
  auto bytes = r.text.size();
  for (auto& c : r.calls)
    bytes += c.name.size() + c.arguments.dump().size();
  return tokens_in(bytes);
}

usage usage_of(const question& q, const reply& r) {
  usage u;
  u.input = q.input_tokens;
  u.output = tokens_of(r);
  if (q.thinks) {
    u.thought = 16;
    u.output += u.thought;
    u.cached = q.turn() > 1 ? u.input * 3 / 4 : 0;
    u.input -= u.cached;
  }
  return u;
}

/// In pieces of a few bytes, each with its length before it (RFC 9112, 7.1).
std::string in_chunks(std::string_view body) {
  constexpr std::size_t chunk_bytes = 5;
  std::string out;
  for (; !body.empty(); body.remove_prefix(std::min(chunk_bytes, body.size()))) {
    auto chunk = body.substr(0, chunk_bytes);
    out += fmt::format("{:x}\r\n{}\r\n", chunk.size(), chunk);
  }
  return out + "0\r\n\r\n";
}

constexpr std::string_view html_page =
    "<!doctype html>\n<html><head><title>Just a moment...</title></head>\n"
    "<body><h1>Checking your browser</h1></body></html>\n";

} // namespace

struct service::asked {
  const http_question& http;
  const vendor& by;
  std::int64_t now_ms, unix_ms;
  question q;
  reply r;
  std::optional<refusal> no;
  log_entry entry;
  usage billed;
};

service::service(service_options o, script s)
    : options_(std::move(o))
    , script_(std::move(s))
    , tally_(options_.log_max)
    , chance_(options_.seed)
    , serial_(options_.first_serial) {
  for (auto* v : all_vendors())
    limits_.emplace(
        v, limits{limiter(options_.rpm, options_.burst, options_.manner, options_.minute_ms),
                  limiter(options_.tpm, 0, options_.manner, options_.minute_ms)});
}

wire_answer service::answer(const http_question& q, std::int64_t now_ms, std::int64_t unix_ms) {
  if (auto* by = q.method == "POST" ? vendor_at(q.path) : nullptr) {
    asked a{q, *by, now_ms, unix_ms, {}, {}, {}, {}, {}};
    reply_to(a);
    return wired(a);
  }
  wire_answer out;
  auto status = 200;
  if (q.method == "GET" && q.path == "/count") {
    out.body = text_of(tally_.counters()) + "\n";
  } else if (q.method == "GET" && q.path == "/log") {
    out.body = tally_.log();
  } else if (q.method == "POST" && q.path == "/shutdown") {
    out.body = "{}\n";
    out.shutdown = true;
  } else if (q.path == "/v1/models") {
    out.body = "{\"object\":\"list\",\"data\":[],\"models\":[]}\n";
  } else {
    status = 404;
    out.body = "{\"error\":{\"message\":\"There is nothing here.\",\"code\":404}}\n";
  }
  out.head = head_of(status, {{"content-type", "application/json"}}, out.body.size(), q.keep_alive);
  out.close = !q.keep_alive;
  return out;
}

void service::reply_to(asked& a) {
  a.entry.route = a.by.name();
  a.entry.body_sha256 = ledger::sha256(a.http.body);
  for (auto& text : options_.watched) {
    if (a.http.body.find(text) != std::string::npos)
      a.entry.in_body.push_back(text);
    if (std::any_of(a.http.headers.begin(), a.http.headers.end(),
                    [&](auto& h) { return h.second.find(text) != std::string::npos; }))
      a.entry.in_headers.push_back(text);
  }
  a.no = a.by.why_no_entry(a.http);
  a.entry.key_ok = !a.no;
  if (a.no)
    return;
  auto body = json::parse(a.http.body, nullptr, false);
  if (header(a.http.headers, "content-type").find("application/json") == std::string_view::npos)
    a.no = refusal{400, {}, "The content type must be application/json."};
  else if (!body.is_object())
    a.no = refusal{400, {}, "The body of the request is no JSON object."};
  if (a.no)
    return;
  auto q = a.by.read(a.http, body, options_.thoughts);
  if (!q) {
    a.no = q.error();
    return;
  }
  a.q = std::move(*q);
  a.q.input_tokens = tokens_in(a.http.body.size());
  auto subject = subject_of(a.q.texts);
  if (subject.step.empty())
    subject = {std::string(header(a.http.headers, options_.task_header)),
               std::string(header(a.http.headers, options_.step_header))};
  a.q.task = is_task_name(subject.task) ? subject.task : "";
  a.q.step = is_task_name(subject.step) ? subject.step : "";
  a.entry.task = a.q.task;
  a.entry.step = a.q.step;
  a.entry.turn = a.q.turn();
  a.no = why_not_now(a);
  if (a.no)
    return;
  a.r = choose(a.q, a.entry.conversation);
  a.entry.fault = a.r.fault;
  if (a.r.status < 200 || a.r.status > 299) {
    a.no = a.r.error;
    return;
  }
  a.no = a.by.refusal_of(a.r.stop);
  if (a.no)
    return;
  if (!a.r.used)
    a.r.used = usage_of(a.q, a.r);
  a.billed = *a.r.used;
  limits_.at(&a.by).tokens.take(a.billed.output, a.now_ms);
}

std::optional<refusal> service::why_not_now(asked& a) {
  auto& l = limits_.at(&a.by);
  auto requests = l.requests.wait_s(1, a.now_ms);
  auto tokens = l.tokens.wait_s(a.q.input_tokens, a.now_ms);
  if (requests || tokens) {
    auto wait = std::max(requests.value_or(0), tokens.value_or(0));
    refusal r{429, {}, {}};
    r.which = requests ? "requests" : "tokens";
    r.message = fmt::format("Rate limit reached: too many {} per minute. Please try again in "
                            "{:.3f}s.",
                            r.which, wait);
    r.retry_after_s = wait;
    return r;
  }
  l.requests.take(1, a.now_ms);
  l.tokens.take(a.q.input_tokens, a.now_ms);
  if (options_.fail_rate > 0
      && std::uniform_real_distribution<double>(0, 1)(chance_) < options_.fail_rate)
    return refusal{500, {}, "The server had an error while processing your request."};
  return std::nullopt;
}

reply service::choose(const question& q, std::size_t& conversation) {
  auto& answered = conversations_[{q.task, q.step}];
  conversation = q.turn() == 1 ? answered + 1 : std::max<std::size_t>(answered, 1);
  auto scripted = script_.next(q.task, q.step, conversation, q.turn());
  reply r;
  if (scripted) {
    r = std::move(*scripted);
  } else if (options_.persona) {
    r = page_writer(q);
  } else {
    r.status = 500;
    r.error = {500,
               {},
               fmt::format("No file of the script answers {}/{}, conversation {}, turn {}.", q.task,
                           q.step, conversation, q.turn())};
  }
  if (q.turn() == 1 && r.fault.empty() && r.status == 200)
    ++answered;
  return r;
}

int service::delay(const asked& a) {
  if (a.r.delay_ms)
    return *a.r.delay_ms;
  auto more = options_.jitter_ms > 0
                  ? std::uniform_int_distribution<int>(0, options_.jitter_ms)(chance_)
                  : 0;
  return options_.latency_ms + more;
}

wire_answer service::wired(asked& a) {
  wire_answer out;
  auto status = a.no ? a.no->status : a.r.status;
  auto serial = serial_++;
  header_list headers{{"content-type", "application/json"},
                      {"request-id", fmt::format("req_{}", serial)}};
  auto& l = limits_.at(&a.by);
  for (auto& [key, value] :
       a.by.limit_headers({l.requests.state(a.now_ms), l.tokens.state(a.now_ms)}, a.unix_ms))
    set_header(headers, key, value);
  if (a.no) {
    for (auto& [key, value] : a.by.refusal_headers(*a.no))
      set_header(headers, key, value);
    out.body = text_of(a.by.write(*a.no, serial));
  } else {
    auto whole = a.by.write(a.q, a.r, serial);
    out.body = a.q.streamed ? a.by.stream(whole) : text_of(whole);
    if (a.q.streamed)
      set_header(headers, "content-type", "text/event-stream");
  }
  if (a.r.raw_body)
    out.body = *a.r.raw_body;
  if (a.r.fault == "html") {
    out.body = html_page;
    set_header(headers, "content-type", "text/html; charset=utf-8");
  } else if (a.r.fault == "empty") {
    out.body.clear();
  } else if (a.r.fault == "chunked") {
    out.body = in_chunks(out.body);
    set_header(headers, "transfer-encoding", "chunked");
  }
  for (auto& [key, value] : a.r.headers) {
    auto lower = key;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    set_header(headers, lower, value);
  }
  out.head = head_of(status, std::move(headers), out.body.size(), a.http.keep_alive);
  out.close = !a.http.keep_alive;
  out.fault = a.r.fault;
  out.delay_ms = delay(a);
  a.entry.status = status;
  tally_.add(a.entry, a.billed);
  return out;
}

} // namespace fake_ai
