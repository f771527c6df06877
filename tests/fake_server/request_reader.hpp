// request_reader.hpp -- the head of an HTTP/1.1 request.
//
//   1. What is not understood is refused with a status, never guessed: no
//      chunked bodies, no bodies beyond `body_bytes_max`.
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
  bool waits_for_continue = false; ///< Expect: 100-continue.
};

/// `text`: everything up to the blank line.
request_head read_head(std::string_view text);

} // namespace fake_server
