// prompt.hpp -- a task's name and its prompt's front matter.
//
// *Front matter* exists only if line 1 is `---`, a closing `---` follows and a
// line between starts with a known key; then every line must parse. Known
// keys: depends_on, priority, approve, allow.
//
//   1. A name is `[A-Za-z0-9][A-Za-z0-9._-]{0,127}` and a valid component of a
//      git ref: no `..`, no trailing `.`, no trailing `.lock`.
//   2. Without a known key the whole file is prose.
//   3. A wrong value is an error that names its line: never ignored.
//
// Pure. Source: git-check-ref-format(1).

#pragma once

#include "ledger/approval.hpp"
#include "ledger/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ledger {

/// Largest prompt, bytes.
inline constexpr std::size_t max_prompt_bytes = 1024 * 1024;

/// Why `name` cannot name a task, as a sentence with the remedy; empty if it can.
std::string why_no_task_name(std::string_view name);

struct front_matter {
  std::int32_t priority = 0;
  std::vector<std::string> depends_on; ///< Tasks that have to be done before.
  std::vector<std::string> allow;
  approvals approve;
  friend bool operator==(const front_matter&, const front_matter&) = default;
};

/// Errors: refused, naming the line.
result<front_matter> parse_front_matter(std::string_view prompt);

/// Whether `text` is UTF-8 without NUL; if not, `*bad_line` gets the line.
bool is_text(std::string_view text, std::uint32_t* bad_line);

} // namespace ledger
