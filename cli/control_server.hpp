// control_server.hpp -- how a scheduler at work takes orders.
//
// A *control server* listens at the repository's socket (control_place.hpp), on a
// thread of its own: one request a connection, one answer (control_message.hpp).
// It decides nothing: an order goes to the *taker*, which answers whenever it can.
//
//   1. Only the user whose process this is is listened to (SO_PEERCRED).
//   2. Whatever a client does (garbage, half a line, no end of it, silence, many
//      connections) costs this thread bounded memory and time, and nobody else
//      anything: reading and writing have a deadline, a request a greatest
//      length, connections a greatest number.
//   3. An order is given to the taker once. What it answers when the client is
//      gone is dropped; the order stands.
//   4. After close() nothing is taken, the socket is gone, and who waits for an
//      answer is hung up on.

#pragma once

#include "cli/control_message.hpp"
#include "cli/place.hpp"
#include "ledger/person.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace cli {

struct control_limits {
  std::size_t connections = 32;
  std::size_t request_bytes = max_request_bytes;
  std::chrono::milliseconds patience = std::chrono::seconds(10); ///< To send, and to read.
};

class control_server {
public:
  /// May be called from any thread, and more than once: the first counts.
  using answer_to = std::function<void(control_answer)>;
  /// Called from the server's thread; must not block.
  using taker = std::function<void(ledger::person_order, answer_to)>;

  /// Requires the repository's lock. Errors: those of control_place.hpp, each a
  /// sentence for people; the run goes on without.
  static ledger::result<std::unique_ptr<control_server>> open(const place& p, taker take,
                                                              control_limits limits = {});
  virtual ~control_server() = default; ///< close().
  virtual void close() = 0;
};

} // namespace cli
