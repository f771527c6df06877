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
//   3. Half a secret is one too: of a text that was cut, redact_before_cut() and
//      redact_after_cut() leave no part of one that the cut fell into.
//
// Pure: the environment and the files are handed in.

#pragma once

#include "ledger/record.hpp"

#include <cstddef>
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
  /// One more, under the same condition.
  void add(std::string secret);

  /// `text` with every known secret replaced by `[redacted]`.
  std::string redact(std::string text) const;
  /// The same, of a text whose further part is not known: less its last
  /// longest() - 1 bytes, which may begin a secret.
  std::string redact_before_cut(std::string text) const;
  /// Of a text whose former part is not known: less its first bytes.
  std::string redact_after_cut(std::string text) const;
  /// Line (from 1) of the first known secret in `text`; 0: none.
  std::uint32_t line_of_secret(std::string_view text) const;
  bool empty() const noexcept { return secrets_.empty(); }
  /// Bytes of the longest secret; 0: there is none.
  std::size_t longest() const noexcept { return secrets_.empty() ? 0 : secrets_.front().size(); }

private:
  std::size_t margin_bytes() const noexcept { return secrets_.empty() ? 0 : longest() - 1; }
  std::vector<std::string> secrets_; // Longest first, unique.
};

/// Every text in `value`, names of members too, redacted. A name may be a secret
/// as well.
void redact_values(json& value, const redactor& secrets);

/// Whether a variable of this name holds a secret: *_KEY, *_TOKEN, *_SECRET,
/// *PASSWORD*, or one of `named` (api_key_env, token_env).
bool names_secret(std::string_view variable, const std::vector<std::string>& named);

/// The secrets in the content of a file that scope.secrets matches: the value
/// of each `KEY=value` or `key: value` line without quotes, else the trimmed
/// line; comments (`#`) and PEM armour lines are none.
std::vector<std::string> secrets_in(std::string_view file_content);

} // namespace ledger
