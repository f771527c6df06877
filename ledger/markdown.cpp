#include "ledger/markdown.hpp"

#include "ledger/text.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace ledger {

namespace {

/// The run of fence characters that a line opens or closes a block with.
struct fence {
  char mark = 0;
  std::size_t length = 0;
  std::string_view info; ///< What follows, trimmed.
};

std::optional<fence> fence_of(std::string_view text, std::size_t indent_max) {
  auto start = text.find_first_not_of(" \t");
  if (start == text.npos || start > indent_max || (text[start] != '`' && text[start] != '~'))
    return std::nullopt;
  // A tab is four columns: indented code, unless the caller allows any depth.
  if (indent_max <= 3 && text.substr(0, start).find('\t') != text.npos)
    return std::nullopt;
  text.remove_prefix(start);
  auto mark = text.front();
  auto length = std::min(text.find_first_not_of(mark), text.size());
  auto info = trimmed(text.substr(length));
  if (length < 3 || (mark == '`' && info.find('`') != info.npos))
    return std::nullopt;
  return fence{mark, length, info};
}

bool closes(const fence& open, std::string_view text) {
  auto f = fence_of(text, 3);
  return f && f->mark == open.mark && f->length >= open.length && f->info.empty();
}

/// Splits into lines without endings; the last needs none.
template <class Use>
void each_line(std::string_view text, Use use) {
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    auto one = text.substr(0, end);
    if (!one.empty() && one.back() == '\r')
      one.remove_suffix(1);
    use(one);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// "**1. What changes:**" -> "What changes"
std::string title_of(std::string_view raw) {
  std::string out;
  for (auto c : raw)
    if (c != '*' && c != '`')
      out += c;
  auto text = trimmed(out);
  while (text.size() > 1 && text.front() == '_' && text.back() == '_')
    text = trimmed(text.substr(1, text.size() - 2));
  auto digits = text.find_first_not_of("0123456789");
  if (digits != text.npos && digits > 0 && digits + 1 < text.size()
      && (text[digits] == '.' || text[digits] == ')') && is_blank(text[digits + 1]))
    text = trimmed(text.substr(digits + 1));
  while (!text.empty() && text.back() == ':')
    text = trimmed(text.substr(0, text.size() - 1));
  return std::string(text);
}

/// A heading's raw title and level, if the line is one.
std::optional<std::pair<std::string_view, std::uint32_t>> heading_of(std::string_view text) {
  auto start = text.find_first_not_of(' ');
  if (start > 3) // Also npos: nothing but blanks.
    return std::nullopt;
  text = trimmed(text.substr(start));
  auto level = std::min(text.find_first_not_of('#'), text.size());
  if (level >= 1 && level <= 6 && (level == text.size() || is_blank(text[level]))) {
    auto title = trimmed(text.substr(level));
    auto last = title.find_last_not_of('#');
    if (last == title.npos)
      title = {};
    else if (last + 1 < title.size() && is_blank(title[last]))
      title = trimmed(title.substr(0, last));
    return std::pair{title, static_cast<std::uint32_t>(level)};
  }
  for (std::string_view mark : {"**", "__"}) {
    auto bare = text;
    if (bare.ends_with(':'))
      bare.remove_suffix(1);
    if (bare.size() > 4 && bare.starts_with(mark) && bare.ends_with(mark)
        && bare.find(mark, 2) == bare.size() - 2)
      return std::pair{bare.substr(2, bare.size() - 4), bold_level};
  }
  return std::nullopt;
}

/// "- - -", "* * *": a rule across the page.
bool is_rule(std::string_view text) {
  for (auto mark : {'-', '*'})
    if (std::count(text.begin(), text.end(), mark) >= 3
        && std::all_of(text.begin(), text.end(), [&](char c) { return c == mark || is_blank(c); }))
      return true;
  return false;
}

bool begins_patch(std::string_view text) {
  auto start = text.find_first_not_of(" \t>");
  text.remove_prefix(start == text.npos ? text.size() : start);
  for (std::string_view mark : {"diff --git ", "@@ -", "--- a/", "*** Begin Patch"})
    if (text.starts_with(mark))
      return true;
  auto f = fence_of(text, 0);
  if (!f)
    return false;
  auto info = lowered_ascii(f->info.substr(0, f->info.find_first_of(" \t")));
  return info == "diff" || info == "patch";
}

} // namespace

std::vector<line> lines_of(std::string_view text) {
  std::vector<line> out;
  std::optional<fence> open;
  std::uint32_t number = 0;
  each_line(text, [&](std::string_view one) {
    line l{one, ++number, true};
    if (open) {
      if (closes(*open, one))
        open.reset();
    } else {
      open = fence_of(one, 3);
      l.in_fence = open.has_value();
    }
    out.push_back(l);
  });
  return out;
}

std::vector<section> sections_of(std::string_view text) {
  std::vector<section> out;
  auto* end_of_text = text.data() + text.size();
  for (auto& l : lines_of(text)) {
    if (l.in_fence)
      continue;
    auto heading = heading_of(l.text);
    if (!heading)
      continue;
    if (!out.empty()) {
      auto* begin = out.back().body.data();
      out.back().body = {begin, static_cast<std::size_t>(l.text.data() - begin)};
    }
    // The body begins after the heading's line ending, LF or CRLF.
    auto* begin = l.text.data() + l.text.size();
    if (begin != end_of_text && *begin == '\r')
      ++begin;
    if (begin != end_of_text && *begin == '\n')
      ++begin;
    out.push_back({title_of(heading->first),
                   l.number,
                   heading->second,
                   {begin, static_cast<std::size_t>(end_of_text - begin)}});
  }
  return out;
}

bool titled(const section& s, std::string_view title) {
  if (s.title.size() < title.size()
      || lowered_ascii(std::string_view(s.title).substr(0, title.size())) != lowered_ascii(title))
    return false;
  return s.title.size() == title.size() || !is_word_char(s.title[title.size()]);
}

const section* find_section(const std::vector<section>& all, std::string_view title) {
  for (auto& s : all)
    if (titled(s, title))
      return &s;
  return nullptr;
}

std::vector<fenced_block> fenced_blocks(std::string_view text) {
  std::vector<fenced_block> out;
  std::optional<fence> open;
  std::uint32_t number = 0;
  each_line(text, [&](std::string_view one) {
    ++number;
    if (!open) {
      open = fence_of(one, 3);
      if (open)
        out.push_back(
            {lowered_ascii(open->info.substr(0, open->info.find_first_of(" \t"))), {}, number});
    } else if (closes(*open, one)) {
      open.reset();
    } else {
      out.back().content += one;
      out.back().content += '\n';
    }
  });
  return out;
}

std::vector<bullet> bullets_of(std::string_view body) {
  std::vector<bullet> out;
  for (auto& l : lines_of(body)) {
    if (l.in_fence || l.text.size() < 2 || !is_blank(l.text[1])
        || std::string_view("-*+").find(l.text[0]) == std::string_view::npos)
      continue;
    if (is_rule(l.text))
      continue;
    out.push_back({trimmed(l.text.substr(2)), l.number});
  }
  return out;
}

std::vector<std::string> code_spans(std::string_view text) {
  // Runs of back ticks by length, so that a run without a partner costs
  // nothing twice.
  std::vector<std::pair<std::size_t, std::size_t>> runs; // Start, length.
  for (std::size_t at = text.find('`'); at != text.npos; at = text.find('`', at)) {
    auto end = std::min(text.find_first_not_of('`', at), text.size());
    runs.emplace_back(at, end - at);
    at = end;
  }
  // The next run of the same length after each, from the back.
  std::vector<std::size_t> partner(runs.size(), runs.size());
  std::map<std::size_t, std::size_t> latest; // Length to run.
  for (auto i = runs.size(); i-- > 0;) {
    auto known = latest.try_emplace(runs[i].second, runs.size()).first;
    partner[i] = known->second;
    known->second = i;
  }
  std::vector<std::string> out;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (partner[i] == runs.size())
      continue;
    auto begin = runs[i].first + runs[i].second;
    auto inside = text.substr(begin, runs[partner[i]].first - begin);
    if (runs[i].second > 1 && inside.size() > 2 && inside.front() == ' ' && inside.back() == ' ')
      inside = inside.substr(1, inside.size() - 2); // `` `x` `` is padded.
    out.emplace_back(inside);
    i = partner[i];
  }
  return out;
}

std::vector<std::string> bullet_literals(std::string_view body) {
  std::vector<std::string> out;
  for (auto& b : bullets_of(body)) {
    auto spans = code_spans(b.text);
    if (!spans.empty())
      out.push_back(std::move(spans.front()));
  }
  return out;
}

bool holds_patch(std::string_view text) {
  bool found = false;
  each_line(text, [&](std::string_view one) { found = found || begins_patch(one); });
  return found;
}

std::string_view trimmed(std::string_view text) {
  static constexpr std::string_view white = " \t\r\n\v\f";
  auto start = text.find_first_not_of(white);
  if (start == text.npos)
    return {};
  return text.substr(start, text.find_last_not_of(white) - start + 1);
}

} // namespace ledger
