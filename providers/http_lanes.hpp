// http_lanes.hpp -- libcurl's multi handles, many of them driven by one thread.
//
// A *lane* is one multi handle, with connections of its own. Before each request
// libcurl looks at every connection of a multi handle to that server, whether it is
// in use or not: with ten thousand requests in flight in one lane that search is half
// of all that they cost. curl_multi_poll() and curl_multi_perform() look at every
// request as well, each time; with epoll only those are looked at that something
// came for.
//
//   1. A lane takes so many transfers at once and no more (lane_room); who comes
//      then opens another. The first with room is taken, so that few lanes are
//      used, and their connections used again.
//   2. Requests that may share a connection (HTTP/2, only over TLS) have lanes of
//      their own, with more room: what they look through is a hundredth.
//   3. Everything but wake() is for one thread only.

#pragma once

#include "ledger/disk/tree.hpp"

#include <curl/curl.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace providers {

class http_lanes {
public:
  using clock = std::chrono::steady_clock;

  /// Transfers of a lane at once: over connections of their own, and such that may
  /// share one.
  static constexpr std::size_t lane_room = 250;
  static constexpr std::size_t shared_lane_room = 2500;

  /// A transfer that ended, and how.
  struct ended {
    CURL* easy = nullptr;
    CURLcode code = CURLE_OK;
  };

  http_lanes() = default;
  ~http_lanes();
  http_lanes(const http_lanes&) = delete;
  http_lanes& operator=(const http_lanes&) = delete;

  /// False: the system gives no descriptor. `kept_connections`: that all lanes
  /// together may keep for later requests.
  bool start(std::size_t kept_connections);

  /// Begins a transfer; its private pointer is ours until it is removed. False: no
  /// memory.
  bool add(CURL* easy, bool may_share);
  /// Takes one out, whatever became of it; one that was never added is left alone.
  void remove(CURL* easy);

  /// Waits until something can be done, `until` at the latest, and does it. What is
  /// added goes on with the next call.
  void drive(clock::time_point until);
  /// The next transfer that ended; null: none. It is still to be removed.
  ended next_ended();

  /// Ends a drive() that waits, or the next one. From any thread.
  void wake() const noexcept;

private:
  struct lane {
    http_lanes* owner = nullptr;
    std::uint32_t number = 0;
    CURLM* multi = nullptr;
    bool shares = false;
    std::size_t transfers = 0;
    clock::time_point due = clock::time_point::max(); ///< As libcurl asked for.
  };

  lane* with_room(bool may_share);
  std::unique_ptr<lane> opened(bool shares);
  void act(lane& l, curl_socket_t socket, int events);
  void act_on_due();
  static curl_socket_t open_socket(void* l, curlsocktype, curl_sockaddr* at) noexcept;
  static int watch(CURL* easy, curl_socket_t socket, int what, void* l, void* known) noexcept;
  static int set_timer(CURLM* multi, long ms, void* l) noexcept;

  ledger::disk::unique_fd epoll_, wakeup_;
  std::size_t kept_connections_ = 0;
  std::vector<std::unique_ptr<lane>> lanes_;
  std::size_t looked_at_ = 0; ///< By next_ended().
};

} // namespace providers
