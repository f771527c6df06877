#include "providers/deploy/netlify_uploading.hpp"

#include "ledger/disk/files.hpp"
#include "providers/deploy/building.hpp"
#include "providers/full_disk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <utility>

namespace providers::netlify {

namespace {

using ledger::fail;
using ledger::fault;
using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

constexpr std::uint32_t failures_max = 5;
constexpr std::uint32_t waits_max = 10;
constexpr milliseconds first_pause{100};

} // namespace

std::optional<milliseconds> retries::next_pause() {
  if (++failed_ >= failures_max)
    return std::nullopt;
  return first_pause * (1U << (failed_ - 1));
}

bool retries::is_left_after_a_wait() {
  return ++waited_ < waits_max;
}

bool is_trouble(const http_outcome& o) {
  return !o || o->status >= 500 || o->status == 429 || o->status == 408 || o->status < 200;
}

tl::unexpected<ledger::failure> judged_trouble(const http_outcome& o,
                                               const ledger::redactor& secrets) {
  if (!o)
    return fail(o.error().what.kind, "Netlify: " + o.error().what.detail, o.error().what.code);
  return fail(fault::unavailable,
              fmt::format("Netlify answers with status {}: {}", o->status,
                          secrets.redact(words_of_refusal(*o))),
              o->status == 429 ? "rate-limit" : "outage");
}

ledger::result<http_outcome> send_and_wait(http& web, const http_request& r,
                                           const std::function<bool()>& is_closing) {
  auto promise = std::make_shared<std::promise<http_outcome>>();
  auto later = promise->get_future();
  web.send(r, [promise](http_outcome o) { promise->set_value(std::move(o)); });
  while (later.wait_for(look_again) != std::future_status::ready)
    if (is_closing())
      return deploy_is_closing("deploy");
  auto said = later.get();
  if (!said && said.error().what.code == "closing")
    return deploy_is_closing("deploy");
  return said;
}

service::uploading::uploading(const std::vector<upload>& files,
                              std::function<http_request(const upload&)> make)
    : files_(files)
    , make_(std::move(make))
    , tries_(files.size())
    , bytes_(files.size())
    , left_(files.size()) {
  for (std::size_t i = 0; i < files.size(); ++i)
    line_.push_back({i, {}});
}

ledger::result<void> service::uploading::begin_more(http& web) {
  const auto now = clock::now();
  for (auto looked_at = line_.size(); looked_at > 0 && in_the_air_ < uploads_at_once; --looked_at) {
    const auto next = line_.front();
    line_.pop_front();
    const auto& file = files_[next.which];
    std::error_code e;
    const auto size = std::filesystem::file_size(file.from, e);
    const auto is_room = in_the_air_ == 0 || bytes_in_the_air_ + size <= upload_bytes_max;
    if (next.from > now || (!e && !is_room)) {
      line_.push_back(next);
      continue;
    }
    auto content = e ? tl::unexpected(ledger::failure{fault::unavailable, e.message(), ""})
                     : ledger::disk::read_file(file.from, static_cast<std::size_t>(size));
    if (!content)
      return fail(fault::unavailable,
                  fmt::format("read {}: {}", file.from.string(), content.error().detail));
    auto r = make_(file);
    r.body = std::move(*content);
    ++in_the_air_;
    bytes_in_the_air_ += bytes_[next.which] = r.body.size();
    web.send(std::move(r), [box = box_, which = next.which](http_outcome o) {
      const std::lock_guard lock(box->mutex);
      box->letters.push_back({which, std::move(o)});
      box->news.notify_one();
    });
  }
  return {};
}

std::optional<service::uploading::letter> service::uploading::next() {
  std::unique_lock lock(box_->mutex);
  if (!box_->news.wait_for(lock, look_again, [&] { return !box_->letters.empty(); }))
    return std::nullopt;
  auto l = std::move(box_->letters.front());
  box_->letters.pop_front();
  left_the_air(l.of);
  return l;
}

void service::uploading::left_the_air(std::size_t which) {
  --in_the_air_;
  bytes_in_the_air_ -= std::exchange(bytes_[which], 0);
}

void service::uploading::landed(std::size_t) {
  --left_;
}

bool service::uploading::again(std::size_t which, bool after_a_wait) {
  if (after_a_wait) {
    line_.push_back({which, {}}); // The pace holds all back.
    return tries_[which].is_left_after_a_wait();
  }
  const auto pause = tries_[which].next_pause();
  if (pause)
    line_.push_back({which, clock::now() + *pause});
  return pause.has_value();
}

} // namespace providers::netlify
