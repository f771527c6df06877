// loop.hpp -- the sockets of a fake server, on one thread.
//
// A *request* that came in waits in line until no socket has news: then it is
// answered by the mind, in the order of arrival. Its delay counts from its
// arrival, so that what the answering takes is hidden in it.
//
// A *fault* is misbehaviour on the wire:
//   stall            head and half of the body, then nothing; the connection stays
//   silence          not a byte; the connection stays
//   cut              head and half of the body, then the end
//   drop             the end, without a byte
//   reset            the same, as a TCP reset
//   dribble          the body, a byte at a time (--drip-ms)
//   slow-headers     the head, a byte at a time
//   big-headers      10 MB of headers, then the body
//   endless-headers  headers without end
//   big-body         a body of 1 GB
//   not-http         a greeting of another protocol, then the end
// Any other word is the mind's own affair: the answer is sent as it is.
//
//   1. A client that goes away ends its request; nothing is sent to another.
//   2. One request of a connection is answered at a time.

#pragma once

#include "ledger/result.hpp"
#include "tests/fake_server/wire.hpp"

#include <memory>

namespace fake_server {

struct loop_options {
  int port = 0; ///< 0: a free one.
  int drip_ms = 50;
  bool until_stdin_ends = false;
};

class loop {
public:
  /// Listens. Errors: unavailable (the port is taken).
  static ledger::result<loop> make(mind& m, const loop_options& o);
  loop(loop&&) noexcept;
  ~loop();

  int port() const;
  /// Until POST /shutdown, SIGTERM, SIGINT, or the end of stdin.
  void run();

private:
  struct impl;
  explicit loop(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

} // namespace fake_server
