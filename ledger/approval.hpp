// approval.hpp -- where a person wants to be asked.
//
// A task may have to wait for a person before step 4 (implement: before any
// code is written) or step 8 (deliver: before anything is committed or
// deployed). Two may wish it: the prompt's front matter, for its own task and
// fixed when that is opened, and `[approve]` of the configuration, for all, read
// when the gate is near. Either asks for it, neither lifts what the other wants.
//
// Pure.

#pragma once

#include "ledger/step_table.hpp"

#include <optional>
#include <string_view>

namespace ledger {

struct approvals {
  bool implement = false;
  bool deploy = false;
  friend bool operator==(const approvals&, const approvals&) = default;
};

/// Whether a person is wanted before step `s`.
constexpr bool wants_at(const approvals& a, step s) noexcept {
  return (s == step::implement && a.implement) || (s == step::deliver && a.deploy);
}

constexpr approvals both(const approvals& a, const approvals& b) noexcept {
  return {a.implement || b.implement, a.deploy || b.deploy};
}

/// As front matter and records spell it; empty: at no step.
constexpr std::string_view to_string(const approvals& a) noexcept {
  return a.implement && a.deploy ? "both" : a.implement ? "implement" : a.deploy ? "deploy" : "";
}

/// The inverse; nothing: it is no such word.
constexpr std::optional<approvals> approvals_named(std::string_view word) noexcept {
  for (auto a :
       {approvals{}, approvals{true, false}, approvals{false, true}, approvals{true, true}})
    if (to_string(a) == word)
      return a;
  return std::nullopt;
}

} // namespace ledger
