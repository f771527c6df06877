// wire.hpp -- requests and answers of a fake server, free of any service.
//
// A *question* is an HTTP request as it came in. A *wire answer* is what goes
// over the connection and when; its *fault*, if it has one, is done by whoever
// owns the connection (loop.hpp). A *mind* turns one into the other.
//
//   1. Nothing here knows what the server plays: the folders beside do
//      (tests/fake_ai, tests/fake_netlify).

#pragma once

#include "ledger/record.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fake_server {

using header_list = std::vector<std::pair<std::string, std::string>>;

/// The value of `name` (in lower case); empty if there is none.
std::string_view header(const header_list& all, std::string_view name);
/// Replaces the value of `name`, or adds it.
void set_header(header_list& all, std::string name, std::string value);

struct http_question {
  std::string method, path, query;
  header_list headers; ///< Names in lower case.
  std::string body;
  bool keep_alive = true;
};

/// The key of "Authorization: Bearer KEY"; empty: none.
std::string bearer(const http_question& q);

struct wire_answer {
  std::string head, body;
  int delay_ms = 0;
  std::string fault;
  bool close = false;    ///< The connection, afterwards.
  bool shutdown = false; ///< The server, afterwards.
};

/// The head of a response: status line and headers, with the blank line.
std::string head_of(int status, header_list headers, std::size_t body_bytes, bool keep_alive);

/// JSON as it is sent, whatever bytes it holds.
std::string text_of(const ledger::json& j);

/// Pure but for its counters: the time is handed in.
class mind {
public:
  virtual ~mind() = default;
  virtual wire_answer answer(const http_question& q, std::int64_t now_ms, std::int64_t unix_ms) = 0;
  /// Whether a request counts as one in flight. It has come in; its answer is
  /// out, or its connection is gone.
  virtual bool counts(const http_question&) const { return false; }
  virtual void begun() {}
  virtual void ended() {}
};

} // namespace fake_server
