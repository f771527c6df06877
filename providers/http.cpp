#include "providers/http.hpp"

#include "providers/http_lanes.hpp"
#include "providers/http_transfer.hpp"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <deque>
#include <mutex>
#include <queue>
#include <sys/resource.h>
#include <thread>
#include <unordered_map>

namespace providers {

namespace {

using ledger::fault;
using clock = http_transfer::clock;

/// More than that nobody needs, and a child that closes all it might have open
/// would be at it for long.
constexpr rlim_t descriptors_max = 65536;
/// Connections that are kept for the next request, if descriptors allow it: as
/// many as a service without HTTP/2 uses at once.
constexpr rlim_t kept_connections_max = 10'000;
/// Requests to one server that may wait for a connection at once. Without a
/// bound each would open its own: libcurl learns only from a connection that
/// stands how many requests can share it, and a server drops what it cannot
/// accept in time. The bound grows with what is connected: a shared connection
/// carries a hundred, so that few more are needed, and where none is shared it
/// soon is at its most. Plain connections cost little and are never shared.
constexpr std::size_t opening_min = 4;
constexpr std::size_t opening_max = 64;
constexpr std::size_t connected_per_opening = 16;
constexpr std::size_t plain_opening_max = 512;
/// Handles that are kept for the next request, a few KB each.
constexpr std::size_t kept_handles_max = 1024;

/// Each request in flight needs a descriptor. Returns how many there may be.
rlim_t raise_descriptor_limit() {
  rlimit now{};
  if (::getrlimit(RLIMIT_NOFILE, &now) != 0)
    return 1024;
  if (const auto wanted = std::min(now.rlim_max, descriptors_max); now.rlim_cur < wanted) {
    rlimit more{wanted, now.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &more) == 0)
      return wanted; // What cannot be had shows when it is needed.
  }
  return now.rlim_cur;
}

void start_libcurl() {
  static std::once_flag once;
  std::call_once(once, [] { ::curl_global_init(CURL_GLOBAL_DEFAULT); });
}

/// A flight as others remember it, who may outlive it: its handle may by then
/// serve another, under another id.
struct ticket {
  CURL* easy = nullptr;
  std::uint64_t id = 0;
};

struct look {
  clock::time_point when;
  ticket of;
  bool operator>(const look& other) const noexcept { return when > other.when; }
};

struct flight {
  std::uint64_t id = 0;
  std::unique_ptr<http_transfer> transfer;
};

struct server {
  bool https = false;
  http_load load;
  std::deque<ticket> waiting; ///< For their turn.
};

/// The first goes ahead alone: the others may share its connection.
bool may_open_more(const server& s) {
  if (s.load.connected == 0)
    return s.load.opening == 0;
  if (!s.https)
    return s.load.opening < plain_opening_max;
  return s.load.opening
         < std::min(opening_min + s.load.connected / connected_per_opening, opening_max);
}

using outcome = tl::expected<http_response, http_failure>;

outcome refused(const char* code, std::string text) {
  return tl::make_unexpected(http_failure{{fault::refused, std::move(text), code}, false});
}

} // namespace

struct http_engine::impl {
  std::mutex mutex;
  std::vector<std::unique_ptr<http_transfer>> inbox; // Under the mutex.
  bool closing = false;                              // Under the mutex.

  // Of the thread alone, but for lanes.wake().
  http_lanes lanes;
  std::unordered_map<CURL*, flight> flights;
  std::vector<CURL*> idle_handles;
  std::unordered_map<std::string, server> servers; // As many as are configured.
  // One look for each flight, and some for flights that have ended.
  std::priority_queue<look, std::vector<look>, std::greater<>> looks;
  std::uint64_t last_id = 0;
  std::thread thread;

  bool start();
  void loop();
  void close_all();
  void begin(std::unique_ptr<http_transfer> t);
  void open_more();
  http_transfer* find(const ticket& t) const;
  void end_early(CURL* easy, http_failure why);
  void harvest();
  void end_overdue();
  clock::time_point next_look() const;
  std::unique_ptr<http_transfer> land(CURL* easy);
  void keep_or_end(CURL* easy);
};

bool http_engine::impl::start() {
  start_libcurl();
  const auto descriptors = raise_descriptor_limit();
  if (!lanes.start(std::min(kept_connections_max, descriptors / 4)))
    return false;
  // Signals are for the program's other threads, and a connection that broke
  // while something was written is told by the write.
  sigset_t all{}, before{};
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread = std::thread([this] { loop(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return true;
}

void http_engine::impl::loop() {
  for (;;) {
    std::vector<std::unique_ptr<http_transfer>> arrived;
    {
      std::lock_guard lock{mutex};
      if (closing)
        break;
      arrived.swap(inbox);
    }
    for (auto& t : arrived)
      begin(std::move(t));
    end_overdue();
    open_more();
    lanes.drive(next_look());
    harvest();
  }
  close_all();
}

void http_engine::impl::begin(std::unique_ptr<http_transfer> t) {
  CURL* easy = nullptr;
  if (idle_handles.empty()) {
    easy = ::curl_easy_init();
  } else {
    easy = idle_handles.back();
    idle_handles.pop_back();
  }
  auto& s = servers[t->url().origin];
  if (easy == nullptr || !t->begin(easy, s.load)) {
    auto why = t->no_memory();
    keep_or_end(t->take_handle());
    return t->take_callback()(tl::make_unexpected(std::move(why)));
  }
  const ticket mine{easy, ++last_id};
  looks.push({t->next_look(clock::now()), mine});
  s.https = t->url().https;
  s.waiting.push_back(mine);
  flights[easy] = {mine.id, std::move(t)};
}

void http_engine::impl::open_more() {
  for (auto& [origin, s] : servers)
    while (!s.waiting.empty() && may_open_more(s)) {
      const auto next = s.waiting.front();
      s.waiting.pop_front();
      auto* t = find(next);
      if (t == nullptr)
        continue;
      t->open();
      if (!lanes.add(next.easy, s.https))
        end_early(next.easy, t->no_memory());
    }
}

http_transfer* http_engine::impl::find(const ticket& t) const {
  const auto at = flights.find(t.easy);
  return at != flights.end() && at->second.id == t.id ? at->second.transfer.get() : nullptr;
}

void http_engine::impl::keep_or_end(CURL* easy) {
  if (easy != nullptr && idle_handles.size() < kept_handles_max)
    idle_handles.push_back(easy);
  else
    ::curl_easy_cleanup(easy);
}

/// Takes a flight out, its handle still in its hands for what that knows.
std::unique_ptr<http_transfer> http_engine::impl::land(CURL* easy) {
  const auto at = flights.find(easy);
  auto t = std::move(at->second.transfer);
  flights.erase(at);
  return t;
}

/// Also if libcurl never got the handle: then it has nothing to give back.
void http_engine::impl::end_early(CURL* easy, http_failure why) {
  auto t = land(easy);
  lanes.remove(easy);
  keep_or_end(t->take_handle());
  t->take_callback()(tl::make_unexpected(std::move(why)));
}

void http_engine::impl::harvest() {
  for (auto over = lanes.next_ended(); over.easy != nullptr; over = lanes.next_ended()) {
    auto t = land(over.easy);
    auto result = t->outcome(over.code);
    lanes.remove(over.easy);
    keep_or_end(t->take_handle());
    t->take_callback()(std::move(result));
  }
}

void http_engine::impl::end_overdue() {
  const auto now = clock::now();
  while (!looks.empty() && looks.top().when <= now) {
    const auto due = looks.top().of;
    looks.pop();
    const auto* t = find(due);
    if (t == nullptr)
      continue;
    if (t->is_overdue(now))
      end_early(due.easy, t->overdue(now));
    else
      looks.push({t->next_look(now), due});
  }
}

http_transfer::clock::time_point http_engine::impl::next_look() const {
  return looks.empty() ? clock::time_point::max() : looks.top().when;
}

void http_engine::impl::close_all() {
  // Nothing comes in any more, and callbacks may still call send().
  std::vector<std::unique_ptr<http_transfer>> waiting;
  {
    std::lock_guard lock{mutex};
    waiting.swap(inbox);
  }
  for (auto& t : waiting)
    t->take_callback()(tl::make_unexpected(t->closing()));
  while (!flights.empty()) {
    const auto& [easy, f] = *flights.begin();
    end_early(easy, f.transfer->closing());
  }
  for (auto* easy : idle_handles)
    ::curl_easy_cleanup(easy);
  idle_handles.clear();
}

http_engine::http_engine()
    : impl_(std::make_unique<impl>()) {
  if (!impl_->start())
    impl_->closing = true;
}

http_engine::~http_engine() {
  if (!impl_->thread.joinable())
    return;
  {
    std::lock_guard lock{impl_->mutex};
    impl_->closing = true;
  }
  impl_->lanes.wake();
  impl_->thread.join();
}

void http_engine::send(http_request r, http_callback done) {
  auto url = read_http_url(r.url, r.plain_http_anywhere);
  if (!url)
    return done(refused("url", std::move(url.error().detail)));
  if (auto why = http_transfer::why_no_headers(r); !why.empty())
    return done(refused("header", url->shown + ": " + why));
  auto t = std::make_unique<http_transfer>(std::move(r), std::move(*url), std::move(done));
  {
    std::lock_guard lock{impl_->mutex};
    if (!impl_->closing) {
      impl_->inbox.push_back(std::move(t));
      // Whoever is in the inbox already has woken the thread.
      if (impl_->inbox.size() == 1)
        impl_->lanes.wake();
      return;
    }
  }
  t->take_callback()(tl::make_unexpected(t->closing()));
}

} // namespace providers
