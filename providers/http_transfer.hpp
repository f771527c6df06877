// http_transfer.hpp -- one request in flight, on a handle of libcurl.
//
// A transfer is *connected* once libcurl has a connection, encrypted if it is
// to be, and is about to send the request on it.
//
//   1. Until it is connected the connect time-out runs; while it waits for its
//      turn, every other that is connected to the same server begins it anew.
//      From then on the idle time-out runs, which every byte in either
//      direction begins anew; the total time-out runs from the beginning.
//   2. Nothing of a request that is no GET is sent twice.
//   3. It is used by the engine's thread only.

#pragma once

#include "providers/http.hpp"
#include "providers/http_url.hpp"

#include <curl/curl.h>

#include <cstdint>

namespace providers {

/// The requests to one server that are in flight.
struct http_load {
  std::size_t opening = 0;   ///< libcurl has them, and they have no connection.
  std::size_t connected = 0; ///< They have one.
  std::chrono::steady_clock::time_point last_connected{};
};

class http_transfer {
public:
  using clock = std::chrono::steady_clock;
  /// All headers of a response. libcurl has a limit of its own, another one in
  /// each version; ours is lower, so that a flood is "too-large" in all of them.
  static constexpr std::uint64_t max_header_bytes = 256 * 1024;

  http_transfer(http_request r, http_url url, http_callback done);
  ~http_transfer();
  http_transfer(const http_transfer&) = delete;
  http_transfer& operator=(const http_transfer&) = delete;

  /// Why the headers of a request cannot be sent; empty: they can.
  static std::string why_no_headers(const http_request& r);

  /// Takes a handle that was reset, and tells it all. False: no memory.
  bool begin(CURL* easy, http_load& load);
  /// To be called as it is handed to libcurl; counts in the load of its server,
  /// which outlives it, until it gives the handle back.
  void open();
  const http_url& url() const noexcept { return url_; }
  /// The handle again, reset; null if there is none.
  CURL* take_handle();

  /// When to look at the clocks again.
  clock::time_point next_look(clock::time_point now) const;
  bool is_overdue(clock::time_point now) const;

  /// What came of it, once libcurl says that it ended.
  tl::expected<http_response, http_failure> outcome(CURLcode code);
  http_failure overdue(clock::time_point now) const;
  http_failure closing() const;
  http_failure no_memory() const;
  http_callback take_callback() { return std::move(done_); }

private:
  std::size_t take_header(std::string_view line);
  std::size_t take_body(std::string_view bytes);
  bool note_progress(std::uint64_t received, std::uint64_t sent);
  bool may_send();
  bool is_get() const noexcept;
  clock::time_point connect_began() const;
  bool is_over_cap(std::uint64_t body_bytes) const;
  bool may_have_arrived() const;
  void set_safety();
  bool set_headers();
  void set_callbacks();

  http_failure failed(ledger::fault kind, const char* code, std::string_view why) const;
  http_failure of_curl(CURLcode code) const;
  http_failure not_connected(CURLcode code) const;
  http_failure too_large() const;

  http_request request_;
  http_url url_;
  http_callback done_;
  CURL* easy_ = nullptr;
  curl_slist* headers_ = nullptr;
  http_load* load_ = nullptr;
  bool opened_ = false; ///< And before it waits for its turn.
  char error_[CURL_ERROR_SIZE] = {};

  clock::time_point began_ = clock::now();
  clock::time_point opened_at_ = began_;
  clock::time_point moved_ = began_; ///< The last byte in either direction.
  std::uint64_t received_ = 0, sent_ = 0;
  int connections_ = 0; ///< On which the request was about to be sent.

  http_response response_;
  std::uint64_t header_bytes_ = 0;
  long block_status_ = 0;      ///< Of the block of headers that is being read.
  bool headers_ended_ = false; ///< What looks like headers now is a trailer.
  bool too_large_ = false;
  bool would_repeat_ = false;
};

} // namespace providers
