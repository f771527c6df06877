// server_child.hpp -- a fake server, as long as a test needs it.
//
// A *server child* is a program that listens on a free port of 127.0.0.1
// (tests/fake_ai, tests/fake_netlify). It ends with its owner, and with this
// process however that ends: its stdin is a pipe of ours.
//
//   1. When the constructor returns, requests are answered; if that cannot be,
//      is_up() is false and why() says what the program said.

#pragma once

#include "ledger/record.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace tests {

/// One request over a connection of its own, to the end of the connection:
/// status line, headers and body as they came. Empty: no answer in 30 s.
std::string raw_exchange(int port, std::string_view bytes);

class server_child {
public:
  server_child(const std::string& program, std::vector<std::string> arguments);
  ~server_child();
  server_child(const server_child&) = delete;
  server_child& operator=(const server_child&) = delete;

  bool is_up() const noexcept { return port_ != 0; }
  const std::string& why() const noexcept { return said_; }
  int port() const noexcept { return port_; }
  /// "http://127.0.0.1:PORT"
  std::string url() const;

  /// GET /count; null if it could not be read.
  ledger::json counters() const;
  /// GET /log, an object a request.
  std::vector<ledger::json> log() const;
  /// How many of the log's lines have all these texts: {{"step", "audit"}}.
  std::size_t asked(const std::map<std::string, std::string>& with) const;

  /// Ends the program and waits; its exit code, or 128 + the signal. Once.
  int end();

private:
  std::string get(std::string_view path) const;

  pid_t pid_ = -1;
  int life_ = -1; ///< The write end of its stdin.
  int port_ = 0;
  std::string said_; ///< What it said on stdout and stderr.
};

} // namespace tests
