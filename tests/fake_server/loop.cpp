#include "tests/fake_server/loop.hpp"

#include "tests/fake_server/request_reader.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include <fmt/format.h>

namespace fake_server {

namespace {

constexpr int backlog = 4096;
constexpr std::size_t filler_bytes = 64 * 1024;
constexpr std::size_t big_headers_bytes = 10 * 1024 * 1024;
constexpr std::size_t big_body_bytes = 1024 * 1024 * 1024;
/// How long requests in line are answered before the sockets are looked at again.
constexpr std::chrono::microseconds answering_us{1000};

using steady = std::chrono::steady_clock;

std::int64_t ms_of(steady::time_point t) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(t.time_since_epoch()).count();
}

std::int64_t unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

struct base_deleter {
  void operator()(event_base* b) const { event_base_free(b); }
};
struct event_deleter {
  void operator()(event* e) const { event_free(e); }
};
struct listener_deleter {
  void operator()(evconnlistener* l) const { evconnlistener_free(l); }
};
struct bufferevent_deleter {
  void operator()(bufferevent* b) const { bufferevent_free(b); }
};
using event_handle = std::unique_ptr<event, event_deleter>;

} // namespace

struct loop::impl {
  struct connection {
    impl* owner = nullptr;
    std::uint64_t id = 0;
    std::unique_ptr<bufferevent, bufferevent_deleter> wire;
    event_handle timer;
    request_head head;
    bool has_head = false;
    bool busy = false;    ///< A request of it is being answered,
    bool counted = false; ///< and is among those in flight.
    bool close_after = false;
    wire_answer answer;      ///< While it is delayed or dripping.
    std::string dripping;    ///< Sent a byte at a time,
    std::string afterwards;  ///< and then this.
    std::size_t dripped = 0; ///< Bytes.
    std::string filler;      ///< Sent again and again,
    std::size_t filler_left = 0;
  };

  /// A request in line.
  struct work {
    std::uint64_t connection;
    http_question q;
    steady::time_point arrived;
  };

  impl(fake_server::mind& m, loop_options o)
      : mind(m)
      , options(o) {}

  fake_server::mind& mind;
  loop_options options;
  std::unique_ptr<event_base, base_deleter> base;
  std::vector<event_handle> events; ///< Signals and stdin.
  event_handle answering;
  std::unique_ptr<evconnlistener, listener_deleter> listener;
  std::unordered_map<std::uint64_t, std::unique_ptr<connection>> connections;
  std::deque<work> line;
  std::uint64_t last_id = 0;
  int port = 0;

  ~impl() { connections.clear(); } // Before their base.

  ledger::result<void> begin();
  void accept(evutil_socket_t fd);
  void read(connection& c);
  bool read_head_of(connection& c, evbuffer* in);
  bool read_body_of(connection& c, evbuffer* in);
  void refuse(connection& c, int status);
  void answer_some();
  void answer_one(work w);
  void send(connection& c);
  void send_faulty(connection& c);
  void send_with_filler(connection& c, std::string first, std::string filler, std::size_t bytes,
                        std::string afterwards);
  void drip(connection& c, std::string slow, std::string rest);
  void push(connection& c, std::string_view bytes);
  void written(connection& c);
  void finish(connection& c);
  void uncount(connection& c);
  void close(connection& c);
  void arm(connection& c, std::chrono::microseconds after);
  void on_timer(connection& c);
};

namespace {

bool is_done_here(const std::string& fault) {
  constexpr std::array<std::string_view, 11> all{
      "stall",       "silence",         "cut",      "drop",    "reset", "dribble", "slow-headers",
      "big-headers", "endless-headers", "big-body", "not-http"};
  return std::find(all.begin(), all.end(), fault) != all.end();
}

bool wants_to_stay(const std::string& fault) {
  return fault == "stall" || fault == "silence";
}

} // namespace

ledger::result<void> loop::impl::begin() {
  using ledger::fault;
  base.reset(event_base_new());
  // The middle priority is everybody's default; answering comes after.
  if (!base || event_base_priority_init(base.get(), 3) != 0)
    return ledger::fail(fault::unavailable, "cannot make an event loop");
  auto stop = [](evutil_socket_t, short, void* b) {
    event_base_loopbreak(static_cast<event_base*>(b));
  };
  // What libevent puts back at the end: one that comes on the way out, after
  // `/shutdown`, must not make an orderly end a death.
  for (auto signal : {SIGTERM, SIGINT})
    std::signal(signal, SIG_IGN);
  for (auto signal : {SIGTERM, SIGINT})
    events.emplace_back(evsignal_new(base.get(), signal, stop, base.get()));
  if (options.until_stdin_ends)
    events.emplace_back(event_new(
        base.get(), STDIN_FILENO, EV_READ | EV_PERSIST,
        [](evutil_socket_t fd, short, void* b) {
          std::array<char, 256> ignored;
          if (::read(fd, ignored.data(), ignored.size()) <= 0)
            event_base_loopbreak(static_cast<event_base*>(b));
        },
        base.get()));
  for (auto& e : events)
    if (!e || event_add(e.get(), nullptr) != 0)
      return ledger::fail(fault::unavailable, "cannot watch a signal or stdin, which must be a "
                                              "pipe or a terminal");
  answering.reset(event_new(
      base.get(), -1, 0,
      [](evutil_socket_t, short, void* self) { static_cast<impl*>(self)->answer_some(); }, this));
  event_priority_set(answering.get(), 2);

  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(options.port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listener.reset(evconnlistener_new_bind(
      base.get(),
      [](evconnlistener*, evutil_socket_t fd, sockaddr*, int, void* self) {
        static_cast<impl*>(self)->accept(fd);
      },
      this, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, backlog,
      reinterpret_cast<sockaddr*>(&at), sizeof at));
  if (!listener)
    return ledger::fail(fault::unavailable,
                        fmt::format("cannot listen on 127.0.0.1:{}: {}; is the port taken?",
                                    options.port, std::strerror(errno)));
  socklen_t size = sizeof at;
  ::getsockname(evconnlistener_get_fd(listener.get()), reinterpret_cast<sockaddr*>(&at), &size);
  port = ntohs(at.sin_port);
  return {};
}

void loop::impl::accept(evutil_socket_t fd) {
  int yes = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  auto c = std::make_unique<connection>();
  c->owner = this;
  c->id = ++last_id;
  c->wire.reset(bufferevent_socket_new(base.get(), fd, BEV_OPT_CLOSE_ON_FREE));
  if (!c->wire) {
    ::close(fd);
    return;
  }
  bufferevent_setcb(
      c->wire.get(),
      [](bufferevent*, void* x) {
        auto& one = *static_cast<connection*>(x);
        one.owner->read(one);
      },
      [](bufferevent*, void* x) {
        auto& one = *static_cast<connection*>(x);
        one.owner->written(one);
      },
      [](bufferevent*, short, void* x) {
        auto& one = *static_cast<connection*>(x);
        one.owner->close(one);
      },
      c.get());
  bufferevent_enable(c->wire.get(), EV_READ | EV_WRITE);
  connections.emplace(c->id, std::move(c));
}

bool loop::impl::read_head_of(connection& c, evbuffer* in) {
  auto end = evbuffer_search(in, "\r\n\r\n", 4, nullptr);
  if (end.pos < 0) {
    if (evbuffer_get_length(in) > head_bytes_max)
      refuse(c, 431);
    return false;
  }
  std::string text(static_cast<std::size_t>(end.pos) + 4, '\0');
  evbuffer_remove(in, text.data(), text.size());
  c.head = read_head(std::string_view(text).substr(0, text.size() - 2));
  c.has_head = true;
  if (c.head.refused != 0) {
    refuse(c, c.head.refused);
    return false;
  }
  if (c.head.waits_for_continue
      && (c.head.is_chunked || evbuffer_get_length(in) < c.head.body_bytes))
    push(c, "HTTP/1.1 100 Continue\r\n\r\n");
  return true;
}

void loop::impl::refuse(connection& c, int status) {
  push(c, head_of(status, {}, 0, false));
  c.busy = true; // Nothing more of it is read.
  c.close_after = true;
  written(c);
}

bool loop::impl::read_body_of(connection& c, evbuffer* in) {
  auto size = evbuffer_get_length(in);
  if (!c.head.is_chunked) {
    if (size < c.head.body_bytes)
      return false;
    c.head.q.body.resize(c.head.body_bytes);
    evbuffer_remove(in, c.head.q.body.data(), c.head.body_bytes);
    return true;
  }
  std::string_view all(reinterpret_cast<const char*>(evbuffer_pullup(in, -1)), size);
  auto chunks = read_chunks(all);
  if (chunks.refused != 0)
    refuse(c, chunks.refused);
  if (chunks.bytes_read == 0)
    return false;
  c.head.q.body = std::move(chunks.body);
  evbuffer_drain(in, chunks.bytes_read);
  return true;
}

void loop::impl::read(connection& c) {
  auto* in = bufferevent_get_input(c.wire.get());
  if (c.busy)
    return;
  if (!c.has_head && !read_head_of(c, in))
    return;
  if (!read_body_of(c, in))
    return;
  c.has_head = false;
  c.busy = true;
  c.counted = mind.counts(c.head.q);
  if (c.counted)
    mind.begun();
  line.push_back({c.id, std::move(c.head.q), steady::now()});
  if (line.size() == 1)
    event_active(answering.get(), EV_TIMEOUT, 1);
}

void loop::impl::answer_some() {
  auto until = steady::now() + answering_us;
  while (!line.empty() && steady::now() < until) {
    auto next = std::move(line.front());
    line.pop_front();
    answer_one(std::move(next));
  }
  if (!line.empty())
    event_active(answering.get(), EV_TIMEOUT, 1);
}

void loop::impl::answer_one(work w) {
  auto answer = mind.answer(w.q, ms_of(w.arrived), unix_ms());
  if (answer.shutdown)
    event_base_loopexit(base.get(), nullptr); // After what can be sent now.
  auto found = connections.find(w.connection);
  if (found == connections.end())
    return;
  auto& c = *found->second;
  c.answer = std::move(answer);
  auto due = w.arrived + std::chrono::milliseconds(c.answer.delay_ms);
  auto left = std::chrono::duration_cast<std::chrono::microseconds>(due - steady::now());
  if (left.count() > 0)
    arm(c, left);
  else
    send(c);
}

void loop::impl::arm(connection& c, std::chrono::microseconds after) {
  if (!c.timer)
    c.timer.reset(evtimer_new(
        base.get(),
        [](evutil_socket_t, short, void* x) {
          auto& one = *static_cast<connection*>(x);
          one.owner->on_timer(one);
        },
        &c));
  timeval t{after.count() / 1'000'000, after.count() % 1'000'000};
  event_add(c.timer.get(), &t);
}

void loop::impl::on_timer(connection& c) {
  if (c.dripping.empty())
    return send(c);
  push(c, std::string_view(c.dripping).substr(c.dripped++, 1));
  if (c.dripped < c.dripping.size())
    return arm(c, std::chrono::milliseconds(options.drip_ms));
  c.dripping.clear();
  push(c, std::exchange(c.afterwards, {}));
  finish(c);
}

/// Straight to the socket where it has room: two system calls less an answer.
void loop::impl::push(connection& c, std::string_view bytes) {
  auto* out = bufferevent_get_output(c.wire.get());
  if (evbuffer_get_length(out) == 0) {
    auto sent = ::send(bufferevent_getfd(c.wire.get()), bytes.data(), bytes.size(),
                       MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0)
      bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  if (!bytes.empty())
    bufferevent_write(c.wire.get(), bytes.data(), bytes.size());
}

void loop::impl::send(connection& c) {
  c.close_after = c.answer.close;
  if (is_done_here(c.answer.fault))
    return send_faulty(c);
  push(c, c.answer.head + c.answer.body);
  finish(c);
}

void loop::impl::send_faulty(connection& c) {
  auto& a = c.answer;
  auto& fault = a.fault;
  auto half = std::string_view(a.body).substr(0, a.body.size() / 2);
  if (wants_to_stay(fault)) {
    if (fault == "stall")
      push(c, a.head + std::string(half));
    return; // In flight until the client goes.
  }
  if (fault == "reset") {
    linger hard{1, 0};
    ::setsockopt(bufferevent_getfd(c.wire.get()), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }
  if (fault == "reset" || fault == "drop")
    return close(c);
  if (fault == "dribble") {
    push(c, a.head);
    return drip(c, a.body, {});
  }
  if (fault == "slow-headers")
    return drip(c, a.head, a.body);
  auto open_head = a.head.substr(0, a.head.size() - 2); // Without the blank line.
  auto filler = "x-filler: " + std::string(filler_bytes - 12, 'x') + "\r\n";
  if (fault == "big-headers")
    return send_with_filler(c, open_head, filler, big_headers_bytes, "\r\n" + a.body);
  if (fault == "endless-headers")
    return send_with_filler(c, open_head, filler, static_cast<std::size_t>(-1), {});
  if (fault == "big-body")
    return send_with_filler(
        c, head_of(200, {{"content-type", "application/json"}}, big_body_bytes, true),
        std::string(filler_bytes, ' '), big_body_bytes, {});
  c.close_after = true;
  push(c, fault == "cut" ? a.head + std::string(half) : std::string("SSH-2.0-Fake_1.0\r\n"));
  finish(c);
}

void loop::impl::send_with_filler(connection& c, std::string first, std::string filler,
                                  std::size_t bytes, std::string afterwards) {
  c.filler = std::move(filler);
  c.filler_left = bytes;
  c.afterwards = std::move(afterwards);
  bufferevent_write(c.wire.get(), first.data(), first.size()); // written() goes on.
}

void loop::impl::drip(connection& c, std::string slow, std::string rest) {
  c.dripping = std::move(slow);
  c.afterwards = std::move(rest);
  c.dripped = 0;
  arm(c, std::chrono::milliseconds(options.drip_ms));
}

void loop::impl::written(connection& c) {
  if (evbuffer_get_length(bufferevent_get_output(c.wire.get())) > 0)
    return;
  if (c.filler_left > 0) {
    auto now = std::min(c.filler_left, c.filler.size());
    c.filler_left -= now;
    bufferevent_write(c.wire.get(), c.filler.data(), now);
    if (c.filler_left > 0)
      return;
    c.filler.clear();
    if (!c.afterwards.empty())
      bufferevent_write(c.wire.get(), c.afterwards.data(), c.afterwards.size());
    c.afterwards.clear();
    return finish(c);
  }
  if (c.close_after)
    close(c);
}

void loop::impl::uncount(connection& c) {
  if (std::exchange(c.counted, false))
    mind.ended();
}

void loop::impl::finish(connection& c) {
  if (c.close_after) {
    written(c);
    return;
  }
  uncount(c);
  c.busy = false;
  if (evbuffer_get_length(bufferevent_get_input(c.wire.get())) > 0)
    read(c);
}

void loop::impl::close(connection& c) {
  uncount(c);
  connections.erase(c.id);
}

loop::loop(std::unique_ptr<impl> i)
    : impl_(std::move(i)) {}
loop::loop(loop&&) noexcept = default;
loop::~loop() = default;

ledger::result<loop> loop::make(mind& m, const loop_options& o) {
  auto i = std::make_unique<impl>(m, o);
  if (auto begun = i->begin(); !begun)
    return tl::unexpected(begun.error());
  return loop(std::move(i));
}

int loop::port() const {
  return impl_->port;
}

void loop::run() {
  event_base_dispatch(impl_->base.get());
}

} // namespace fake_server
