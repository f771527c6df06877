// redact.hpp -- secrets never reach the ledger or a log (L8).
//
// A *known secret* is the value (12 bytes or more) of an environment variable
// whose name says so, or a line of a file that `scope.secrets` matches. The
// redacted text *is* the answer: redaction comes before hashing, validating
// and use.
//
//   1. No known secret is in any text that redact() returned, also where two
//      secrets overlap.
//   2. Redaction is idempotent and depends only on the text and the set.
//
// Pure: the environment and the files are handed in.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ledger {

/// Shortest value that counts as a secret, bytes: shorter ones would blot out
/// ordinary words.
inline constexpr std::size_t min_secret_bytes = 12;

class redactor {
public:
  redactor() = default;
  /// Values shorter than min_secret_bytes are dropped.
  explicit redactor(std::vector<std::string> secrets);

  /// `text` with every known secret replaced by `[redacted]`.
  std::string redact(std::string text) const;
  /// Line (from 1) of the first known secret in `text`; 0: none.
  std::uint32_t line_of_secret(std::string_view text) const;
  bool empty() const noexcept { return secrets_.empty(); }

private:
  std::vector<std::string> secrets_; // Longest first, unique.
};

/// Whether a variable of this name holds a secret: *_KEY, *_TOKEN, *_SECRET,
/// *PASSWORD*, or one of `named` (api_key_env, token_env).
bool names_secret(std::string_view variable, const std::vector<std::string>& named);

/// The secrets in the content of a file that scope.secrets matches: the value
/// of each `KEY=value` or `key: value` line without quotes, else the trimmed
/// line; comments (`#`) and PEM armour lines are none.
std::vector<std::string> secrets_in(std::string_view file_content);

} // namespace ledger
