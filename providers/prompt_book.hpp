// prompt_book.hpp -- what each role is told, and how a request becomes a prompt.
//
// A *prompt book* holds one text for each step in which an AI speaks, and one
// that is common to all. They stand in providers/prompts/, are put into the
// program when it is built, and can be replaced one by one from a folder of the
// user's, the *overrides*.
//
//   1. The system text is the same for every task: no name, time or path in it.
//   2. A file's content stands between lines with a *mark* that is worked out from
//      all files together: no content can close its envelope or imitate another.
//   3. The same request gives the same prompt, byte for byte, and parts that
//      attempts have in common come first.
//   4. Every part is UTF-8: what is none in a file becomes U+FFFD.
//   5. Long logs are told by their head and tail, and what was left out is said;
//      no other file is ever cut.
//
// Reads the overrides once, in open(); else pure.

#pragma once

#include "ledger/result.hpp"
#include "ledger/step_table.hpp"
#include "providers/conversation.hpp"
#include "providers/provider.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace providers {

/// Most bytes of one text of the overrides.
inline constexpr std::size_t prompt_text_bytes_max = 256 * 1024;

/// Most bytes of a log (a ledger file `*.log`) that a prompt tells.
inline constexpr std::size_t prompt_log_bytes_max = 192 * 1024;

class prompt_book {
public:
  /// With the texts of the folder `overrides` (empty: none) in place of ours:
  /// `common.md`, and one for each step. Errors: not_found (no such folder);
  /// refused, naming the file (unknown name, empty, too large, not UTF-8);
  /// unavailable.
  static ledger::result<prompt_book> open(const std::filesystem::path& overrides);

  /// What whoever speaks in step `at` is told first; empty where no AI speaks.
  const std::string& system_text(ledger::step at) const;

  /// The file of the step's own text, without `.md`: "fix" for `test`; empty
  /// where no AI speaks.
  static std::string_view name_of(ledger::step at) noexcept;

private:
  prompt_book() = default;

  std::map<ledger::step, std::string> system_;
};

/// The system text of the request's step, its files in the request's order, then
/// the evidence, the complaints, and what is to be done now. Without a cache key.
prompt prompt_for(const prompt_book& book, const request& r, std::span<const tool_spec> tools);

/// What tells the beginning of a step's prompts (system text and tools) from any other.
std::string cache_key_for(const prompt_book& book, ledger::step at,
                          std::span<const tool_spec> tools);

/// At most how many bytes of the request's own texts its prompt tells.
std::uint64_t told_bytes(const request& r);

} // namespace providers
