// raw_server.hpp -- a server on loopback that says exactly what it is told.
//
// It reads *requests*: headers and as many bytes as their Content-Length says.
// For each it asks its *script* what to say. An *answer* is raw bytes, status
// line and all, and what happens then.
//
//   1. One thread, any number of connections; nothing blocks it.
//   2. A connection's next request is answered once its answer is all sent.
//   3. What a test waits for is waited for: wait_for_requests(), not a pause.

#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tests {

struct raw_answer {
  std::string bytes = {};       ///< Sent at once.
  std::string dribble = {};     ///< Then a byte of this every `dribble_every`,
  bool dribble_forever = false; ///< over and over.
  std::chrono::milliseconds dribble_every{20};
  bool close = false; ///< Then the connection is closed.
  bool held = false;  ///< All of that only after release().
};

/// A whole response with its Content-Length; `headers` end in \r\n each.
std::string raw_response(int status, const std::string& headers, const std::string& body);

class raw_server {
public:
  /// `n` counts requests from 0.
  using script = std::function<raw_answer(std::size_t n, const std::string& request)>;

  explicit raw_server(script s);
  explicit raw_server(std::string bytes); ///< The same for each request.
  ~raw_server();
  raw_server(const raw_server&) = delete;
  raw_server& operator=(const raw_server&) = delete;

  int port() const;
  std::string url(const std::string& path = "/v1/ask") const; ///< With 127.0.0.1.
  std::size_t connections() const;                            ///< Ever accepted.
  std::vector<std::string> requests() const;                  ///< The bytes of each.
  /// False: they did not come within a generous time.
  bool wait_for_requests(std::size_t n) const;
  /// The same for connections that have ended.
  bool wait_for_ends(std::size_t n) const;
  /// Lets go what is held, now and from now on.
  void release();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace tests
