// redacted_output.hpp -- what a child printed, without secrets.
//
// Where output is cut, no half of a secret is left on either side.

#pragma once

#include "ledger/redact.hpp"
#include "providers/bounded_text.hpp"
#include "providers/process.hpp"

#include <string>
#include <utility>

namespace providers {

inline std::string redacted(const ledger::redactor& secrets, std::string text,
                            const text_cut& cut) {
  if (cut.missing == 0)
    return secrets.redact(std::move(text));
  const auto after = cut.at + bounded_text::cut_line(cut.missing).size();
  auto head = secrets.redact_before_cut(text.substr(0, cut.at));
  const auto tail = secrets.redact_after_cut(text.substr(after));
  return head + bounded_text::cut_line(cut.missing) + tail;
}

} // namespace providers
