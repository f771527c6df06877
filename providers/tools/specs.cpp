#include "providers/tools/specs.hpp"

#include "providers/tools.hpp"
#include "providers/tools/edit.hpp"
#include "providers/tools/reading.hpp"
#include "providers/tools/search.hpp"
#include "providers/tools/words.hpp"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace providers {

namespace {

using ledger::json;
using ledger::step;
using tools::with_commas;

constexpr const char* glob_help =
    "Glob over whole paths from the repository's root: `*` and `?` stop at `/`, `**` stands for "
    "any folders, a pattern without `/` matches names at any depth. No braces, no brackets.";

json text(std::string description) {
  return {{"type", "string"}, {"description", std::move(description)}};
}

json number(std::string description, std::int64_t least, std::int64_t most) {
  return {{"type", "integer"},
          {"minimum", least},
          {"maximum", most},
          {"description", std::move(description)}};
}

json flag(std::string description) {
  return {{"type", "boolean"}, {"description", std::move(description)}};
}

json object(json properties, std::vector<std::string> required) {
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)},
          {"additionalProperties", false}};
}

/// Adds `at` where there are two trees.
json with_tree(json properties, bool two_trees) {
  if (two_trees)
    properties["at"] = {{"type", "string"},
                        {"enum", {"base", "candidate"}},
                        {"description", "Which state of the files: `base`, before the task, or "
                                        "`candidate`, with its change (this if not given)."}};
  return properties;
}

tool_spec list_files(bool two_trees) {
  return {"list_files",
          fmt::format("Lists files of the repository with their sizes, sorted by path. At most {} "
                      "files or {} KiB; if more match, the first line says how many and names the "
                      "folders to narrow to.",
                      with_commas(tools::files_listed_max), result_bytes_max / 1024),
          object(with_tree({{"path", text("Folder, from the repository's root; all files if not "
                                          "given.")},
                            {"glob", text(glob_help)}},
                           two_trees),
                 {})};
}

tool_spec read_file(bool two_trees) {
  return {"read_file",
          fmt::format("Reads a text file. The first line of the result tells path, lines shown, "
                      "lines and bytes in all, and the from_line to continue with if the text was "
                      "cut at {} KiB; from the second line on it is the file to the letter, "
                      "without line numbers. Binary files are not shown, links not followed; "
                      "files of more than {} bytes cannot be read.",
                      result_bytes_max / 1024, with_commas(tools::file_bytes_max)),
          object(with_tree({{"path", text("File, from the repository's root: `src/main.c`.")},
                            {"from_line", number("First line, from 1.", 1, 1'000'000'000)},
                            {"to_line", number("Last line, itself shown; to the end if not given.",
                                               1, 1'000'000'000)}},
                           two_trees),
                 {"path"})};
}

tool_spec search(bool two_trees) {
  return {"search",
          fmt::format("Searches all text files line by line with a regular expression. Gives "
                      "`path:line: text`, at most {} lines, the first by path; the first line of "
                      "the result says what was left out. At most {} bytes of files are looked "
                      "into, fewer with large patterns.",
                      tools::matches_max, with_commas(tools::searched_bytes_max)),
          object(with_tree({{"pattern", text("Regular expression in RE2 syntax: no look-arounds, "
                                             "no back references. Matches anywhere in a line.")},
                            {"glob", text(glob_help)},
                            {"ignore_case", flag("Letter case does not count.")}},
                           two_trees),
                 {"pattern"})};
}

tool_spec git_log() {
  return {"git_log", "Tells the commits before the task, newest first: id, date, subject.",
          object({{"path", text("Only commits that changed this file or folder.")},
                  {"count", number("How many; 20 if not given.", 1, tools::commits_max)}},
                 {})};
}

tool_spec write_file() {
  return {"write_file",
          fmt::format("Makes a file, or replaces all of it, with missing folders. Only paths that "
                      "the decisions allow and the plan names, nothing protected, secret or "
                      "ignored by git; a refusal lists what you may write. At most {} bytes. To "
                      "rename: write the new file, delete the old.",
                      with_commas(tools::written_bytes_max)),
          object({{"path", text("File, from the repository's root.")},
                  {"content", text("The whole file, line ends included: it is written as it "
                                   "is.")}},
                 {"path", "content"})};
}

tool_spec replace_in_file() {
  return {"replace_in_file",
          "Replaces a piece of a text file. `old` must stand in it exactly once, to the letter "
          "with its blanks, unless `all` is set. In a file with CRLF line ends `old` and `new` "
          "may have LF; the file keeps CRLF. The same paths as write_file.",
          object({{"path", text("File, from the repository's root.")},
                  {"old", text("The text to be replaced, with enough around it to be unique.")},
                  {"new", text("What takes its place; empty: it is cut out.")},
                  {"all", flag("Replace every occurrence.")}},
                 {"path", "old", "new"})};
}

tool_spec delete_file() {
  return {"delete_file", "Deletes a file. The same paths as write_file; no folders.",
          object({{"path", text("File, from the repository's root.")}}, {"path"})};
}

std::vector<tool_spec> offered_in(step at) {
  if (at == step::ingest || at == step::deliver)
    return {};
  const auto two_trees = at == step::review || at == step::verify;
  std::vector<tool_spec> offered{list_files(two_trees), read_file(two_trees), search(two_trees),
                                 git_log()};
  if (ledger::row_of(at).writes_code) {
    offered.push_back(write_file());
    offered.push_back(replace_in_file());
    offered.push_back(delete_file());
  }
  return offered;
}

} // namespace

const std::vector<tool_spec>& tools_for(step at) {
  static const auto all = [] {
    std::map<step, std::vector<tool_spec>> offers;
    for (auto& row : ledger::step_table)
      offers.emplace(row.id, offered_in(row.id));
    return offers;
  }();
  return all.at(at);
}

bool toolbox::changes_files(const tool_call& c) {
  return tools::writes(c.name);
}

namespace tools {

bool writes(std::string_view tool) {
  return tool == "write_file" || tool == "replace_in_file" || tool == "delete_file";
}

std::vector<std::string> arguments_of(const tool_spec& s) {
  std::vector<std::string> names;
  for (const auto& [name, _] : s.parameters["properties"].items())
    names.push_back(name);
  return names;
}

} // namespace tools

} // namespace providers
