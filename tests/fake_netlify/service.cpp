#include "tests/fake_netlify/service.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace fake_netlify {

using fake_server::http_question;
using fake_server::set_header;
using fake_server::text_of;
using fake_server::wire_answer;

namespace {

constexpr std::string_view api = "/api/v1/";

std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    auto end = std::min(path.find('/'), path.size());
    parts.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parts;
}

std::uint64_t number_in(const std::string& text, std::uint64_t otherwise) {
  std::uint64_t n = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

int nibble(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

} // namespace

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto high = i + 2 < text.size() && text[i] == '%' ? nibble(text[i + 1]) : -1;
    auto low = high >= 0 ? nibble(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high << 4 | low);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string query_value(std::string_view query, std::string_view key) {
  while (!query.empty()) {
    auto one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(one.size() + 1, query.size()));
    auto equals = one.find('=');
    if (one.substr(0, equals) != key || equals == one.npos)
      continue;
    std::string value(one.substr(equals + 1));
    std::replace(value.begin(), value.end(), '+', ' ');
    return percent_decoded(value);
  }
  return {};
}

struct service::call {
  const http_question& http;
  std::int64_t now_ms, unix_ms;
  std::string route, site, deploy_id, file, fault;
  bool key_ok = false;
  int status = 200;
  json body = nullptr;
  std::string text = {}; ///< Sent instead of the body, if it is not empty.
  fake_server::header_list headers = {{"content-type", "application/json"}};
  deploy* about = nullptr;

  void refuse(int with, const std::string& message) {
    status = with;
    body = {{"code", with}, {"message", message}};
  }
};

service::service(service_options o, site s, faults f)
    : options_(std::move(o))
    , site_(std::move(s))
    , faults_(std::move(f))
    , limiter_(options_.limit, 0, fake_server::window::fixed, options_.window_ms) {}

wire_answer service::answer(const http_question& q, std::int64_t now_ms, std::int64_t unix_ms) {
  if (q.path.starts_with(api)) {
    call c{q, now_ms, unix_ms, {}, {}, {}, {}, {}};
    route(c);
    c.fault = c.route.empty() ? "" : faults_.next(c.route);
    misbehave(c);
    return wired(c);
  }
  wire_answer out;
  auto status = 200;
  if (q.method == "GET" && q.path == "/count") {
    out.body = text_of(counters()) + "\n";
  } else if (q.method == "GET" && q.path == "/log") {
    for (auto& line : log_)
      out.body += line;
  } else if (q.method == "GET" && q.path == "/content") {
    auto* d = site_.find(query_value(q.query, "deploy"));
    auto* content = d ? site_.content(*d, query_value(q.query, "path")) : nullptr;
    status = content ? 200 : 404;
    out.body = content ? *content : "";
  } else if (q.method == "POST" && q.path == "/shutdown") {
    out.body = "{}\n";
    out.shutdown = true;
  } else {
    status = 404;
  }
  out.head = fake_server::head_of(status, {}, out.body.size(), q.keep_alive);
  out.close = !q.keep_alive;
  return out;
}

void service::route(call& c) {
  auto parts = parts_of(std::string_view(c.http.path).substr(api.size()));
  auto& method = c.http.method;
  auto is = [&](std::size_t i, std::string_view word) {
    return parts.size() > i && parts[i] == word;
  };
  if (is(0, "accounts") && parts.size() == 1)
    c.route = "accounts";
  else if (is(0, "sites") && parts.size() == 1 && method == "GET")
    c.route = "sites";
  else if (is(0, "sites") && parts.size() >= 2) {
    c.site = percent_decoded(parts[1]);
    if (parts.size() == 2 && method == "GET")
      c.route = "site";
    if (parts.size() == 3 && is(2, "deploys"))
      c.route = method == "GET" ? "list" : method == "POST" ? "create" : "";
    if (parts.size() == 4 && is(2, "deploys")) {
      c.deploy_id = parts[3];
      c.route = method == "GET" ? "poll" : method == "PUT" ? "update" : "";
    }
  } else if (is(0, "deploys") && parts.size() >= 2) {
    c.site = site_.options().id;
    c.deploy_id = parts[1];
    if (parts.size() == 2 && method == "GET")
      c.route = "poll";
    if (parts.size() == 3 && is(2, "cancel") && method == "POST")
      c.route = "cancel";
    if (parts.size() > 3 && is(2, "files") && method == "PUT") {
      c.route = "upload";
      c.file = percent_decoded(c.http.path.substr(c.http.path.find("/files/") + 6));
    }
  }
}

/// Does it, and what is wrong with it; a fault that the loop does stays.
void service::misbehave(call& c) {
  auto& f = c.fault;
  if (f == "kill-first" || f == "drop" || f == "reset" || f == "silence") {
    if (f == "kill-first" && options_.kill)
      options_.kill();
    return;
  }
  if (auto status = status_of(f)) {
    c.refuse(status, "The service says so.");
    if (f.starts_with("text-")) {
      c.text = fmt::format("error {}\n", status);
      set_header(c.headers, "content-type", "text/plain");
    }
    return;
  }
  perform(c);
  if (f == "kill" && options_.kill)
    options_.kill();
  if (f == "error" && c.about) {
    site_.spoil(*c.about);
    c.body = site_.show(*c.about);
  }
  if (f == "no-id" && c.body.is_object())
    c.body.erase("id");
  if (f == "no-url" && c.body.is_object())
    for (auto key : {"deploy_url", "deploy_ssl_url", "url", "ssl_url"})
      c.body.erase(key);
  if (f == "html")
    c.text = "<!doctype html>\n<title>Just a moment...</title>\n";
  if (f == "not-json")
    c.text = "{\"id\": \"6650";
}

void service::perform(call& c) {
  auto token = fake_server::bearer(c.http);
  c.key_ok =
      !token.empty() && (options_.token.empty() ? token != "bad-token" : token == options_.token);
  if (!c.key_ok)
    return c.refuse(401, "Access Denied: the token is not valid");
  if (limiter_.wait_s(1, c.now_ms))
    return c.refuse(429, "Rate limit exceeded");
  limiter_.take(1, c.now_ms);
  if (c.route.empty())
    return c.refuse(404, "Not Found");
  if (c.route == "accounts") {
    c.body = json::array();
    return;
  }
  if (c.route == "sites") { // A search by name.
    c.body = json::array({shown_site()});
    return;
  }
  if (c.site != site_.options().id)
    return c.refuse(404, "Not Found");
  if (c.route == "site") {
    c.body = shown_site();
    return;
  }
  if (c.route == "list")
    return list(c);
  auto sent = json::parse(c.http.body, nullptr, false);
  if (c.route == "create") {
    if (!sent.is_object())
      return c.refuse(400, "The body is no JSON object");
    auto title = query_value(c.http.query, "title");
    if (title.empty() && sent.contains("title") && sent["title"].is_string())
      title = sent["title"].get<std::string>();
    auto made = site_.create(title, sent, c.unix_ms);
    if (!made)
      return c.refuse(made.error().status, made.error().message);
    c.about = *made;
    c.body = site_.show(**made);
    return;
  }
  auto* d = site_.find(c.deploy_id);
  if (d == nullptr)
    return c.refuse(404, "Not Found");
  c.about = d;
  perform_on(c, *d);
}

json service::shown_site() const {
  // Its id as its name: the tool, where it is offline, finds no site by its id.
  json j = {{"id", site_.options().id}, {"name", site_.options().id}};
  j["account_slug"] = "somebody";
  j["url"] = j["ssl_url"] = "https://a-site.netlify.example";
  j["admin_url"] = "https://app.netlify.example/sites/a-site";
  return j;
}

void service::perform_on(call& c, deploy& d) {
  answered<deploy*> done = &d;
  if (c.route == "update") {
    auto sent = json::parse(c.http.body, nullptr, false);
    done = sent.is_object() ? site_.update(d, sent)
                            : tl::make_unexpected(no{400, "The body is no JSON object"});
  } else if (c.route == "upload") {
    if (fake_server::header(c.http.headers, "content-type") != "application/octet-stream")
      return c.refuse(415, "The content type must be application/octet-stream");
    done = site_.upload(d, c.file, c.http.body);
  } else if (c.route == "cancel") {
    site_.cancel(d);
    c.status = 201;
  } else {
    site_.poll(d);
  }
  if (!done)
    return c.refuse(done.error().status, done.error().message);
  c.body = site_.show(d);
  if (c.route == "upload")
    c.body = {{"id", c.file}, {"path", c.file}, {"sha", d.files[c.file]}};
}

void service::list(call& c) {
  auto page = number_in(query_value(c.http.query, "page"), 1);
  auto per_page = number_in(query_value(c.http.query, "per_page"), 100);
  bool is_last = false;
  c.body = site_.list(page, per_page, is_last);
  if (!is_last || page > 1) // Without other pages there is no such header.
    set_header(c.headers, "link",
               fmt::format("<http://127.0.0.1{}?page={}&per_page={}>; rel=\"{}\"", c.http.path,
                           is_last ? page - 1 : page + 1, per_page, is_last ? "prev" : "next"));
}

wire_answer service::wired(call& c) {
  wire_answer out;
  out.fault = c.fault == "lost" || c.fault.starts_with("kill") ? "drop" : c.fault;
  out.delay_ms = options_.latency_ms;
  out.body = c.fault == "empty" ? std::string() : !c.text.empty() ? c.text : text_of(c.body);
  auto left = limiter_.state(c.now_ms);
  auto reset_s = c.unix_ms / 1000 + static_cast<std::int64_t>(left.reset_s) + 1;
  set_header(c.headers, "x-ratelimit-limit", std::to_string(left.limit));
  set_header(c.headers, "x-ratelimit-remaining", std::to_string(left.left));
  set_header(c.headers, "x-ratelimit-reset", std::to_string(reset_s));
  if ((c.status == 429 || c.status == 503) && !options_.retry_after.empty())
    set_header(c.headers, "retry-after", options_.retry_after);
  out.head = fake_server::head_of(c.status, c.headers, out.body.size(), c.http.keep_alive);
  out.close = !c.http.keep_alive;
  ++routes_[c.route.empty() ? "other" : c.route];
  ++statuses_[std::to_string(c.status)];
  if (!c.fault.empty())
    ++done_faults_[c.fault];
  json line;
  line["n"] = log_.size() + 1;
  line["route"] = c.route;
  line["method"] = c.http.method;
  line["path"] = c.http.path;
  line["query"] = c.http.query;
  line["status"] = c.status;
  line["key_ok"] = c.key_ok;
  line["fault"] = c.fault;
  line["deploy"] = c.about ? c.about->id : c.deploy_id;
  line["title"] = c.about ? c.about->title : "";
  line["body"] = c.route == "upload" ? sha1_of(c.http.body) : c.http.body;
  line["in_headers"] = line["elsewhere"] = json::array();
  for (auto& text : options_.watched) {
    auto holds = [&](const std::string& all) { return all.find(text) != std::string::npos; };
    if (std::any_of(c.http.headers.begin(), c.http.headers.end(),
                    [&](auto& h) { return holds(h.second); }))
      line["in_headers"].push_back(text);
    if (holds(c.http.body) || holds(c.http.path) || holds(c.http.query))
      line["elsewhere"].push_back(text);
  }
  log_.push_back(text_of(line) + "\n");
  return out;
}

json service::counters() const {
  auto out = site_.counters();
  out["requests"] = log_.size();
  out["routes"] = routes_;
  out["statuses"] = statuses_;
  out["faults"] = done_faults_;
  return out;
}

} // namespace fake_netlify
