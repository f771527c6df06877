#include "providers/tools/search.hpp"

#include "ledger/glob.hpp"
#include "ledger/text.hpp"
#include "providers/tools.hpp"
#include "providers/tools/words.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace providers::tools {

namespace {

constexpr std::size_t pattern_bytes_max = 1000;
/// When RE2's automaton outgrows its memory, it takes a step for each byte and
/// instruction. No search takes more of them than this many for each byte of the
/// whole budget; patterns that people write have fewer instructions.
constexpr std::uint64_t instructions_at_full_budget = 40;
constexpr int instructions_max = 10'000;
/// Of a file, read at once.
constexpr std::uint64_t chunk_bytes = 8 * 1024 * 1024;
/// Of a line that matches: the most that is shown of it, around the match.
constexpr std::size_t line_shown_max = 240;
constexpr std::size_t before_match_max = 80;
constexpr std::size_t matches_bytes_max = result_bytes_max - 2 * 1024;

/// The line, or the piece of it around the match.
std::string excerpt_of(std::string_view line, std::size_t match) {
  if (line.size() <= line_shown_max)
    return shown(line);
  auto begin = match > before_match_max ? match - before_match_max : 0;
  while (begin > 0 && begin < line.size()
         && (static_cast<unsigned char>(line[begin]) & 0xc0) == 0x80 && match - begin < 90)
    --begin; // To the beginning of a character.
  const auto piece = cut_at_character(line.substr(begin), line_shown_max);
  return fmt::format("{}{}{} [line of {} bytes]", begin > 0 ? "…" : "", shown(piece),
                     begin + piece.size() < line.size() ? "…" : "", with_commas(line.size()));
}

struct findings {
  std::string body;
  std::size_t matches = 0, files = 0;
  std::size_t binary = 0, unreadable = 0;
  std::uint64_t bytes = 0; ///< Looked into.
  bool full = false;       ///< There are more, or there may be.
};

/// Where a line matches; nothing: nowhere.
std::optional<std::size_t> match_in(const RE2& pattern, std::string_view line) {
  re2::StringPiece match;
  if (!pattern.Match(re2::StringPiece(line.data(), line.size()), 0, line.size(), RE2::UNANCHORED,
                     &match, 1))
    return std::nullopt;
  return static_cast<std::size_t>(match.data() - line.data());
}

void search_file(const RE2& pattern, const curtain& c, const std::string& path,
                 std::string_view content, findings& f) {
  const auto name = shown_on_one_line(path);
  bool matched = false;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < content.size() && !f.full;) {
    auto end = std::min(content.find('\n', begin), content.size());
    auto line = content.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (!line.empty() && line.back() == '\r')
      line.remove_suffix(1);
    if (!match_in(pattern, line))
      continue;
    // It must match without its secrets too: else patterns would guess them.
    const auto plain = c.without_secrets(line);
    const auto match = match_in(pattern, plain);
    if (!match)
      continue;
    const auto text = fmt::format("{}:{}: {}\n", name, number, excerpt_of(plain, *match));
    f.full = f.matches == matches_max || f.body.size() + text.size() > matches_bytes_max;
    if (f.full)
      break;
    f.body += text;
    ++f.matches;
    f.files += matched ? 0 : 1;
    matched = true;
  }
}

/// Files from `next` on that are read at once. Moves `next`.
std::vector<const file_entry*> chunk_of(const std::vector<const file_entry*>& files,
                                        std::size_t& next, std::uint64_t bytes_max) {
  std::vector<const file_entry*> chunk;
  std::uint64_t bytes = 0;
  for (; next < files.size(); ++next) {
    // A larger one is not read.
    const auto size = files[next]->bytes > file_bytes_max ? 0 : files[next]->bytes;
    if (bytes + size > bytes_max || (bytes + size > chunk_bytes && !chunk.empty()))
      break;
    bytes += size;
    chunk.push_back(files[next]);
  }
  return chunk;
}

std::string header_of(const findings& f, std::size_t not_reached, std::uint64_t budget) {
  auto words =
      f.matches == 0
          ? std::string("No line matches")
          : fmt::format("{} in {}",
                        f.matches == 1 ? "1 line matches" : with_commas(f.matches) + " lines match",
                        counted(f.files, "file"));
  if (f.full)
    words += "; more are left out: narrow with `glob` or a longer pattern";
  else if (not_reached > 0)
    words += fmt::format("; {} not searched, because one search with a pattern of this size looks "
                         "into at most {} bytes: narrow with `glob`, or use a smaller pattern",
                         counted(not_reached, "file"), with_commas(budget));
  if (f.binary > 0)
    words += fmt::format("; {} left out", counted(f.binary, "binary file"));
  if (f.unreadable > 0)
    words += fmt::format("; {} left out that cannot be read or have more than {} bytes",
                         counted(f.unreadable, "file"), with_commas(file_bytes_max));
  return words + (f.matches == 0 ? ".\n" : ":\n");
}

/// Empty: it is one.
std::string why_no_pattern(const std::string& text, const RE2& pattern) {
  if (!pattern.ok())
    return fmt::format("invalid regular expression (RE2): {}; a character that stands for itself "
                       "needs a backslash, and there are no look-arounds or back references",
                       shown_on_one_line(pattern.error(), 300));
  if (pattern.ProgramSize() > instructions_max)
    return "the pattern is too large: use fewer or smaller counted repetitions and classes";
  return text.empty() ? "the pattern is empty" : "";
}

} // namespace

tool_result search(file_source& s, const curtain& c, arguments& a) {
  const auto text = a.text("pattern");
  const auto glob = a.optional_text("glob");
  const auto ignore_case = a.flag("ignore_case");
  if (!a.error().empty())
    return refused(a.error());
  if (text.size() > pattern_bytes_max)
    return refused(fmt::format("search: the pattern has {} bytes; at most {} are taken",
                               with_commas(text.size()), with_commas(pattern_bytes_max)));
  RE2::Options options(RE2::Quiet);
  options.set_case_sensitive(!ignore_case);
  const RE2 pattern(text, options);
  if (auto why = why_no_pattern(text, pattern); !why.empty())
    return refused("search: " + why);
  auto all = s.files();
  if (!all)
    return not_done(all.error());
  std::vector<const file_entry*> files;
  for (const auto& f : **all)
    if (f.kind == file_kind::regular && (!glob || ledger::glob_matches_exactly(*glob, f.path)))
      files.push_back(&f);
  if (files.empty())
    return told("No file matches the glob. In it `*` and `?` stop at `/`, `**` stands for any "
                "folders; braces and brackets stand for themselves.\n");
  const auto instructions = static_cast<std::uint64_t>(std::max(pattern.ProgramSize(), 1));
  const auto budget = searched_bytes_max * instructions_at_full_budget
                      / std::max(instructions, instructions_at_full_budget);
  findings f;
  std::size_t next = 0;
  while (next < files.size() && !f.full) {
    const auto chunk = chunk_of(files, next, budget - std::min(budget, f.bytes));
    if (chunk.empty())
      break; // The budget is spent.
    auto contents = s.read_all(chunk);
    if (!contents)
      return not_done(contents.error());
    for (std::size_t i = 0; i < chunk.size() && !f.full; ++i) {
      const auto& content = (*contents)[i];
      f.bytes += content ? content->size() : 0;
      if (!content)
        ++f.unreadable;
      else if (is_binary(*content))
        ++f.binary;
      else
        search_file(pattern, c, chunk[i]->path, *content, f);
    }
  }
  return told(header_of(f, files.size() - next, budget) + f.body);
}

} // namespace providers::tools
