#include "providers/deploy/netlify_run.hpp"

#include "providers/deploy/building.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace providers::netlify {

namespace {

using ledger::deploy_outcome;
using ledger::fail;
using ledger::fault;
using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

constexpr milliseconds first_poll{100}, longest_poll{5'000};
/// Between a creation whose outcome is unclear and the look for it.
constexpr milliseconds before_a_look{1'000};
constexpr int creations_max = 3;

/// Whether such a refusal says that the files are not as they must be.
bool is_about_files(long status) {
  return status == 400 || status == 413 || status == 415 || status == 422;
}

} // namespace

void run::say(std::string line) {
  log_ += service_.with().secrets.redact(std::move(line)) + "\n";
}

std::string run::log() const {
  return log_;
}

deploy_outcome run::refused_by_service(const std::string& why) {
  say("refused: " + why);
  return failed_deploy("Netlify refused the deploy: " + why, log_);
}

run::ended run::outcome_of(const status& s, bool adopted) {
  const auto& secrets = service_.with().secrets;
  const auto words = secrets.redact(s.error_message);
  switch (stage_of(s)) {
    case stage::ready:
      break;
    case stage::failed:
      say(fmt::format("deploy {} failed: {}", s.id, words));
      return failed_deploy(fmt::format("Netlify could not finish the deploy: {}",
                                       words.empty() ? "it says no reason" : words),
                           log_);
    case stage::cancelled:
      return fail(
          fault::unavailable,
          fmt::format("deploy {} was cancelled at Netlify ({}); it is made anew", s.id, words),
          "deploy-cancelled");
    default:
      return fail(fault::unavailable, fmt::format("deploy {} is {}", s.id, s.state), "unfinished");
  }
  if (s.url.empty())
    return fail(fault::unavailable,
                fmt::format("Netlify says that deploy {} is ready, but not where", s.id),
                "bad-answer");
  deploy_outcome d;
  d.ok = true;
  d.adopted = adopted;
  d.deploy_id = secrets.redact(s.id);
  d.deploy_url = secrets.redact(s.url);
  d.context = secrets.redact(s.context);
  say(fmt::format("deploy {} is ready at {}", s.id, s.url));
  d.log = std::make_shared<const std::string>(log_);
  return d;
}

run::ended run::adopt() {
  auto ours = service_.look(request_, until_);
  if (!ours)
    return tl::make_unexpected(ours.error());
  for (const auto& s : *ours)
    if (stage_of(s) == stage::ready)
      return outcome_of(s, true);
  return deploy_outcome{};
}

ledger::result<std::optional<deploy_outcome>> run::what_became() {
  auto ours = service_.look(request_, until_);
  if (!ours)
    return tl::make_unexpected(ours.error());
  for (const auto& s : *ours)
    if (const auto at = stage_of(s); at == stage::ready || at == stage::failed) {
      auto d = outcome_of(s, false);
      if (!d)
        return tl::make_unexpected(d.error());
      return std::optional(std::move(*d));
    }
  return std::optional<deploy_outcome>();
}

ledger::result<std::optional<status>> run::choose(std::vector<status> ours) {
  const auto end = std::remove_if(ours.begin(), ours.end(), [](const status& s) {
    return stage_of(s) != stage::ready && !is_unfinished(stage_of(s));
  });
  ours.erase(end, ours.end());
  if (ours.empty())
    return std::optional<status>();
  auto chosen = std::find_if(ours.begin(), ours.end(),
                             [](const status& s) { return stage_of(s) == stage::ready; });
  if (chosen == ours.end())
    chosen = std::prev(ours.end());
  for (auto it = ours.begin(); it != ours.end(); ++it)
    if (it != chosen && is_unfinished(stage_of(*it))) {
      say(fmt::format("deploy {} has a twin, {}, which is cancelled", chosen->id, it->id));
      service_.cancel(it->id);
    }
  return std::optional(std::move(*chosen));
}

ledger::result<std::optional<deploy_outcome>> run::go_on(const folder_files& files) {
  auto ours = service_.look(request_, until_);
  if (!ours)
    return tl::make_unexpected(ours.error());
  auto chosen = choose(std::move(*ours));
  if (!chosen)
    return tl::make_unexpected(chosen.error());
  if (!*chosen)
    return std::optional<deploy_outcome>();
  return go_on_with(std::move(**chosen), files);
}

ledger::result<std::optional<deploy_outcome>> run::go_on_with(status s, const folder_files& files) {
  const auto as_optional = [](ended d) -> ledger::result<std::optional<deploy_outcome>> {
    if (!d)
      return tl::make_unexpected(d.error());
    return std::optional(std::move(*d));
  };
  if (stage_of(s) == stage::ready)
    return as_optional(outcome_of(s, true));
  say(fmt::format("going on with deploy {}, which is {}", s.id, s.state));
  if (stage_of(s) != stage::processing) {
    // It may have been begun with other files, or with none.
    auto told = service_.announce(s.id, announcement_of(where_, files.announced), until_);
    if (!told)
      return tl::make_unexpected(told.error());
    auto now = told->ok() ? read_status(told->response.body) : std::nullopt;
    if (!now && told->ok())
      return fail(fault::unavailable, "Netlify's answer about deploy " + s.id + " cannot be read",
                  "bad-answer");
    if (!now) {
      say(fmt::format("it cannot be gone on with ({}), so it is cancelled", told->why));
      service_.cancel(s.id);
      return std::optional<deploy_outcome>();
    }
    s = std::move(*now);
  }
  return as_optional(finish(std::move(s), files));
}

run::ended run::make(const folder_files& files) {
  const auto title = title_of(request_);
  const auto body = creation_of(where_, title, files.announced);
  std::string why;
  for (int left = creations_max; left > 0; --left) {
    auto made = service_.create(title, body, until_);
    if (made && !made->ok()) {
      if (is_about_files(made->response.status))
        return refused_by_service(made->why);
      return fail(fault::refused,
                  fmt::format("Netlify does not begin a deploy ({}); see the site's settings and "
                              "the team's plan",
                              made->why),
                  "netlify-refused");
    }
    if (!made && made.error().code != "unclear")
      return tl::make_unexpected(made.error());
    if (auto s = made ? read_status(made->response.body) : std::nullopt) {
      say(fmt::format("deploy {} of {} files begun", s->id, files.announced.size()));
      return finish(std::move(*s), files);
    }
    why = made ? "its answer cannot be read" : made.error().detail;
    say("whether a deploy was begun is not clear, so it is looked for: " + why);
    if (auto ok = service_.pause(before_a_look); !ok)
      return tl::make_unexpected(ok.error());
    auto found = go_on(files);
    if (!found)
      return tl::make_unexpected(found.error());
    if (*found)
      return std::move(**found);
  }
  return fail(fault::unavailable, "Netlify begins no deploy: " + why, "outage");
}

run::ended run::finish(status s, const folder_files& files) {
  auto now = wait_while(std::move(s), stage::preparing);
  if (!now)
    return tl::make_unexpected(now.error());
  std::optional<deploy_outcome> refused;
  if (is_unfinished(stage_of(*now)))
    if (auto ok = upload_required(*now, files, refused); !ok)
      return tl::make_unexpected(ok.error());
  if (refused)
    return std::move(*refused);
  now = wait_while(std::move(*now), stage::processing);
  if (!now)
    return tl::make_unexpected(now.error());
  return outcome_of(*now, false);
}

ledger::result<void> run::upload_required(const status& s, const folder_files& files,
                                          std::optional<deploy_outcome>& refused) {
  std::vector<upload> wanted;
  for (const auto& digest : s.required) {
    const auto file = files.by_digest.find(digest);
    if (file == files.by_digest.end()) {
      service_.cancel(s.id);
      return fail(fault::unavailable,
                  fmt::format("Netlify requires a file of deploy {} that is none of its files; the "
                              "deploy is cancelled and made anew",
                              s.id),
                  "bad-answer");
    }
    wanted.push_back(file->second);
  }
  auto sent = service_.upload_all(s.id, wanted, until_);
  if (!sent) {
    const auto is_away = sent.error().code == "closing";
    if (!is_away)
      service_.cancel(s.id);
    return tl::make_unexpected(sent.error());
  }
  if (sent->ok()) {
    say(fmt::format("{} of {} files uploaded, the others are there already", wanted.size(),
                    files.announced.size()));
    return {};
  }
  service_.cancel(s.id);
  if (!is_about_files(sent->response.status))
    return fail(fault::unavailable, "Netlify does not take a file: " + sent->why, "upload");
  refused = refused_by_service(sent->why);
  return {};
}

/// Until its stage is behind `last`.
ledger::result<status> run::wait_while(status s, stage last) {
  for (auto wait = first_poll;; wait = std::min(wait * 2, longest_poll)) {
    const auto at = stage_of(s);
    const auto is_waiting = last == stage::preparing ? at == stage::preparing : is_unfinished(at);
    if (!is_waiting)
      return s;
    const auto left = std::chrono::ceil<milliseconds>(until_ - clock::now());
    if (left.count() <= 0) {
      say(fmt::format("deploy {} is still {}: cancelled", s.id, s.state));
      service_.cancel(s.id);
      return fail(fault::unavailable,
                  fmt::format("deploy {} was not ready in time ({}), so it was cancelled; see "
                              "deploy.timeout",
                              s.id, s.state),
                  "timeout");
    }
    if (auto ok = service_.pause(std::min(wait, left)); !ok)
      return tl::make_unexpected(ok.error());
    auto now = service_.show(s.id, std::max(until_, clock::now() + longest_poll));
    if (!now)
      return tl::make_unexpected(now.error());
    s = std::move(*now);
  }
}

} // namespace providers::netlify
