#include "tests/support/raw_server.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <netinet/in.h>
#include <optional>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <unordered_map>

namespace tests {

namespace {

using clock = std::chrono::steady_clock;

struct connection {
  std::string in;
  std::optional<raw_answer> answer;
  std::size_t sent = 0, dribbled = 0;
  clock::time_point next_byte{};
  bool wants_room = false; // The socket's buffer is full.
};

/// How long the first request in `in` is; 0: it is not whole yet.
std::size_t request_length(const std::string& in) {
  const auto end = in.find("\r\n\r\n");
  if (end == std::string::npos)
    return 0;
  const auto at = in.find("Content-Length: ");
  const auto body = at < end ? std::strtoul(in.c_str() + at + 16, nullptr, 10) : 0UL;
  return in.size() >= end + 4 + body ? end + 4 + body : 0;
}

} // namespace

std::string raw_response(int status, const std::string& headers, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) + " Said\r\n" + headers
         + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

struct raw_server::impl {
  script say;
  int listener = -1, epoll = -1, wake = -1, port = 0;
  std::unordered_map<int, connection> open; // Of the thread alone.

  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  std::vector<std::string> requests;
  std::size_t accepted = 0, ended = 0;
  bool released = false, ending = false;
  std::thread thread;

  void watch(int fd, std::uint32_t events, int how) const {
    epoll_event e{};
    e.events = events;
    e.data.fd = fd;
    ::epoll_ctl(epoll, how, fd, &e);
  }

  void poke() const { ::eventfd_write(wake, 1); }

  bool is_released() const {
    std::lock_guard lock{mutex};
    return released;
  }

  void end(int fd) {
    ::close(fd);
    open.erase(fd);
    {
      std::lock_guard lock{mutex};
      ++ended;
    }
    changed.notify_all();
  }

  void accept_all() {
    for (;;) {
      const auto fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0)
        return;
      open[fd];
      watch(fd, EPOLLIN, EPOLL_CTL_ADD);
      std::lock_guard lock{mutex};
      ++accepted;
    }
  }

  /// False: the connection has ended.
  bool read_all(int fd, connection& c) {
    char buffer[16384];
    for (;;) {
      const auto n = ::recv(fd, buffer, sizeof buffer, 0);
      if (n > 0)
        c.in.append(buffer, static_cast<std::size_t>(n));
      else if (n < 0 && errno == EAGAIN)
        return true;
      else
        return false;
    }
  }

  /// False: the connection has ended. Sends as much as there is room for.
  bool send_some(int fd, connection& c, const char* at, std::size_t size, std::size_t& done) {
    while (done < size) {
      const auto n = ::send(fd, at + done, size - done, MSG_NOSIGNAL);
      if (n < 0 && errno == EAGAIN) {
        if (!c.wants_room)
          watch(fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
        return c.wants_room = true;
      }
      if (n < 0)
        return false;
      done += static_cast<std::size_t>(n);
    }
    if (c.wants_room)
      watch(fd, EPOLLIN, EPOLL_CTL_MOD);
    c.wants_room = false;
    return true;
  }

  bool dribble(int fd, connection& c) {
    auto& a = *c.answer;
    while (c.dribbled < a.dribble.size() && c.next_byte <= clock::now()) {
      std::size_t done = 0;
      if (!send_some(fd, c, &a.dribble[c.dribbled], 1, done))
        return false;
      c.next_byte = clock::now() + a.dribble_every;
      if (++c.dribbled == a.dribble.size() && a.dribble_forever)
        c.dribbled = 0;
    }
    return true;
  }

  void take_request(connection& c) {
    const auto length = request_length(c.in);
    if (length == 0)
      return;
    const auto request = c.in.substr(0, length);
    c.in.erase(0, length);
    std::size_t n = 0;
    {
      std::lock_guard lock{mutex};
      n = requests.size();
      requests.push_back(request);
    }
    c.answer = say(n, request);
    c.sent = c.dribbled = 0;
    c.next_byte = {};
    changed.notify_all();
  }

  /// False: it is over.
  bool advance(int fd, connection& c) {
    if (!c.answer)
      take_request(c);
    while (c.answer) {
      const auto& a = *c.answer;
      if (a.held && !is_released())
        return true;
      if (!send_some(fd, c, a.bytes.data(), a.bytes.size(), c.sent))
        return false;
      if (c.sent < a.bytes.size())
        return true;
      if (!dribble(fd, c))
        return false;
      if (c.dribbled < a.dribble.size())
        return true;
      if (a.close)
        return false;
      c.answer.reset();
      take_request(c);
    }
    return true;
  }

  void advance_all() {
    std::vector<int> over;
    for (auto& [fd, c] : open)
      if (c.answer && !advance(fd, c))
        over.push_back(fd);
    for (const auto fd : over)
      end(fd);
  }

  int sleep_ms() const {
    auto next = clock::time_point::max();
    for (auto& [fd, c] : open)
      if (c.answer && c.sent == c.answer->bytes.size() && c.dribbled < c.answer->dribble.size())
        next = std::min(next, c.next_byte);
    if (next == clock::time_point::max())
      return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - clock::now());
    return std::max(0, static_cast<int>(left.count()));
  }

  void loop() {
    std::vector<epoll_event> events(256);
    for (;;) {
      const auto n =
          ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), sleep_ms());
      bool look_at_all = n == 0;
      for (int i = 0; i < n; ++i) {
        const auto fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == wake) {
          eventfd_t ignored = 0;
          ::eventfd_read(wake, &ignored);
          look_at_all = true;
        } else if (fd == listener) {
          accept_all();
        } else if (const auto at = open.find(fd); at != open.end()) {
          if (!read_all(fd, at->second) || !advance(fd, at->second))
            end(fd);
        }
      }
      if (look_at_all)
        advance_all();
      std::lock_guard lock{mutex};
      if (ending)
        return;
    }
  }
};

raw_server::raw_server(script s)
    : impl_(std::make_unique<impl>()) {
  auto& i = *impl_;
  i.say = std::move(s);
  i.listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto* address = reinterpret_cast<sockaddr*>(&at);
  if (i.listener < 0 || ::bind(i.listener, address, size) != 0 || ::listen(i.listener, 8192) != 0
      || ::getsockname(i.listener, address, &size) != 0)
    throw std::runtime_error("no server on loopback");
  i.port = ntohs(at.sin_port);
  i.epoll = ::epoll_create1(EPOLL_CLOEXEC);
  i.wake = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  i.watch(i.listener, EPOLLIN, EPOLL_CTL_ADD);
  i.watch(i.wake, EPOLLIN, EPOLL_CTL_ADD);
  i.thread = std::thread([&i] { i.loop(); });
}

raw_server::raw_server(std::string bytes)
    : raw_server([bytes = std::move(bytes)](std::size_t, const std::string&) {
      return raw_answer{bytes};
    }) {}

raw_server::~raw_server() {
  {
    std::lock_guard lock{impl_->mutex};
    impl_->ending = true;
  }
  impl_->poke();
  impl_->thread.join();
  for (auto& [fd, c] : impl_->open)
    ::close(fd);
  for (const auto fd : {impl_->listener, impl_->epoll, impl_->wake})
    ::close(fd);
}

int raw_server::port() const {
  return impl_->port;
}

std::string raw_server::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(impl_->port) + path;
}

std::size_t raw_server::connections() const {
  std::lock_guard lock{impl_->mutex};
  return impl_->accepted;
}

std::vector<std::string> raw_server::requests() const {
  std::lock_guard lock{impl_->mutex};
  return impl_->requests;
}

bool raw_server::wait_for_requests(std::size_t n) const {
  std::unique_lock lock{impl_->mutex};
  return impl_->changed.wait_for(lock, std::chrono::seconds{60},
                                 [&] { return impl_->requests.size() >= n; });
}

bool raw_server::wait_for_ends(std::size_t n) const {
  std::unique_lock lock{impl_->mutex};
  return impl_->changed.wait_for(lock, std::chrono::seconds{60}, [&] { return impl_->ended >= n; });
}

void raw_server::release() {
  {
    std::lock_guard lock{impl_->mutex};
    impl_->released = true;
  }
  impl_->poke();
}

} // namespace tests
