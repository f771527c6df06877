#include "providers/offline/patch.hpp"

#include "ledger/markdown.hpp"
#include "ledger/rollback.hpp"
#include "ledger/text.hpp"

#include <algorithm>
#include <charconv>

namespace providers::offline {
namespace {

using ledger::split_lines;

std::string_view without_cr(std::string_view line) {
  if (!line.empty() && line.back() == '\r')
    line.remove_suffix(1);
  return line;
}

std::string with_lf(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (auto line : split_lines(text))
    plain.append(without_cr(line)).push_back('\n');
  return plain;
}

bool mostly_crlf(std::string_view text) {
  std::size_t lines = 0, with_cr = 0;
  for (auto line : split_lines(text)) {
    ++lines;
    with_cr += !line.empty() && line.back() == '\r' ? 1 : 0;
  }
  return with_cr * 2 > lines;
}

// Undoes git's C-style quoting. `rest` gets what follows the closing quote.
std::string unquoted(std::string_view text, std::string_view* rest) {
  std::string name;
  std::size_t i = 1;
  for (; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      name.push_back(text[i]);
      continue;
    }
    char c = text[++i];
    if (c >= '0' && c <= '3' && i + 2 < text.size()) {
      unsigned value = 0;
      std::from_chars(text.data() + i, text.data() + i + 3, value, 8);
      name.push_back(static_cast<char>(value));
      i += 2;
      continue;
    }
    constexpr std::string_view from = "abfnrtv", to = "\a\b\f\n\r\t\v";
    auto at = from.find(c);
    name.push_back(at == std::string_view::npos ? c : to[at]);
  }
  *rest = i < text.size() ? text.substr(i + 1) : std::string_view{};
  return name;
}

std::string without_prefix(std::string name) {
  auto slash = name.find('/');
  return slash == std::string::npos ? name : name.substr(slash + 1);
}

// The name in `--- a/name<tab>date`; empty for /dev/null.
std::string side(std::string_view text) {
  text = without_cr(text);
  std::string_view rest;
  if (!text.empty() && text.front() == '"')
    return without_prefix(unquoted(text, &rest));
  text = text.substr(0, text.find('\t'));
  return text == "/dev/null" ? std::string{} : without_prefix(std::string{text});
}

std::string plain_name(std::string_view text) {
  text = without_cr(text);
  std::string_view rest;
  return !text.empty() && text.front() == '"' ? unquoted(text, &rest) : std::string{text};
}

// The two names of `diff --git a/x b/x`. Unquoted names with blanks can only
// be told apart because, without rename headers, both sides are the same.
void names_of_header(std::string_view text, file_part& part) {
  text = without_cr(text);
  if (!text.empty() && text.front() == '"') {
    std::string_view rest;
    part.old_path = without_prefix(unquoted(text, &rest));
    part.new_path = side(ledger::trimmed(rest));
    return;
  }
  for (auto at = text.find(' '); at != std::string_view::npos; at = text.find(' ', at + 1)) {
    auto left = without_prefix(std::string{text.substr(0, at)});
    auto right = side(text.substr(at + 1));
    if (left == right || text.find(' ', at + 1) == std::string_view::npos) {
      part.old_path = left;
      part.new_path = right;
      return;
    }
  }
}

bool begins(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

// The line counts of `@@ -a,b +c,d @@`.
struct hunk_size {
  unsigned long old_lines = 0, new_lines = 0;
};
hunk_size size_of(std::string_view header) {
  auto count = [&](char mark) -> unsigned long {
    auto at = header.find(mark);
    auto end = at == std::string_view::npos ? at : header.find(' ', at);
    if (end == std::string_view::npos)
      return 0;
    auto range = header.substr(at, end - at);
    auto comma = range.find(',');
    if (comma == std::string_view::npos)
      return 1;
    unsigned long n = 0;
    std::from_chars(range.data() + comma + 1, range.data() + range.size(), n);
    return n;
  };
  header.remove_prefix(std::min<std::size_t>(3, header.size()));
  return {count('-'), count('+')};
}

// Walks a patch line by line and cuts it into parts. The counts of a hunk are
// what tells a removed line `-- a/x` from a header.
class part_reader {
public:
  void take(std::string_view line) {
    if (left_.old_lines + left_.new_lines > 0)
      take_hunk_line(line);
    else
      take_header(line);
    if (!parts_.empty())
      parts_.back().text.append(line).push_back('\n');
  }
  std::vector<file_part> finish() && { return std::move(parts_); }

private:
  void take_hunk_line(std::string_view line) {
    char mark = line.empty() || line == "\r" ? ' ' : line.front();
    if (mark == '\\')
      return;
    if (mark != '+' && left_.old_lines > 0)
      --left_.old_lines;
    if (mark != '-' && left_.new_lines > 0)
      --left_.new_lines;
    if (!line.empty() && line.back() == '\r')
      parts_.back().has_cr = true;
  }

  void take_header(std::string_view line) {
    if (begins(line, "diff --git ")) {
      parts_.emplace_back();
      named_ = false;
      names_of_header(line.substr(11), parts_.back());
    } else if (begins(line, "--- ")) {
      if (parts_.empty() || named_)
        parts_.emplace_back();
      named_ = true;
      parts_.back().old_path = side(line.substr(4));
    } else if (parts_.empty()) {
      return;
    } else if (begins(line, "+++ ")) {
      parts_.back().new_path = side(line.substr(4));
    } else if (begins(line, "new file mode ")) {
      parts_.back().old_path.clear();
    } else if (begins(line, "deleted file mode ")) {
      parts_.back().new_path.clear();
    } else if (begins(line, "rename from ") || begins(line, "copy from ")) {
      parts_.back().old_path = plain_name(line.substr(line.find("from ") + 5));
    } else if (begins(line, "rename to ") || begins(line, "copy to ")) {
      parts_.back().new_path = plain_name(line.substr(line.find("to ") + 3));
    } else if (begins(line, "@@ -")) {
      left_ = size_of(line);
      named_ = true;
    }
  }

  std::vector<file_part> parts_;
  hunk_size left_;
  bool named_ = false;
};

} // namespace

std::vector<prompt_block> blocks_in(std::string_view prompt) {
  std::string plain = mostly_crlf(prompt) ? with_lf(prompt) : std::string{prompt};
  auto raw = split_lines(plain);
  std::vector<prompt_block> blocks;
  for (auto& block : ledger::fenced_blocks(plain)) {
    if (block.info == ledger::revert_word)
      blocks.push_back({prompt_block::kind::revert, std::string{ledger::trimmed(block.content)}});
    if (block.info != "diff")
      continue;
    // Line by line against the prompt itself: a CR that a hunk line really has
    // must survive.
    std::string text;
    std::size_t at = block.line;
    for (auto line : split_lines(block.content)) {
      bool same = at < raw.size() && without_cr(raw[at]) == without_cr(line);
      text.append(same ? raw[at] : line).push_back('\n');
      ++at;
    }
    blocks.push_back({prompt_block::kind::diff, std::move(text)});
  }
  return blocks;
}

std::string refusal_in(std::string_view prompt) {
  constexpr std::string_view word = "refuse:";
  // `Refuse:` and an indented one count too: whoever writes that wants a NO.
  auto same_letter = [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); };
  for (auto& line : ledger::lines_of(prompt)) {
    auto text = ledger::trimmed(line.text);
    if (line.in_fence || text.size() < word.size()
        || !std::equal(word.begin(), word.end(), text.begin(), same_letter))
      continue;
    auto reason = ledger::trimmed(text.substr(word.size()));
    return reason.empty() ? "no reason given" : std::string{reason};
  }
  return {};
}

std::vector<file_part> parts_of(std::string_view patch) {
  part_reader reader;
  for (auto line : split_lines(patch))
    reader.take(line);
  return std::move(reader).finish();
}

std::vector<std::string> paths_of(const std::vector<file_part>& parts) {
  std::vector<std::string> paths;
  for (auto& p : parts)
    for (const auto* side_path : {&p.old_path, &p.new_path})
      if (!side_path->empty())
        paths.push_back(*side_path);
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

std::string fitted(std::string_view patch, const std::function<bool(std::string_view)>& is_crlf) {
  std::string whole;
  for (auto& part : parts_of(patch)) {
    if (part.has_cr || part.adds() || !is_crlf(part.old_path)) {
      whole += part.text;
      continue;
    }
    hunk_size left;
    for (auto line : split_lines(part.text)) {
      whole.append(line);
      bool in_hunk = left.old_lines + left.new_lines > 0;
      if (in_hunk && !begins(line, "\\")) {
        char mark = line.empty() ? ' ' : line.front();
        left.old_lines -= mark != '+' && left.old_lines > 0 ? 1 : 0;
        left.new_lines -= mark != '-' && left.new_lines > 0 ? 1 : 0;
        // An empty line stands for an empty context line whose blank an
        // editor took away.
        whole += line.empty() ? " \r" : "\r";
      } else if (!in_hunk && begins(line, "@@ -")) {
        left = size_of(line);
      }
      whole.push_back('\n');
    }
  }
  return whole;
}

} // namespace providers::offline
