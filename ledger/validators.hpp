// validators.hpp -- the rules for each kind of answer, as lists of faults.
//
// A *fault* is a sentence that tells a model what its answer lacks and what to
// write instead. Only judge.cpp calls these; it decides what follows.
//
//   1. An empty list means that the answer keeps every rule of its kind.
//   2. Texts are given without their verdict line.
//
// Pure. Source: design, "Validators".

#pragma once

#include "ledger/judge.hpp"
#include "ledger/markdown.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ledger {

using faults = std::vector<std::string>;
using titles = std::span<const std::string_view>;

/// A text's sections, read for the titles that one kind of answer must have.
class outline {
public:
  outline(std::string_view text, titles known)
      : all_(sections_of(text))
      , known_(known) {}

  const std::vector<section>& all() const noexcept { return all_; }
  std::size_t count(std::string_view title) const;
  /// The body of the section `title` and those of its own subsections, except
  /// such as have a known title themselves. Empty: no such section.
  std::vector<std::string_view> bodies(const section& s) const;
  /// The same, but lines of bold text have no rank: below one of them every
  /// section belongs to it up to the next known title. For lists that forbid.
  std::vector<std::string_view> bodies_up_to_known(const section& s) const;
  /// Adds a fault for each of `wanted` that is missing or says nothing.
  void demand(titles wanted, faults& out) const;

private:
  bool is_known(const section& s) const;

  std::vector<section> all_;
  titles known_;
};

/// Whether a body says anything: a letter or digit outside markup.
bool says_something(std::string_view body);

/// A decisions text's allowance, and what is wrong with it.
struct allowance_reading {
  allowance value;
  faults wrong;
};
allowance_reading read_allowance_closely(std::string_view decisions);

faults audit_faults(std::string_view text, const case_file& c);
faults decisions_faults(std::string_view text, const case_file& c);
faults plan_faults(std::string_view text, const case_file& c);
/// Adds what is wrong with the section *Files* of a `kind` (plan or fix).
void add_file_faults(std::string_view text, const case_file& c, std::string_view kind, faults& out);
/// Of apply.md; and of fix-<N>.md, which may name further files.
faults report_faults(std::string_view text, const case_file& c, bool is_fix);
faults final_verify_faults(std::string_view text);

/// What a post-implement audit asks for.
enum class requested : std::uint8_t { unsaid, nothing, something };
requested requested_changes(std::string_view text);

} // namespace ledger
