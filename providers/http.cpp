#include "providers/http.hpp"

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
using std::chrono::milliseconds;

/// More than that nobody needs, and a child that closes all it might have open
/// would be at it for long.
constexpr rlim_t descriptors_max = 65536;
/// Connections that are kept for the next request, if descriptors allow it: as
/// many as a service without HTTP/2 uses at once.
constexpr long kept_connections_max = 6000;
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
/// Without a clock to look at the thread sleeps until it is woken.
constexpr milliseconds longest_sleep{60'000};

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

  // Of the thread alone, but for curl_multi_wakeup().
  CURLM* multi = nullptr;
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
  long sleep_ms() const;
  std::unique_ptr<http_transfer> land(CURL* easy);
  void keep_or_end(CURL* easy);
};

bool http_engine::impl::start() {
  start_libcurl();
  const auto descriptors = raise_descriptor_limit();
  multi = ::curl_multi_init();
  if (multi == nullptr)
    return false;
  ::curl_multi_setopt(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
  ::curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 0L);
  ::curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
                      std::min(kept_connections_max, static_cast<long>(descriptors / 4)));
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
    int running = 0;
    ::curl_multi_perform(multi, &running);
    harvest();
    end_overdue();
    open_more();
    ::curl_multi_poll(multi, nullptr, 0, static_cast<int>(sleep_ms()), nullptr);
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

/// What is added here makes the next curl_multi_poll() return at once.
void http_engine::impl::open_more() {
  for (auto& [origin, s] : servers)
    while (!s.waiting.empty() && may_open_more(s)) {
      const auto next = s.waiting.front();
      s.waiting.pop_front();
      auto* t = find(next);
      if (t == nullptr)
        continue;
      t->open();
      if (::curl_multi_add_handle(multi, next.easy) != CURLM_OK)
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
  ::curl_multi_remove_handle(multi, easy);
  keep_or_end(t->take_handle());
  t->take_callback()(tl::make_unexpected(std::move(why)));
}

void http_engine::impl::harvest() {
  int left = 0;
  while (auto* message = ::curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE)
      continue;
    const auto code = message->data.result; // Gone once the handle is removed.
    auto* easy = message->easy_handle;
    auto t = land(easy);
    auto result = t->outcome(code);
    ::curl_multi_remove_handle(multi, easy);
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

long http_engine::impl::sleep_ms() const {
  if (looks.empty())
    return longest_sleep.count();
  const auto left = std::chrono::ceil<milliseconds>(looks.top().when - clock::now());
  return std::clamp(left, milliseconds{0}, longest_sleep).count();
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
  ::curl_multi_wakeup(impl_->multi);
  impl_->thread.join();
  ::curl_multi_cleanup(impl_->multi);
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
      // Whoever is in the inbox already has woken the thread. It is woken under
      // the mutex, since after `closing` nobody may touch `multi`.
      if (impl_->inbox.size() == 1)
        ::curl_multi_wakeup(impl_->multi);
      return;
    }
  }
  t->take_callback()(tl::make_unexpected(t->closing()));
}

} // namespace providers
