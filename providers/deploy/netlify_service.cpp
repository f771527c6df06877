#include "providers/deploy/netlify_service.hpp"

#include "providers/deploy/building.hpp"
#include "providers/deploy/netlify_uploading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

namespace providers::netlify {

namespace {

using ledger::fail;
using ledger::fault;
using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

/// Pages of a listing that are looked at, and deploys of one.
constexpr std::size_t pages_max = 100, page_deploys = 100;
constexpr std::chrono::seconds idle_timeout{60};
constexpr std::chrono::seconds cancel_timeout{10};
/// A request with what is left of the time of that which it belongs to. One that
/// is sent again, after a wait, has less of it.
http_request within(http_request r, deadline until) {
  const auto left = std::chrono::ceil<milliseconds>(until - clock::now());
  r.total_timeout = std::max(milliseconds{1}, left);
  return r;
}

/// Where a service says "later" and "at once" in one breath.
constexpr milliseconds shortest_wait{50};

} // namespace

void pace::wait_until(deadline t) {
  const std::lock_guard lock(mutex_);
  next_ = std::max(next_, t);
}

deadline pace::next() const {
  const std::lock_guard lock(mutex_);
  return next_;
}

service::service(access a, http& web, std::shared_ptr<pace> p, std::function<bool()> is_closing)
    : access_(std::move(a))
    , web_(web)
    , pace_(std::move(p))
    , is_closing_(std::move(is_closing)) {}

std::string service::site_path() const {
  return "/sites/" + escaped(access_.site) + "/deploys";
}

http_request service::request(std::string_view path, deadline until) const {
  http_request r;
  r.url = access_.base + std::string(path);
  r.headers = {{"Authorization", "Bearer " + access_.token}};
  r.idle_timeout = idle_timeout;
  return within(std::move(r), until);
}

ledger::result<void> service::pause(milliseconds time) const {
  const auto until = clock::now() + time;
  while (clock::now() < until) {
    if (is_closing_())
      return deploy_is_closing("deploy");
    std::this_thread::sleep_for(
        std::min(look_again, std::chrono::ceil<milliseconds>(until - clock::now())));
  }
  return {};
}

ledger::result<void> service::wait_for_turn(deadline until) const {
  for (auto next = pace_->next(); next > clock::now(); next = pace_->next()) {
    if (next >= until)
      return fail(fault::unavailable,
                  fmt::format("Netlify's rate limit is used up for another {} s, longer than "
                              "this deploy may take; it is tried again later",
                              std::chrono::ceil<std::chrono::seconds>(next - clock::now()).count()),
                  "rate-limit");
    if (auto ok = pause(std::chrono::ceil<milliseconds>(next - clock::now())); !ok)
      return ok;
  }
  return {};
}

bool service::is_told_to_wait(const http_response& r) const {
  const auto unix_ms = std::chrono::system_clock::now().time_since_epoch() / milliseconds(1);
  const auto wait = asked_to_wait(r, unix_ms);
  if (wait)
    pace_->wait_until(clock::now() + std::max(*wait, shortest_wait));
  return wait && !(r.status >= 200 && r.status < 300);
}

ledger::result<reply> service::judged(http_response r) const {
  reply out{std::move(r), {}};
  const auto status = out.response.status;
  if (out.ok())
    return out;
  out.why =
      fmt::format("status {}: {}", status, access_.secrets.redact(words_of_refusal(out.response)));
  if (status == 401 || status == 403)
    return fail(fault::refused,
                fmt::format("Netlify does not let us in ({}); put a valid access token into {}, "
                            "one whose owner may deploy to the site that {} names",
                            out.why, access_.token_variable, access_.site_variable),
                "netlify-token");
  return out;
}

ledger::result<reply> service::call(const http_request& r, repeat how, deadline until) {
  retries tries;
  for (;;) {
    if (auto ok = wait_for_turn(until); !ok)
      return tl::make_unexpected(ok.error());
    auto said = send_and_wait(web_, within(r, until), is_closing_);
    if (!said)
      return tl::make_unexpected(said.error());
    const auto careful = how == repeat::if_it_did_not_arrive;
    if (*said && is_told_to_wait(**said) && (!careful || (*said)->status == 429)) {
      if (!tries.is_left_after_a_wait())
        return judged_trouble(*said, access_.secrets);
      continue;
    }
    if (!is_trouble(*said))
      return judged(std::move(**said));
    auto why = judged_trouble(*said, access_.secrets);
    if (careful && (*said || said->error().may_have_arrived)) {
      why.value().code = "unclear";
      return why;
    }
    const auto wait = tries.next_pause();
    if (!wait || why.value().kind == fault::refused || clock::now() + *wait >= until)
      return why;
    if (auto ok = pause(*wait); !ok)
      return tl::make_unexpected(ok.error());
  }
}

ledger::result<std::vector<status>> service::look(const deploy_request& r, deadline until) {
  std::vector<status> ours;
  for (std::size_t page = 1; page <= pages_max; ++page) {
    auto got =
        call(request(fmt::format("{}?page={}&per_page={}", site_path(), page, page_deploys), until),
             repeat::whenever, until);
    if (!got)
      return tl::make_unexpected(got.error());
    if (got->response.status == 404)
      return fail(fault::refused,
                  fmt::format("Netlify knows no site `{}` that this token may see ({}); put the "
                              "site's id into {}, or a token of its team into {}",
                              access_.site, got->why, access_.site_variable,
                              access_.token_variable),
                  "netlify-site");
    auto all = got->ok() ? read_listing(got->response.body) : std::nullopt;
    if (!all)
      return fail(fault::unavailable,
                  fmt::format("Netlify's list of deploys cannot be read ({}), so it is not known "
                              "whether this one is there",
                              got->ok() ? "it is no list of deploys" : got->why),
                  "bad-answer");
    for (auto& s : *all)
      if (is_title_of(s.title, r))
        ours.push_back(s);
    if (!ours.empty() || !has_next_page(got->response, all->size()) || is_before(*all, r))
      return ours;
  }
  return fail(fault::unavailable,
              fmt::format("the site has more than {} deploys, and this one is not among them: it "
                          "is not known whether it is there",
                          pages_max * page_deploys),
              "too-many-deploys");
}

ledger::result<status> service::show(const std::string& id, deadline until) {
  auto got = call(request(site_path() + "/" + escaped(id), until), repeat::whenever, until);
  if (!got)
    return tl::make_unexpected(got.error());
  auto s = got->ok() ? read_status(got->response.body) : std::nullopt;
  if (!s)
    return fail(fault::unavailable,
                fmt::format("Netlify does not tell the state of deploy {}: {}", id,
                            got->ok() ? "what it said is no deploy" : got->why),
                "bad-answer");
  return std::move(*s);
}

ledger::result<reply> service::create(const std::string& title, const std::string& body,
                                      deadline until) {
  // The title is read from the query, by the API's description; beside it some
  // versions took it from the body.
  auto r = request(site_path() + "?title=" + escaped(title), until);
  r.method = http_method::post;
  r.body = body;
  auto got = call(r, repeat::if_it_did_not_arrive, until);
  if (got && got->response.status == 404)
    return fail(fault::refused,
                fmt::format("Netlify knows no site `{}` ({}); put the site's id into {}",
                            access_.site, got->why, access_.site_variable),
                "netlify-site");
  return got;
}

ledger::result<reply> service::announce(const std::string& id, const std::string& body,
                                        deadline until) {
  auto r = request(site_path() + "/" + escaped(id), until);
  r.method = http_method::put;
  r.body = body;
  return call(r, repeat::whenever, until); // Says the same however often.
}

void service::cancel(const std::string& id) {
  const auto until = clock::now() + cancel_timeout;
  auto r = request("/deploys/" + escaped(id) + "/cancel", until);
  r.method = http_method::post;
  (void)send_and_wait(web_, r, is_closing_);
}

ledger::result<reply> service::upload_all(const std::string& id, const std::vector<upload>& files,
                                          deadline until) {
  uploading all(files, [&](const upload& u) {
    auto r = request(fmt::format("/deploys/{}/files{}", escaped(id), escaped_path(u.path)), until);
    r.method = http_method::put;
    r.headers.emplace_back("Content-Type", "application/octet-stream");
    return r;
  });
  while (!all.is_done()) {
    if (auto ok = wait_for_turn(until); !ok)
      return tl::make_unexpected(ok.error());
    if (auto ok = all.begin_more(web_); !ok)
      return tl::make_unexpected(ok.error());
    if (is_closing_())
      return deploy_is_closing("deploy");
    if (clock::now() >= until)
      return fail(fault::unavailable, "Netlify did not take all files in time", "timeout");
    auto said = all.next();
    if (!said)
      continue;
    const auto told = said->what && is_told_to_wait(*said->what);
    if (told || is_trouble(said->what)) {
      auto why = judged_trouble(said->what, access_.secrets);
      if (!all.again(said->of, told))
        return why;
      continue;
    }
    auto one = judged(std::move(*said->what));
    if (!one || !one->ok()) {
      if (one)
        one->why = fmt::format("{}: {}", files[said->of].path, one->why);
      return one;
    }
    all.landed(said->of);
  }
  return reply{{200, {}, {}}, {}};
}

} // namespace providers::netlify
