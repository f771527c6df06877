// dialect.hpp -- one vendor's way of saying it.
//
// A *dialect* turns a prompt and the turns so far into the vendor's request,
// and the vendor's response into the next turn. The four of them: gemini
// (generateContent), anthropic (messages), openai (responses), openai-chat
// (chat completions, which most self-hosted servers speak).
//
//   1. An answer that is empty, cut off, refused, blocked or malformed is a
//      call_failure with a code of its own, never a turn.
//   2. What a response says is never trusted to be JSON, or of any shape or
//      size: HTML with status 200 is an outage, not a crash.
//   3. The common part comes first and is marked for the vendor's cache.
//   4. No text of a failure holds a key; what the service said is quoted in at
//      most 400 characters, printable.
//
// Pure: bytes in, values out. Sources: the vendors' API references.

#pragma once

#include "providers/conversation.hpp"
#include "providers/http.hpp"
#include "providers/provider.hpp"
#include "providers/throttle.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace providers {

/// What of a model the configuration sets.
struct model_settings {
  std::string base_url; ///< Without a trailing slash; the dialect adds its path.
  std::string api_key;  ///< Empty: none is sent (self-hosted servers).
  std::string model;
  std::uint32_t max_output_tokens = 32'000;
};

class dialect {
public:
  virtual ~dialect() = default;

  /// URL, headers and body; the time-outs are the caller's.
  virtual http_request write(const model_settings& m, const prompt& p,
                             std::span<const turn> turns) const = 0;

  /// The next turn, without results. `now_ms` (Unix time) turns "resets at T"
  /// into a wait.
  virtual tl::expected<turn, call_failure> read(const http_response& r,
                                                std::int64_t now_ms) const = 0;

  /// What the headers say of the service's limits.
  virtual rate_hint limits(const http_response& r, std::int64_t now_ms) const = 0;
};

/// The dialect of a kind of provider; null: the kind speaks none.
std::unique_ptr<const dialect> dialect_of(std::string_view kind);

} // namespace providers
