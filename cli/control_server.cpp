#include "cli/control_server.hpp"

#include "cli/control_place.hpp"
#include "cli/login_name.hpp"
#include "providers/sandbox.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <list>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cli {

namespace {

using ledger::disk::unique_fd;
using clock = std::chrono::steady_clock;

/// Answers on their way to the server's thread; outlives the server in the hands
/// of who has still to answer.
class letter_box {
public:
  letter_box()
      : bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  int bell() const { return bell_.get(); }

  void put(std::uint64_t to, control_answer a) {
    const std::lock_guard lock(mutex_);
    letters_.emplace_back(to, std::move(a));
    ring();
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    ring();
  }
  /// True: stopped.
  bool take(std::vector<std::pair<std::uint64_t, control_answer>>& into) {
    std::uint64_t count = 0;
    [[maybe_unused]] auto n = ::read(bell_.get(), &count, sizeof count);
    const std::lock_guard lock(mutex_);
    into.swap(letters_);
    return stopped_;
  }

private:
  void ring() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] auto n = ::write(bell_.get(), &one, sizeof one);
  }

  std::mutex mutex_;
  std::vector<std::pair<std::uint64_t, control_answer>> letters_;
  bool stopped_ = false;
  unique_fd bell_;
};

struct connection {
  std::uint64_t id = 0;
  unique_fd fd;
  uid_t peer = 0;
  enum class phase : std::uint8_t { reading, waiting, writing } is = phase::reading;
  std::string in, out;
  clock::time_point until; ///< While reading or writing.
  bool over = false;
};

control_answer turned_away(std::string why) {
  return {exit_code::usage, std::move(why), false};
}

class server final : public control_server {
public:
  server(unique_fd folder, unique_fd listener, std::string name, taker take, control_limits limits)
      : folder_(std::move(folder))
      , listener_(std::move(listener))
      , name_(std::move(name))
      , take_(std::move(take))
      , limits_(limits)
      , box_(std::make_shared<letter_box>()) {
    // Signals are for the program's own threads.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { loop(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  ~server() override { close(); }

  void close() override {
    box_->stop();
    if (!thread_.joinable())
      return;
    thread_.join();
    ::unlinkat(folder_.get(), name_.c_str(), 0);
    connections_.clear();
    listener_ = {};
  }

private:
  void loop() {
    std::vector<std::pair<std::uint64_t, control_answer>> letters;
    while (true) {
      wait();
      letters.clear();
      if (box_->take(letters))
        return;
      for (auto& [to, answer] : letters)
        for (auto& c : connections_)
          if (c.id == to && c.is == connection::phase::waiting)
            say(c, answer);
      welcome();
      for (auto& c : connections_)
        serve(c);
      connections_.remove_if([](auto& c) { return c.over; });
    }
  }

  void wait() {
    std::vector<pollfd> all{{box_->bell(), POLLIN, 0}};
    auto next = clock::time_point::max();
    if (clock::now() < welcome_again_)
      next = welcome_again_;
    else if (connections_.size() < limits_.connections)
      all.push_back({listener_.get(), POLLIN, 0});
    for (auto& c : connections_) {
      using enum connection::phase;
      // Of one that waits only its end counts, which is told unasked.
      auto what = c.is == reading ? POLLIN : c.is == writing ? POLLOUT : 0;
      all.push_back({c.fd.get(), static_cast<short>(what), 0});
      if (c.is != waiting)
        next = std::min(next, c.until);
    }
    int ms = -1;
    if (next != clock::time_point::max())
      ms = static_cast<int>(std::clamp<std::int64_t>(
          std::chrono::ceil<std::chrono::milliseconds>(next - clock::now()).count(), 0, 60'000));
    ::poll(all.data(), all.size(), ms);
  }

  void welcome() {
    while (connections_.size() < limits_.connections) {
      unique_fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!fd && errno != EAGAIN && errno != EINTR) // No descriptor, say: not over and over.
        welcome_again_ = clock::now() + std::chrono::milliseconds(200);
      if (!fd)
        return;
      auto peer = peer_of(fd.get());
      if (peer != ::geteuid())
        continue;
      auto& c = connections_.emplace_back();
      c.id = ++last_id_;
      c.fd = std::move(fd);
      c.peer = peer;
      c.until = clock::now() + limits_.patience;
    }
  }

  void serve(connection& c) {
    using enum connection::phase;
    if (c.is == reading)
      read(c);
    else if (c.is == waiting)
      look_after(c);
    if (c.is == writing && !c.over)
      write(c);
    if (c.is != waiting && !c.over && clock::now() >= c.until)
      c.over = true;
  }

  /// Whoever hung up needs no answer.
  static void look_after(connection& c) {
    pollfd p{c.fd.get(), 0, 0};
    if (::poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)) != 0)
      c.over = true;
  }

  /// One buffer at a time: a client that sends without end starves nobody.
  void read(connection& c) {
    auto n = ::recv(c.fd.get(), buffer_.data(), buffer_.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
      return;
    if (n <= 0) {
      c.over = true; // Half a line is no request.
      return;
    }
    std::string_view got(buffer_.data(), static_cast<std::size_t>(n));
    auto end = got.find('\n');
    if (c.in.size() + std::min(end, got.size()) > limits_.request_bytes)
      return say(c, turned_away("no request: it is longer than "
                                + std::to_string(limits_.request_bytes) + " bytes"));
    c.in += got.substr(0, end);
    if (end == got.npos)
      return;
    if (end + 1 != got.size())
      return say(c, turned_away("no request: one is taken in a connection, and no more"));
    hand_over(c);
  }

  void hand_over(connection& c) {
    auto order = parse_request(c.in);
    c.in = {};
    if (!order)
      return say(c, turned_away(order.error().detail));
    order->uid = c.peer;
    order->user = login_name(c.peer);
    c.is = connection::phase::waiting;
    take_(std::move(*order),
          [box = box_, to = c.id](control_answer a) { box->put(to, std::move(a)); });
  }

  void say(connection& c, const control_answer& a) {
    c.out = answer_line(a);
    c.in = {};
    c.is = connection::phase::writing;
    c.until = clock::now() + limits_.patience;
  }

  static void write(connection& c) {
    auto n = ::send(c.fd.get(), c.out.data(), c.out.size(), MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
      return;
    if (n > 0)
      c.out.erase(0, static_cast<std::size_t>(n));
    c.over = n <= 0 || c.out.empty();
  }

  unique_fd folder_, listener_;
  std::string name_;
  taker take_;
  control_limits limits_;
  std::shared_ptr<letter_box> box_;
  std::list<connection> connections_;
  std::uint64_t last_id_ = 0;
  clock::time_point welcome_again_ = clock::time_point::min();
  std::array<char, 64 * 1024> buffer_{};
  std::thread thread_;
};

} // namespace

ledger::result<std::unique_ptr<control_server>> control_server::open(const place& p, taker take,
                                                                     control_limits limits) {
  auto path = control_folders(p).front();
  if (providers::is_shown_to_children(path))
    return ledger::fail(ledger::fault::refused,
                        path.string()
                            + " lies where every sandboxed child can look; set "
                              "XDG_RUNTIME_DIR to a folder of your own");
  auto folder = open_control_folder(path, true);
  if (!folder)
    return tl::make_unexpected(folder.error());
  auto listener = listen_in(folder->get(), p.repo_id);
  if (!listener)
    return ledger::fail(listener.error().kind, path.string() + ": " + listener.error().detail);
  return std::make_unique<server>(std::move(*folder), std::move(*listener), p.repo_id,
                                  std::move(take), limits);
}

} // namespace cli
