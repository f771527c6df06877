// request_reader.hpp -- HTTP/1.1 requests.
//
//   1. What is not understood is refused with a status, never guessed: no
//      bodies beyond `body_bytes_max`, no encoding but chunked.
//
// Pure.

#pragma once

#include "tests/fake_server/wire.hpp"

#include <cstddef>
#include <string_view>

namespace fake_server {

inline constexpr std::size_t head_bytes_max = 64 * 1024;
inline constexpr std::size_t body_bytes_max = 64 * 1024 * 1024;

struct request_head {
  int refused = 0; ///< A status; 0: it is good.
  http_question q; ///< Without its body.
  std::size_t body_bytes = 0;
  bool is_chunked = false;         ///< Then its body says by itself how long it is.
  bool waits_for_continue = false; ///< Expect: 100-continue.
};

/// `text`: everything up to the blank line.
request_head read_head(std::string_view text);

/// A body in chunks (RFC 9112, 7.1).
struct chunked_body {
  int refused = 0;            ///< A status; 0: it is good, as far as it is there.
  std::size_t bytes_read = 0; ///< Of the text; 0: its end is not there yet.
  std::string body;
};
chunked_body read_chunks(std::string_view text);

} // namespace fake_server
