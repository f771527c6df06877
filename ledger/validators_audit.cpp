// The rules for audits, reports and verifications: texts that list no scope.

#include "ledger/glob.hpp"
#include "ledger/text.hpp"
#include "ledger/validators.hpp"

#include <algorithm>
#include <array>
#include <unordered_set>

#include <fmt/format.h>

namespace ledger {

namespace {

constexpr std::size_t audit_bytes_min = 400;
constexpr std::array<std::string_view, 4> audit_titles{"System behavior", "Schema drift",
                                                       "Normalization gaps", "Broken workflows"};
constexpr std::array<std::string_view, 2> report_titles{"What changed", "Why"};
constexpr std::array<std::string_view, 2> verify_titles{"Consistency", "Remaining risks"};
constexpr std::array<std::string_view, 1> review_titles{"Requested changes"};

bool in_base(const case_file& c, std::string_view path) {
  return c.exists_in_base && is_repository_path(path) && c.exists_in_base(path);
}

bool is_path_char(char c) {
  return is_word_char(c) || std::string_view("_-./+@~#$%").find(c) != std::string_view::npos;
}

/// Calls `use(word, whether it had a slash)` for every run of path characters,
/// without leading `./` and trailing dots and slashes.
template <class Use>
void each_word(std::string_view text, Use use) {
  for (std::size_t at = 0; at < text.size();) {
    if (!is_path_char(text[at])) {
      ++at;
      continue;
    }
    auto start = at;
    while (at < text.size() && is_path_char(text[at]))
      ++at;
    auto word = text.substr(start, at - start);
    while (word.starts_with("./"))
      word.remove_prefix(2);
    auto had_slash = word.find('/') != word.npos;
    auto last = word.find_last_not_of("./");
    word = word.substr(0, last == word.npos ? 0 : last + 1);
    if (!word.empty())
      use(word, had_slash);
  }
}

bool has_inner_dot(std::string_view word) {
  auto dot = word.find('.', 1);
  return word.size() > 2 && dot != word.npos && dot + 1 < word.size();
}

/// The code spans of a text, line by line.
template <class Use>
void each_span(std::string_view text, Use use) {
  for (auto& l : lines_of(text))
    for (auto& span : code_spans(l.text))
      use(std::string_view(span));
}

/// Whether a text names a file or folder of the base, plainly or as a span.
bool names_one_of_base(std::string_view text, const case_file& c) {
  auto paths = paths_named(text);
  if (std::any_of(paths.begin(), paths.end(), [&](auto& p) { return in_base(c, p); }))
    return true;
  bool found = false;
  each_span(text, [&](std::string_view span) { found = found || in_base(c, span); });
  return found;
}

/// The paths in the headers of the patches that a prompt carries.
std::vector<std::string> patched_paths(std::string_view prompt) {
  std::vector<std::string> out;
  for (auto& l : lines_of(prompt))
    for (std::string_view head : {"--- a/", "+++ b/", "rename from ", "rename to "})
      if (l.text.starts_with(head))
        out.emplace_back(trimmed(l.text.substr(head.size(), l.text.find('\t') - head.size())));
  return out;
}

/// Whether the audit speaks of at least one path that the prompt names, if it
/// names any. The base is asked last: that may cost a look into git.
bool speaks_of_the_prompt(std::string_view audit, const case_file& c) {
  std::unordered_set<std::string> words;
  each_word(audit, [&](std::string_view word, bool) { words.emplace(word); });
  each_span(audit, [&](std::string_view span) { words.emplace(span); });
  auto patched = patched_paths(c.prompt);
  auto named = paths_named(c.prompt);
  auto spoken_of = [&](auto& path) { return words.contains(path); };
  auto is_real = [&](auto& path) { return in_base(c, path); };
  if (std::any_of(patched.begin(), patched.end(), spoken_of)
      || std::any_of(named.begin(), named.end(),
                     [&](auto& path) { return spoken_of(path) && is_real(path); }))
    return true;
  return patched.empty() && std::none_of(named.begin(), named.end(), is_real);
}

/// A body's first words, without bullets and markup, lowered.
std::string opening_words(std::string_view body) {
  auto text = trimmed(body);
  auto start = text.find_first_not_of("-*+_`> \t\r\n");
  return lowered_ascii(text.substr(start == text.npos ? text.size() : start, 40));
}

bool claims_nothing(std::string_view body) {
  auto words = opening_words(body);
  for (std::string_view claim : {"none", "nothing", "n/a"})
    if (words.starts_with(claim)
        && (words.size() == claim.size() || !is_word_char(words[claim.size()])))
      return true;
  return false;
}

/// "Fixes for the parser", not "Fixtures": by the title's first word.
bool announces_suggestions(std::string_view title) {
  auto end = std::find_if_not(title.begin(), title.end(), is_word_char);
  auto word = lowered_ascii(title.substr(0, static_cast<std::size_t>(end - title.begin())));
  if (word.starts_with("recommend"))
    return true;
  for (std::string_view banned : {"implementation", "implementations", "fix", "fixes", "fixing"})
    if (word == banned)
      return true;
  return false;
}

void demand_sections_of_audit(std::string_view text, const case_file& c, faults& out) {
  outline o(text, audit_titles);
  o.demand(audit_titles, out);
  for (auto title : audit_titles) {
    auto* s = find_section(o.all(), title);
    auto bodies = s ? o.bodies(*s) : std::vector<std::string_view>{};
    if (bodies.empty() || !claims_nothing(bodies.front()))
      continue;
    if (std::none_of(bodies.begin(), bodies.end(),
                     [&](auto body) { return names_one_of_base(body, c); }))
      out.push_back(fmt::format("The section *{}* finds nothing but names no existing path that "
                                "was looked at; write `none found` and the paths.",
                                title));
  }
  for (auto& s : o.all())
    if (announces_suggestions(s.title))
      out.push_back(fmt::format("Line {}: the heading {} announces suggestions; an audit makes "
                                "none, so leave that section out.",
                                s.line, excerpt(s.title)));
}

} // namespace

std::vector<std::string> paths_named(std::string_view text) {
  std::vector<std::string> out;
  std::unordered_set<std::string> seen;
  auto add = [&](std::string_view path) {
    if (is_repository_path(path) && seen.emplace(path).second)
      out.emplace_back(path);
  };
  for (auto& l : lines_of(text)) {
    // Spans may hold what prose may not: `app/[id]/page.tsx`.
    for (auto& span : code_spans(l.text))
      if (span.find_first_of(" \t*?()<>{}=,;'\"") == span.npos
          && (span.find('/') != span.npos || has_inner_dot(span)))
        add(span);
    each_word(l.text, [&](std::string_view word, bool had_slash) {
      if (had_slash || has_inner_dot(word))
        add(word);
    });
  }
  return out;
}

faults audit_faults(std::string_view text, const case_file& c) {
  faults out;
  if (trimmed(text).size() < audit_bytes_min)
    out.push_back(fmt::format("The audit has {} bytes; {} are the least for a broad audit.",
                              trimmed(text).size(), audit_bytes_min));
  demand_sections_of_audit(text, c, out);
  if (!names_one_of_base(text, c))
    out.push_back("The audit names no path that exists in the repository; refer to concrete "
                  "files, each in back ticks.");
  if (!speaks_of_the_prompt(text, c))
    out.push_back("The audit speaks of none of the paths that the prompt names; look at them and "
                  "name them in back ticks.");
  if (holds_patch(text))
    out.push_back("The audit holds a patch; describe the system and leave code changes out.");
  return out;
}

faults report_faults(std::string_view text, const case_file& c, bool is_fix) {
  faults out;
  outline o(text, report_titles);
  o.demand(report_titles, out);
  if (is_fix && find_section(o.all(), "Files"))
    add_file_faults(text, c, "fix", out);
  return out;
}

faults final_verify_faults(std::string_view text) {
  faults out;
  outline o(text, verify_titles);
  o.demand(verify_titles, out);
  if (holds_patch(text))
    out.push_back("The verification holds a patch; it may make no change requests, so leave it "
                  "out.");
  return out;
}

requested requested_changes(std::string_view text) {
  outline o(text, review_titles);
  auto found = requested::unsaid;
  for (auto& s : o.all()) {
    if (!titled(s, review_titles.front()))
      continue;
    auto bodies = o.bodies(s);
    if (bodies.size() > 1)
      return requested::something;
    std::size_t lines = 0;
    bool none = true;
    for (auto& l : lines_of(bodies.front())) {
      auto one = trimmed(l.text);
      if (one.empty() || (!l.in_fence && one.size() >= 3 && one.find_first_not_of('-') == one.npos))
        continue; // A rule across the page before the verdict.
      ++lines;
      if (one.starts_with("- ") || one.starts_with("* ") || one.starts_with("+ "))
        one = trimmed(one.substr(2));
      if (one.ends_with('.'))
        one.remove_suffix(1);
      none = none && !l.in_fence && lowered_ascii(one) == "none";
    }
    if (!none || lines > 1)
      return requested::something;
    if (lines == 1)
      found = requested::nothing;
  }
  return found;
}

} // namespace ledger
