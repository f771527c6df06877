// result.hpp -- how a failure travels.
//
// Every function that can fail for a reason outside our own code returns
// result<T>. A broken promise inside our own code is an assertion, not a
// result. Nothing in this project throws across a folder boundary.
//
//   1. The kind says what the caller must do; the detail is for people only
//      and nobody parses it.
//   2. The code is a short stable word ("no-fix-left") that becomes the reason
//      of a parked or stopped task. It is empty where the kind says enough.

#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace ledger {

/// What went wrong, coarse enough to branch on.
enum class fault : std::uint8_t {
  not_found,   ///< The named thing does not exist.
  corrupt,     ///< Bytes on disk break a rule of this format.
  refused,     ///< A gate, a scope or a limit said no. Retrying cannot help.
  unavailable, ///< The outside world failed. Retrying may help.
  lost,        ///< fsync failed: what we wrote may be gone. Stop, then replay.
};

struct failure {
  fault kind;
  std::string detail;    ///< "append Fix-Footer: No space left on device"
  std::string code = {}; ///< See 2 above.
};

template <class T>
using result = tl::expected<T, failure>;

/// Shorthand for `return fail(fault::refused, "…")`.
inline tl::unexpected<failure> fail(fault kind, std::string detail, std::string code = {}) {
  return tl::make_unexpected(failure{kind, std::move(detail), std::move(code)});
}

/// The word for a kind, as `show` and the journal write it.
constexpr std::string_view to_string(fault kind) noexcept {
  switch (kind) {
    case fault::not_found:
      return "not-found";
    case fault::corrupt:
      return "corrupt";
    case fault::refused:
      return "refused";
    case fault::unavailable:
      return "unavailable";
    case fault::lost:
      return "lost";
  }
  return "unknown";
}

} // namespace ledger
