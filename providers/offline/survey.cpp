#include "providers/offline/survey.hpp"

#include "ledger/glob.hpp"
#include "ledger/markdown.hpp"
#include "providers/blobs.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <unordered_map>

namespace providers::offline {
namespace {

struct kind_row {
  std::string_view kind;
  std::string_view endings; ///< Between blanks.
  bool is_text;
};
constexpr std::array kinds{
    kind_row{"HTML pages", " .html .htm ", true},
    kind_row{"style sheets", " .css .scss .less ", true},
    kind_row{"JavaScript and TypeScript", " .js .mjs .cjs .jsx .ts .tsx .vue .svelte ", true},
    kind_row{"C and C++", " .c .h .cc .cpp .cxx .hpp .hh ", true},
    kind_row{"other source code", " .py .rb .go .rs .java .kt .cs .php .swift .lua .sql ", true},
    kind_row{"shell scripts", " .sh .bash ", true},
    kind_row{"Markdown and text", " .md .txt .rst .adoc ", true},
    kind_row{"data and configuration", " .json .yaml .yml .toml .ini .xml .csv .cmake ", true},
    kind_row{"images, fonts and media",
             " .png .jpg .jpeg .gif .webp .ico .svg .woff .woff2 .ttf .mp4 .mp3 .pdf ", false},
};
constexpr std::string_view other_kind = "other files";

/// Files that say how a project is built, run or entered.
constexpr std::array<std::string_view, 13> entry_names{
    "index.html", "package.json", "Makefile", "CMakeLists.txt", "Cargo.toml",
    "go.mod",     "setup.py",     "build.sh", "pyproject.toml", "Dockerfile",
    "README.md",  "netlify.toml", "pom.xml"};
constexpr std::size_t entries_max = 20;

std::string_view name_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1); // npos + 1 is 0.
}

const kind_row* kind_of(std::string_view path) {
  auto name = name_of(path);
  auto dot = name.rfind('.');
  if (dot == std::string_view::npos)
    return nullptr;
  auto word = fmt::format(" {} ", name.substr(dot));
  for (auto& k : kinds)
    if (k.endings.find(word) != std::string_view::npos)
      return &k;
  return nullptr;
}

bool is_entry(std::string_view path) {
  auto name = name_of(path);
  auto depth = std::count(path.begin(), path.end(), '/');
  bool named = std::find(entry_names.begin(), entry_names.end(), name) != entry_names.end();
  bool starts = name.substr(0, 5) == "main." && name.find(".json") == std::string_view::npos;
  return depth <= 1 && (named || starts);
}

// Code that is kept here but not written here has its own form.
bool is_foreign(std::string_view path) {
  for (std::string_view folder : {"node_modules/", "vendor/", "third_party/"})
    if (path.substr(0, folder.size()) == folder
        || path.find(fmt::format("/{}", folder)) != std::string_view::npos)
      return true;
  return false;
}

void add_folders(survey& s, std::string_view path) {
  for (auto slash = path.rfind('/'); slash != std::string_view::npos; slash = path.rfind('/')) {
    path = path.substr(0, slash);
    if (!s.folders.emplace(path).second)
      return;
  }
}

void add_missing_scripts(survey& s, std::string_view path, std::string_view content) {
  auto slash = path.rfind('/');
  auto folder = slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
  std::vector<std::string> commands;
  if (name_of(path) == "package.json") {
    auto package = nlohmann::json::parse(content, nullptr, false);
    if (package.is_object() && package.contains("scripts") && package["scripts"].is_object())
      for (auto& command : package["scripts"])
        if (command.is_string())
          commands.push_back(command.get<std::string>());
  } else if (name_of(path) == "Makefile") {
    for (auto& line : ledger::lines_of(content))
      if (!line.text.empty() && line.text.front() == '\t')
        commands.emplace_back(line.text);
  }
  for (auto& command : commands)
    for (auto& script : scripts_in(command, folder))
      if (!s.exists(script))
        s.missing_scripts.push_back({std::string{path}, script});
}

void read_one(survey& s, std::string_view path, std::string_view content,
              const survey_limits& limits) {
  if (content.substr(0, 8000).find('\0') != std::string_view::npos)
    return;
  ++s.read;
  for (auto& g : gaps_of(path, content))
    s.gaps.push_back(std::move(g));
  for (auto& l : links_of(path, content))
    if (s.links.size() < limits.links)
      s.links.push_back(std::move(l));
  add_missing_scripts(s, path, content);
  if (s.title.empty() && path == "README.md")
    if (auto sections = ledger::sections_of(content); !sections.empty())
      s.title = sections.front().title;
}

void add_colliding_names(survey& s) {
  std::unordered_map<std::string, std::string> seen;
  for (auto& path : s.paths) {
    auto [first, fresh] = seen.emplace(ledger::folded(path), path);
    if (!fresh)
      s.gaps.push_back({path, fmt::format("differs from {} by letter case or Unicode form only",
                                          first->second)});
  }
}

} // namespace

std::vector<gap> gaps_of(std::string_view path, std::string_view content) {
  std::vector<gap> gaps;
  std::size_t lf = 0, crlf = 0, blank_ends = 0, first_blank = 0, number = 0;
  bool markdown = path.size() > 3 && path.substr(path.size() - 3) == ".md";
  for (auto rest = content; !rest.empty();) {
    auto end = rest.find('\n');
    auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    ++number;
    bool cr = !line.empty() && line.back() == '\r';
    if (cr)
      line.remove_suffix(1);
    if (end != std::string_view::npos)
      ++(cr ? crlf : lf);
    auto text = line.find_last_not_of(" \t");
    auto blanks = line.size() - (text == std::string_view::npos ? 0 : text + 1);
    // Two blanks at the end of a line of Markdown are a line break.
    if (blanks == 0 || (markdown && blanks == 2 && line.back() == ' '))
      continue;
    first_blank = blank_ends++ == 0 ? number : first_blank;
  }
  auto note = [&](std::string what) { gaps.push_back({std::string{path}, std::move(what)}); };
  if (lf > 0 && crlf > 0)
    note(fmt::format("mixes line endings: {} LF, {} CRLF", lf, crlf));
  if (!content.empty() && content.back() != '\n')
    note("has no newline at its end");
  if (blank_ends > 0)
    note(fmt::format("has trailing blanks in {} line{}, first in line {}", blank_ends,
                     blank_ends == 1 ? "" : "s", first_blank));
  return gaps;
}

ledger::result<survey> survey_of(const git& g, std::string_view tree, const survey_limits& limits) {
  auto entries = g.list_tree(tree);
  if (!entries)
    return tl::make_unexpected(entries.error());
  survey s;
  std::vector<std::string> ids;
  std::vector<std::string_view> names;
  std::uint64_t bytes = 0;
  for (auto& e : *entries) {
    auto* kind = kind_of(e.path);
    ++s.by_kind[std::string{kind ? kind->kind : other_kind}];
    add_folders(s, e.path);
    if (is_entry(e.path) && s.entries.size() < entries_max)
      s.entries.push_back(e.path);
    bool readable = e.mode.substr(0, 3) == "100" && (!kind || kind->is_text);
    if (!readable)
      continue;
    if (is_foreign(e.path) || e.bytes > limits.bytes_a_file || ids.size() >= limits.files
        || bytes + e.bytes > limits.bytes) {
      ++s.left_out;
      continue;
    }
    bytes += e.bytes;
    ids.push_back(e.id);
    names.push_back(e.path);
  }
  for (auto& e : *entries)
    s.paths.push_back(e.path);
  std::sort(s.paths.begin(), s.paths.end());
  auto contents = read_blobs(g, ids);
  if (!contents)
    return tl::make_unexpected(contents.error());
  for (std::size_t i = 0; i < names.size(); ++i)
    read_one(s, names[i], (*contents)[i], limits);
  add_colliding_names(s);
  return s;
}

} // namespace providers::offline
