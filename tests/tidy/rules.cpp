#include "tests/tidy/rules.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <regex>

namespace tidy {

namespace {

bool begins(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with;
}

bool ends(std::string_view text, std::string_view with) {
  return text.size() >= with.size() && text.substr(text.size() - with.size()) == with;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// Every match of `pattern` in the lines of `text`.
findings matches(const source& s, std::string_view text, const std::regex& pattern,
                 const std::string& what) {
  findings found;
  auto lines = lines_of(text);
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (std::regex_search(lines[i].begin(), lines[i].end(), pattern))
      found.push_back({s.path, i + 1, what});
  return found;
}

struct include {
  std::string file;
  bool quoted;
  std::size_t line;
};

std::vector<include> includes_of(const source& s) {
  static const std::regex pattern(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::vector<include> all;
  auto lines = lines_of(s.text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::match_results<std::string_view::const_iterator> m;
    if (std::regex_search(lines[i].begin(), lines[i].end(), m, pattern))
      all.push_back({m[2].str(), m[1].str() == "\"", i + 1});
  }
  return all;
}

std::string_view folder_of(std::string_view path) {
  auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

struct direction {
  std::string_view folder; ///< Of the file that includes.
  std::vector<std::string_view> never;
};

const std::vector<direction>& directions() {
  static const std::vector<direction> all{
      {"ledger/", {"caf/", "curl/", "providers/", "actors/", "cli/"}},
      {"providers/", {"caf/", "actors/", "cli/", "sqlite3"}},
      {"actors/", {"curl/", "cli/", "sqlite3"}},
      {"cli/", {"caf/", "curl/", "sqlite3"}},
      {"bench/", {"caf/"}},
      {"tests/ledger/",
       {"caf/", "curl/", "sqlite3", "ledger/disk/", "providers/", "actors/", "cli/"}},
      {"tests/disk/", {"caf/", "curl/", "providers/", "actors/", "cli/"}},
      {"tests/providers/", {"caf/", "actors/", "cli/"}},
  };
  return all;
}

/// Blanks `text[from, to)`, line breaks excepted.
void blank(std::string& text, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < std::min(to, text.size()); ++i)
    if (text[i] != '\n')
      text[i] = ' ';
}

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

/// The end of the comment or literal that begins at `at`, or nothing.
std::optional<std::size_t> end_of_noncode(std::string_view text, std::size_t at) {
  auto after = [&](std::string_view what, std::size_t from) {
    auto end = text.find(what, from);
    return end == std::string_view::npos ? text.size() : end + what.size();
  };
  auto rest = text.substr(at);
  if (begins(rest, "//"))
    return std::min(text.find('\n', at), text.size());
  if (begins(rest, "/*"))
    return after("*/", at + 2);
  if (begins(rest, "R\"") && (at == 0 || !is_word(text[at - 1]))) {
    auto open = rest.find('(');
    if (open == std::string_view::npos)
      return text.size();
    return after(")" + std::string(rest.substr(2, open - 2)) + "\"", at + open);
  }
  // A quote between digits separates thousands.
  if (rest.front() == '"' || (rest.front() == '\'' && (at == 0 || !is_word(text[at - 1])))) {
    for (auto i = at + 1; i < text.size(); ++i)
      if (text[i] == '\\')
        ++i;
      else if (text[i] == rest.front() || text[i] == '\n')
        return i + 1;
    return text.size();
  }
  return std::nullopt;
}

/// Comments vanish; of a literal the quotes stay, so that it can still be seen
/// to be an argument.
void blank_noncode(std::string& code, std::size_t from, std::size_t to) {
  bool literal = code[from] != '/';
  bool closed = literal && to - from > 1 && code[to - 1] == (code[from] == '\'' ? '\'' : '"');
  blank(code, from, to);
  if (literal)
    code[from] = '"';
  if (closed)
    code[to - 1] = '"';
}

void blank_directives(std::string& code) {
  bool continued = false;
  for (std::size_t at = 0; at < code.size();) {
    auto end = std::min(code.find('\n', at), code.size());
    auto first = code.find_first_not_of(" \t", at);
    bool directive = continued || (first < end && code[first] == '#');
    continued = directive && end > at && code[end - 1] == '\\';
    if (directive)
      blank(code, at, end);
    at = end + 1;
  }
}

/// What a `{` opens, judged by the text before it back to the last `;{}`.
enum class block { scope, function, values };

block kind_of(std::string head) {
  static const std::regex template_head(R"(^\s*template\s*<[^(){}]*>\s*)");
  static const std::regex scope_word(R"(\b(namespace|class|struct|union|enum|extern)\b)");
  head = std::regex_replace(head, template_head, "");
  if (std::regex_search(head, scope_word) && head.find(')') == std::string::npos)
    return block::scope;
  return head.find('(') == std::string::npos ? block::values : block::function;
}

/// Whether a colon after `text` ends `public:` or the like.
bool is_access(std::string_view text) {
  auto first = text.find_first_not_of(" \n");
  if (first == std::string_view::npos)
    return false;
  auto word = text.substr(first);
  return word == "public" || word == "private" || word == "protected";
}

/// The position of the brace that closes the one at `open`.
std::size_t closing(std::string_view code, std::size_t open) {
  int depth = 0;
  for (auto i = open; i < code.size(); ++i) {
    depth += code[i] == '{' ? 1 : code[i] == '}' ? -1 : 0;
    if (depth == 0)
      return i;
  }
  return code.size();
}

std::size_t line_at(std::string_view text, std::size_t at) {
  return 1
         + static_cast<std::size_t>(
             std::count(text.begin(), text.begin() + static_cast<long>(at), '\n'));
}

} // namespace

std::string to_string(const finding& f) {
  return f.path + ":" + std::to_string(f.line) + ": " + f.what;
}

std::string code_of(std::string_view text, bool with_directives) {
  std::string code(text);
  for (std::size_t at = 0; at < text.size();) {
    auto end = end_of_noncode(text, at);
    if (end)
      blank_noncode(code, at, *end);
    at = end ? *end : at + 1;
  }
  if (!with_directives)
    blank_directives(code);
  return code;
}

findings includes_go_one_way(const source& s) {
  findings found;
  auto refuse = [&](const include& i, std::string_view why) {
    found.push_back({s.path, i.line, "includes " + i.file + "; " + std::string(why)});
  };
  bool caf_header = s.path == "actors/caf.hpp" || s.path == "actors/protocol.hpp";
  bool disk = begins(s.path, "ledger/disk/");
  for (auto& i : includes_of(s)) {
    for (auto& d : directions()) {
      if (!begins(s.path, d.folder))
        continue;
      for (auto never : d.never)
        if (begins(i.file, never) && !(caf_header && never == "caf/"))
          refuse(i, "the layers are ledger <- providers <- actors <- cli");
    }
    if (begins(s.path, "actors/") && begins(i.file, "caf/") && !caf_header)
      refuse(i, "CAF is reached through actors/caf.hpp and actors/protocol.hpp only");
    if (begins(s.path, "ledger/") && !disk
        && (begins(i.file, "sqlite3") || begins(i.file, "ledger/disk/")))
      refuse(i, "only ledger/disk touches the disk");
  }
  return found;
}

findings includes_start_at_the_root(const source& s,
                                    const std::function<bool(const std::string&)>& exists) {
  findings found;
  for (auto& i : includes_of(s))
    if (i.quoted && !exists(i.file))
      found.push_back({s.path, i.line, "includes \"" + i.file + "\", no path from the root"});
  return found;
}

findings file_is_short(const source& s) {
  auto lines = lines_of(s.text).size();
  if (lines <= max_file_lines)
    return {};
  return {{s.path, lines,
           "the file is longer than " + std::to_string(max_file_lines) + " lines; divide it"}};
}

findings lines_are_short(const source& s) {
  findings found;
  auto lines = lines_of(s.text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    // Columns, not bytes: continuation bytes of UTF-8 take no column.
    auto columns = std::count_if(lines[i].begin(), lines[i].end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u;
    });
    if (static_cast<std::size_t>(columns) > max_line_columns)
      found.push_back({s.path, i + 1, "the line has " + std::to_string(columns) + " columns"});
  }
  return found;
}

findings has_no_tabs(const source& s) {
  static const std::regex tab("\t");
  return matches(s, s.text, tab, "holds a tab");
}

findings tests_never_sleep(const source& s) {
  static const std::regex pause(R"(\b(sleep_for|sleep_until|usleep|nanosleep|sleep\s*\())");
  if (!begins(s.path, "tests/"))
    return {};
  return matches(s, code_of(s.text, true), pause, "a test sleeps; wait for what it waits for");
}

findings runs_no_shell(const source& s) {
  static const std::regex shell(R"((^|[^.>\w])(std::|::)?(system|popen)\s*\(\s*([^)\s]|$))");
  // Without an argument it is no shell: CAF's actors have a system().
  return matches(s, code_of(s.text, true), shell,
                 "starts a shell; providers/process.hpp starts children");
}

findings leaves_nothing_undone(const source& s) {
  // In two parts, or this line would be a finding.
  static const std::regex marker("\\b(TO"
                                 "DO|FIX"
                                 "ME|XX"
                                 "X)\\b");
  return matches(s, s.text, marker, "says that something is left to do; do it or write an issue");
}

findings header_introduces_itself(const source& s) {
  if (!ends(s.path, ".hpp"))
    return {};
  findings found;
  auto name = s.path.substr(s.path.rfind('/') + 1);
  if (!begins(s.text, "// " + name + " -- "))
    found.push_back({s.path, 1, "does not begin with \"// " + name + " -- \""});
  if (s.text.find("\n#pragma once\n") == std::string::npos)
    found.push_back({s.path, 1, "has no #pragma once"});
  return found;
}

findings functions_are_short(const source& s) {
  findings found;
  auto code = code_of(s.text, false);
  std::size_t head = 0; // Where the present declaration began.
  for (std::size_t at = 0; at < code.size(); ++at) {
    if (code[at] == ';' || code[at] == '}'
        || (code[at] == ':' && is_access(std::string_view(code).substr(head, at - head))))
      head = at + 1;
    if (code[at] != '{')
      continue;
    auto kind = kind_of(code.substr(head, at - head));
    if (kind == block::scope) {
      head = at + 1;
      continue;
    }
    auto end = closing(code, at);
    auto first = line_at(code, std::min(code.find_first_not_of(" \n", head), at));
    auto lines = line_at(code, end) - first + 1;
    if (kind == block::function && lines > max_function_lines)
      found.push_back({s.path, first, "the function has " + std::to_string(lines) + " lines"});
    at = end;
    // `a{1}, b(2) {`: a member's initialiser does not end the constructor's head.
    auto next = code.find_first_not_of(" \n", end + 1);
    if (next == std::string::npos || (code[next] != ',' && code[next] != '{'))
      head = end + 1;
  }
  return found;
}

findings is_listed_in_cmake(const source& s, const std::map<std::string, std::string>& cmake) {
  if (!ends(s.path, ".cpp"))
    return {};
  static const std::regex comment("#[^\n]*");
  for (auto folder = folder_of(s.path); !folder.empty(); folder = folder_of(folder)) {
    auto lists = cmake.find(std::string(folder));
    if (lists == cmake.end())
      continue;
    auto text = " " + std::regex_replace(lists->second, comment, "") + " ";
    auto name = s.path.substr(folder.size() + 1);
    for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
      constexpr std::string_view separators = " \t\r\n()\"";
      if (separators.find(text[at - 1]) != std::string_view::npos
          && separators.find(text[at + name.size()]) != std::string_view::npos)
        return {};
    }
  }
  return {{s.path, 1, "is in no CMakeLists.txt of its folder: nobody builds it"}};
}

} // namespace tidy
