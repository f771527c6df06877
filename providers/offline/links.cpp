// The references between files: links of pages, scripts of build files.

#include "providers/offline/survey.hpp"

#include "ledger/markdown.hpp"

#include <algorithm>
#include <array>

namespace providers::offline {
namespace {

/// Folders that sites are commonly served from: where `/x` may stand for.
constexpr std::array<std::string_view, 7> site_roots{"public", "src",  "static", "site",
                                                     "www",    "docs", "dist"};

bool ends_in(std::string_view text, std::string_view with) {
  return text.size() >= with.size() && text.substr(text.size() - with.size()) == with;
}

std::string folder_of(std::string_view path) {
  auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string{} : std::string{path.substr(0, slash)};
}

// `folder` and `target` as one repository path; empty if it leads outside.
std::string joined(std::string_view folder, std::string_view target) {
  std::vector<std::string_view> parts;
  for (auto text : {folder, target})
    while (!text.empty()) {
      auto slash = text.find('/');
      auto part = text.substr(0, slash);
      text.remove_prefix(slash == std::string_view::npos ? text.size() : slash + 1);
      if (part == ".." && parts.empty())
        return {};
      if (part == "..")
        parts.pop_back();
      else if (!part.empty() && part != ".")
        parts.push_back(part);
    }
  std::string path;
  for (auto part : parts)
    path.append(path.empty() ? "" : "/").append(part);
  return path.empty() ? "." : path;
}

int hex(char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  auto at = digits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::string percent_decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      plain.push_back(static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2])));
      i += 2;
    } else {
      plain.push_back(text[i]);
    }
  return plain;
}

// Links with a scheme, anchors, and what a template will fill in are not ours
// to judge.
bool is_relative(std::string_view target) {
  if (target.empty() || target.front() == '#' || target.substr(0, 2) == "//")
    return false;
  if (target.find_first_of("{}<>$\n") != std::string_view::npos)
    return false;
  auto colon = target.find(':');
  return colon == std::string_view::npos || colon > target.find('/');
}

std::vector<std::string> candidates_of(std::string_view file, std::string_view target) {
  auto plain = percent_decoded(target.substr(0, target.find_first_of("?#")));
  if (plain.empty())
    return {};
  std::vector<std::string> roots;
  if (plain.front() != '/') {
    roots.push_back(folder_of(file));
  } else {
    for (auto above = folder_of(file); !above.empty(); above = folder_of(above))
      roots.push_back(above);
    roots.emplace_back();
    roots.insert(roots.end(), site_roots.begin(), site_roots.end());
  }
  std::vector<std::string> all;
  for (auto& root : roots)
    if (auto path = joined(root, plain); !path.empty())
      for (auto* suffix : {"", ".html", ".md"})
        all.push_back(path + suffix);
  return all;
}

void add(std::vector<link>& all, std::string_view file, std::uint32_t line,
         std::string_view target) {
  target = ledger::trimmed(target);
  if (!is_relative(target))
    return;
  if (auto candidates = candidates_of(file, target); !candidates.empty())
    all.push_back({std::string{file}, line, std::string{target}, std::move(candidates)});
}

// href="x", src='x' in one line.
void html_links(std::vector<link>& all, std::string_view file, std::uint32_t number,
                std::string_view text) {
  for (std::string_view name : {"href=", "src="})
    for (auto at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
      auto open = at + name.size();
      // `data-src=` and the like mean what a script makes of them.
      bool own_word = at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t');
      if (!own_word || open >= text.size() || (text[open] != '"' && text[open] != '\''))
        continue;
      auto close = text.find(text[open], open + 1);
      if (close != std::string_view::npos)
        add(all, file, number, text.substr(open + 1, close - open - 1));
    }
}

// [text](target "title") in one line, code spans left out.
void markdown_links(std::vector<link>& all, std::string_view file, std::uint32_t number,
                    std::string_view text) {
  for (auto at = text.find("]("); at != std::string_view::npos; at = text.find("](", at + 1)) {
    auto ticks = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '`');
    auto close = text.find(')', at);
    if (ticks % 2 != 0 || close == std::string_view::npos)
      continue;
    auto target = ledger::trimmed(text.substr(at + 2, close - at - 2));
    add(all, file, number, target.substr(0, target.find(' ')));
  }
}

} // namespace

std::vector<link> links_of(std::string_view path, std::string_view content) {
  std::vector<link> all;
  bool html = ends_in(path, ".html") || ends_in(path, ".htm");
  bool markdown = ends_in(path, ".md");
  if (!html && !markdown)
    return all;
  for (auto& line : ledger::lines_of(content)) {
    if (html)
      html_links(all, path, line.number, line.text);
    else if (!line.in_fence)
      markdown_links(all, path, line.number, line.text);
  }
  return all;
}

std::vector<std::string> scripts_in(std::string_view command, std::string_view folder) {
  constexpr std::array<std::string_view, 6> endings{".sh", ".js", ".mjs", ".cjs", ".py", ".rb"};
  std::vector<std::string> all;
  while (!command.empty()) {
    auto end = command.find_first_of(" \t;&|()<>\"'@");
    auto word = command.substr(0, end);
    command.remove_prefix(end == std::string_view::npos ? command.size() : end + 1);
    bool script = std::any_of(endings.begin(), endings.end(),
                              [&](std::string_view e) { return word != e && ends_in(word, e); });
    if (!script || word.front() == '/' || word.front() == '-'
        || word.find_first_of("*?$`{}:=~") != std::string_view::npos)
      continue;
    if (auto path = joined(folder, word); !path.empty())
      all.push_back(std::move(path));
  }
  return all;
}

bool survey::exists(std::string_view path) const {
  return path == "." || folders.find(path) != folders.end()
         || std::binary_search(paths.begin(), paths.end(), path, std::less<>{});
}

bool dangles(const link& l, const survey& s) {
  return std::none_of(l.candidates.begin(), l.candidates.end(),
                      [&](const std::string& c) { return s.exists(c); });
}

} // namespace providers::offline
