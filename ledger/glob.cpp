#include "ledger/glob.hpp"

#include "ledger/text.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include <utf8proc.h>

namespace ledger {

namespace {

struct free_bytes {
  void operator()(utf8proc_uint8_t* p) const noexcept { std::free(p); }
};

bool is_ascii(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// NFKC_Casefold of valid UTF-8.
std::string casefolded(std::string_view text) {
  if (is_ascii(text))
    return lowered_ascii(text);
  constexpr auto how = static_cast<utf8proc_option_t>(
      UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
  utf8proc_uint8_t* raw = nullptr;
  auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                           static_cast<utf8proc_ssize_t>(text.size()), &raw, how);
  std::unique_ptr<utf8proc_uint8_t, free_bytes> owned(raw);
  if (size < 0)
    return lowered_ascii(text); // Out of memory, or a length beyond any path's.
  return std::string(reinterpret_cast<const char*>(raw), static_cast<std::size_t>(size));
}

/// casefolded() of the runs that are UTF-8; other bytes stay.
std::string casefolded_lossless(std::string_view text) {
  if (is_ascii(text))
    return lowered_ascii(text);
  std::string out;
  std::size_t valid = 0;
  while (valid < text.size()) {
    auto count = utf8_length(text.substr(valid));
    if (count > 0) {
      valid += count;
      continue;
    }
    out += casefolded(text.substr(0, valid));
    out += text[valid];
    text.remove_prefix(valid + 1);
    valid = 0;
  }
  return out + casefolded(text);
}

std::vector<std::string_view> components_of(std::string_view path) {
  std::vector<std::string_view> out;
  for (;;) {
    auto slash = path.find('/');
    out.push_back(path.substr(0, slash));
    if (slash == path.npos)
      return out;
    path.remove_prefix(slash + 1);
  }
}

std::size_t char_length(std::string_view text) noexcept {
  return std::max<std::size_t>(utf8_length(text), 1);
}

/// `*` and `?` within one component. After a mismatch only the last star need
/// take one character more, so this is quadratic at worst.
bool component_matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = pattern.npos, taken = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && pattern[p] == '?') {
      ++p;
      n += char_length(name.substr(n));
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != pattern.npos) {
      p = star + 1;
      taken += char_length(name.substr(taken));
      n = taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == pattern.npos;
}

/// The same over components, with `**` for any number of them.
bool components_match(std::span<const std::string_view> pattern,
                      std::span<const std::string_view> path) {
  std::size_t p = 0, n = 0, star = pattern.size(), taken = 0;
  while (n < path.size()) {
    if (p < pattern.size() && pattern[p] == "**") {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && component_matches(pattern[p], path[n])) {
      ++p;
      ++n;
    } else if (star != pattern.size()) {
      p = star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  return std::all_of(pattern.begin() + static_cast<std::ptrdiff_t>(p), pattern.end(),
                     [](std::string_view c) { return c == "**"; });
}

/// Rules 1 and 2, spelled with `**` only. Empty if the pattern matches nothing.
std::string spelled_out(std::string_view pattern) {
  while (pattern.starts_with("./"))
    pattern.remove_prefix(2);
  bool bound = pattern.starts_with('/');
  if (bound)
    pattern.remove_prefix(1);
  if (pattern.empty())
    return {};
  std::string out(pattern);
  bool folder = out.back() == '/';
  if (folder)
    out.pop_back();
  if (!bound && out.find('/') == out.npos)
    out.insert(0, "**/");
  if (folder)
    out += "/**";
  if (out.ends_with("/**")) // Below the folder: one component at least.
    out += "/*";
  return out;
}

bool matches(std::string_view pattern, std::string_view path) {
  auto full = spelled_out(pattern);
  return !full.empty() && !path.empty()
         && components_match(components_of(full), components_of(path));
}

/// A name without what some file systems do not see of it.
std::string_view bare(std::string_view component, bool cuts_stream) {
  if (cuts_stream)
    component = component.substr(0, component.find(':'));
  auto last = component.find_last_not_of(". ");
  return component.substr(0, last == component.npos ? 0 : last + 1);
}

std::string bare_path(std::string_view casefolded_path, bool cuts_streams) {
  std::string out;
  out.reserve(casefolded_path.size());
  bool first = true;
  for (auto part : components_of(casefolded_path)) {
    if (!first)
      out += '/';
    first = false;
    out += bare(part, cuts_streams);
  }
  return out;
}

/// Whether bare_path would leave it as it is, as nearly every path.
bool is_bare(std::string_view path) noexcept {
  for (std::size_t i = 0; i < path.size(); ++i) {
    bool ends = i + 1 == path.size() || path[i + 1] == '/';
    if (path[i] == ':' || (ends && (path[i] == '.' || path[i] == ' ')))
      return false;
  }
  return true;
}

/// Whether the path, or a folder that it lies in, matches.
bool covers(std::string_view pattern, std::string_view path) {
  auto full = spelled_out(pattern);
  if (full.empty() || path.empty())
    return false;
  auto shape = components_of(full);
  auto all = components_of(path);
  // A path that begins with a slash lies in a folder without a name.
  for (std::size_t n = path.front() == '/' ? 2 : 1; n <= all.size(); ++n)
    if (components_match(shape, std::span(all).first(n)))
      return true;
  return false;
}

using readings = std::array<std::string, 3>;

/// Whether `use` holds of pattern and path in one of their readings.
template <class Use>
bool in_any_reading(std::string_view pattern, const readings& names, Use use) {
  auto shapes = readings_of(pattern);
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    bool known = i > 0 && shapes[i] == shapes[i - 1] && names[i] == names[i - 1];
    if (!known && use(shapes[i], names[i]))
      return true;
  }
  return false;
}

} // namespace

std::array<std::string, 3> readings_of(std::string_view path) {
  auto whole = casefolded_lossless(path);
  if (is_bare(whole))
    return {whole, whole, whole};
  return {bare_path(whole, true), bare_path(whole, false), whole};
}

bool glob_matches(std::string_view pattern, std::string_view path) {
  return in_any_reading(pattern, readings_of(path), matches);
}

bool glob_matches_exactly(std::string_view pattern, std::string_view path) {
  return matches(pattern, path);
}

bool glob_matches_name(std::string_view pattern, std::string_view name) {
  return component_matches(pattern, name);
}

bool glob_covers(std::string_view pattern, std::string_view path) {
  return in_any_reading(pattern, readings_of(path), covers);
}

std::string folded(std::string_view path) {
  return bare_path(casefolded_lossless(path), true);
}

bool any_glob_covers(const std::vector<std::string>& patterns, std::string_view path) {
  auto names = readings_of(path);
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](auto& pattern) { return in_any_reading(pattern, names, covers); });
}

bool is_repository_path(std::string_view path) {
  auto odd = [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || c == '\\';
  };
  if (path.empty() || std::any_of(path.begin(), path.end(), odd))
    return false;
  // A name that folds to nothing (`..`, `. .`, `．．`) is `.` or `..` somewhere.
  for (auto part : components_of(folded(path)))
    if (part.empty())
      return false;
  for (auto part : components_of(path))
    if (part.empty())
      return false;
  return true;
}

} // namespace ledger
