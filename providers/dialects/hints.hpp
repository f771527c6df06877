// hints.hpp -- when services say that they may be asked again.
//
//   1. What cannot be read is no hint; nothing throws.
//   2. No wait is negative or longer than max_wait.
//
// Pure: `now_ms` is Unix time.

#pragma once

#include "providers/http.hpp"
#include "providers/throttle.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace providers::dialects {

inline constexpr std::chrono::milliseconds max_wait = std::chrono::hours{24 * 366};

/// The value of a header (name in lower case), or empty.
std::string_view header_in(const http_response& r, std::string_view name);

/// `12ms`, `6m0s`, `1h2m3.5s`.
std::optional<std::chrono::milliseconds> duration_in(std::string_view text);
/// `2026-11-25T23:01:00Z`, also with fractions and offsets, as Unix time.
std::optional<std::int64_t> rfc3339_ms(std::string_view text);
/// `Wed, 25 Nov 2026 23:01:00 GMT`, as Unix time.
std::optional<std::int64_t> http_date_ms(std::string_view text);

/// `retry-after` (seconds or a date), or `retry-after-ms`.
std::optional<std::chrono::milliseconds> retry_after(const http_response& r, std::int64_t now_ms);
/// The headers `x-ratelimit-*` and `anthropic-ratelimit-*`.
rate_hint limits_in(const http_response& r, std::int64_t now_ms);
/// When a limit that was hit is likely to be gone.
std::optional<std::chrono::milliseconds> until_reset(const rate_hint& hint);

} // namespace providers::dialects
