#include "providers/http_lanes.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace providers {

namespace {

/// What epoll tells of one socket: its lane and itself. The bell has no lane.
constexpr std::uint64_t bell = ~std::uint64_t{0};

std::uint64_t tag_of(std::uint32_t lane, curl_socket_t socket) {
  return std::uint64_t{lane} << 32 | static_cast<std::uint32_t>(socket);
}

std::uint32_t events_for(int what) {
  std::uint32_t events = 0;
  if (what & CURL_POLL_IN)
    events |= EPOLLIN;
  if (what & CURL_POLL_OUT)
    events |= EPOLLOUT;
  return events;
}

std::size_t room_of(bool shares) {
  return shares ? http_lanes::shared_lane_room : http_lanes::lane_room;
}

int said_by(std::uint32_t events) {
  int said = 0;
  if (events & (EPOLLIN | EPOLLHUP))
    said |= CURL_CSELECT_IN;
  if (events & EPOLLOUT)
    said |= CURL_CSELECT_OUT;
  if (events & EPOLLERR)
    said |= CURL_CSELECT_ERR;
  return said;
}

} // namespace

http_lanes::~http_lanes() {
  for (auto& l : lanes_) // It still tells which sockets it closes.
    ::curl_multi_cleanup(l->multi);
}

bool http_lanes::start(std::size_t kept_connections) {
  kept_connections_ = kept_connections;
  epoll_ = ledger::disk::unique_fd(::epoll_create1(EPOLL_CLOEXEC));
  wakeup_ = ledger::disk::unique_fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  epoll_event told{};
  told.events = EPOLLIN;
  told.data.u64 = bell;
  return epoll_ && wakeup_ && ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wakeup_.get(), &told) == 0;
}

/// Null: there is no memory.
std::unique_ptr<http_lanes::lane> http_lanes::opened(bool shares) {
  auto l = std::make_unique<lane>();
  l->owner = this;
  l->number = static_cast<std::uint32_t>(lanes_.size());
  l->shares = shares;
  l->multi = ::curl_multi_init();
  if (l->multi == nullptr)
    return nullptr;
  const auto taken = std::min(lanes_.size() * lane_room, kept_connections_);
  const auto kept = std::clamp<std::size_t>(kept_connections_ - taken, 1, room_of(shares));
  ::curl_multi_setopt(l->multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
  ::curl_multi_setopt(l->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 0L);
  ::curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, static_cast<long>(kept));
  ::curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l.get());
  ::curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, &http_lanes::watch);
  ::curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l.get());
  ::curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, &http_lanes::set_timer);
  return l;
}

http_lanes::lane* http_lanes::with_room(bool may_share) {
  for (auto& l : lanes_)
    if (l->shares == may_share && l->transfers < room_of(may_share))
      return l.get();
  if (auto l = opened(may_share))
    lanes_.push_back(std::move(l));
  else
    return nullptr;
  return lanes_.back().get();
}

bool http_lanes::add(CURL* easy, bool may_share) {
  auto* l = with_room(may_share);
  if (l == nullptr)
    return false;
  ::curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &http_lanes::open_socket);
  ::curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, l);
  if (::curl_multi_add_handle(l->multi, easy) != CURLM_OK)
    return false;
  ::curl_easy_setopt(easy, CURLOPT_PRIVATE, l);
  ++l->transfers;
  return true;
}

void http_lanes::remove(CURL* easy) {
  lane* l = nullptr;
  ::curl_easy_getinfo(easy, CURLINFO_PRIVATE, &l);
  if (l == nullptr)
    return;
  ::curl_multi_remove_handle(l->multi, easy);
  ::curl_easy_setopt(easy, CURLOPT_PRIVATE, nullptr);
  --l->transfers;
}

/// Until 8.2 libcurl closes a socket that was not connected without a word, and says
/// nothing of the next one either if that has the same number and is to be watched for
/// the same. So each is watched for everything from its beginning.
curl_socket_t http_lanes::open_socket(void* l, curlsocktype, curl_sockaddr* at) noexcept {
  auto& in = *static_cast<lane*>(l);
  const int socket = ::socket(at->family, at->socktype | SOCK_CLOEXEC, at->protocol);
  epoll_event wanted{};
  wanted.events = EPOLLIN | EPOLLOUT;
  wanted.data.u64 = tag_of(in.number, socket);
  if (socket >= 0)
    ::epoll_ctl(in.owner->epoll_.get(), EPOLL_CTL_ADD, socket, &wanted);
  return socket < 0 ? CURL_SOCKET_BAD : socket;
}

/// libcurl wants to hear of a socket, of other events of it, or of it no more. One that
/// cannot be watched is left to the time-outs of its request: an error here would end
/// all requests of the lane.
int http_lanes::watch(CURL*, curl_socket_t socket, int what, void* l, void* known) noexcept {
  auto& in = *static_cast<lane*>(l);
  const int epoll = in.owner->epoll_.get();
  if (what == CURL_POLL_REMOVE) {
    ::epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nullptr);
    return 0;
  }
  epoll_event wanted{};
  wanted.events = events_for(what);
  wanted.data.u64 = tag_of(in.number, socket);
  const int first = known != nullptr ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  int failed = ::epoll_ctl(epoll, first, socket, &wanted);
  if (failed != 0 && (errno == EEXIST || errno == ENOENT))
    failed =
        ::epoll_ctl(epoll, first == EPOLL_CTL_ADD ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &wanted);
  if (failed == 0 && known == nullptr)
    ::curl_multi_assign(in.multi, socket, l);
  return 0;
}

int http_lanes::set_timer(CURLM*, long ms, void* l) noexcept {
  static_cast<lane*>(l)->due =
      ms < 0 ? clock::time_point::max() : clock::now() + std::chrono::milliseconds{ms};
  return 0;
}

void http_lanes::act(lane& l, curl_socket_t socket, int events) {
  int running = 0;
  ::curl_multi_socket_action(l.multi, socket, events, &running);
}

void http_lanes::act_on_due() {
  const auto now = clock::now();
  for (auto& l : lanes_)
    if (l->due <= now) {
      l->due = clock::time_point::max(); // It sets another one if it needs one.
      act(*l, CURL_SOCKET_TIMEOUT, 0);
    }
}

void http_lanes::drive(clock::time_point until) {
  for (auto& l : lanes_)
    until = std::min(until, l->due);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
  std::array<epoll_event, 256> events;
  const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                             static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000)));
  for (int i = 0; i < n; ++i) {
    const auto& e = events[static_cast<std::size_t>(i)];
    if (e.data.u64 == bell) {
      std::uint64_t rung = 0;
      static_cast<void>(::read(wakeup_.get(), &rung, sizeof rung));
    } else {
      act(*lanes_[e.data.u64 >> 32], static_cast<curl_socket_t>(e.data.u64 & 0xffff'ffff),
          said_by(e.events));
    }
  }
  act_on_due();
}

http_lanes::ended http_lanes::next_ended() {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    auto& l = *lanes_[(looked_at_ + i) % lanes_.size()];
    int left = 0;
    while (auto* message = ::curl_multi_info_read(l.multi, &left))
      if (message->msg == CURLMSG_DONE) {
        looked_at_ = l.number;
        return {message->easy_handle, message->data.result};
      }
  }
  return {};
}

void http_lanes::wake() const noexcept {
  const std::uint64_t one = 1;
  static_cast<void>(::write(wakeup_.get(), &one, sizeof one));
}

} // namespace providers
