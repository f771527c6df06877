#include "providers/tools/edit.hpp"

#include "ledger/disk/files.hpp"
#include "ledger/glob.hpp"
#include "ledger/text.hpp"
#include "providers/slot_kit.hpp"
#include "providers/tools/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace providers::tools {

namespace {

using ledger::fail;
using ledger::fault;

constexpr std::size_t places_told_max = 10;
constexpr std::size_t paths_told_max = 30;

std::vector<std::size_t> places_of(std::string_view text, std::string_view what) {
  std::vector<std::size_t> places;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + what.size()))
    places.push_back(at);
  return places;
}

/// "lines 3, 17, …"
std::string lines_of(std::string_view text, const std::vector<std::size_t>& places) {
  std::vector<std::string> numbers;
  std::size_t line = 1, counted_to = 0;
  for (const auto at : places) {
    line +=
        static_cast<std::size_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(counted_to),
                                            text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
    counted_to = at;
    numbers.push_back(std::to_string(line));
    if (numbers.size() == places_told_max)
      break;
  }
  if (numbers.size() < places.size())
    numbers.emplace_back("…");
  return (places.size() == 1 ? "line " : "lines ") + joined(numbers);
}

/// Whether all lines end in CRLF.
bool has_crlf(std::string_view text) {
  bool any = false;
  for (auto at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1)) {
    if (at == 0 || text[at - 1] != '\r')
      return false;
    any = true;
  }
  return any;
}

/// With CRLF where it has LF.
std::string with_crlf(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
      out += '\r';
    out += text[i];
  }
  return out;
}

/// Why `old` is not there, with what helps.
std::string not_found_words(const std::string& path, std::string_view content,
                            std::string_view old) {
  auto words = fmt::format("replace_in_file: `old` does not occur in {}", path);
  const auto lead = old.find_first_not_of(" \t\r\n");
  if (lead == old.npos)
    return words;
  auto first = old.substr(lead, old.find_first_of("\r\n", lead) - lead);
  while (ledger::is_blank(first.back()))
    first.remove_suffix(1);
  if (const auto places = places_of(content, first); !places.empty())
    words += fmt::format("; what its first line says stands at {}: blanks or later lines differ",
                         lines_of(content, places));
  return words + "; read the lines again and give them to the letter";
}

} // namespace

/// Which paths may be written, for whoever tried another.
std::string editor::may_write() const {
  const auto& list = scope_->planned.empty() ? scope_->allowed.allowed : scope_->planned;
  std::vector<std::string> words;
  for (const auto& path : list) {
    if (words.size() == paths_told_max) {
      words.push_back(fmt::format("and {} more", with_commas(list.size() - paths_told_max)));
      break;
    }
    words.push_back(shown_on_one_line(path, 200));
  }
  return words.empty() ? "; no path may be written" : "; you may write: " + joined(words);
}

/// What scope says of the path alone; in words, or empty.
std::string editor::why_forbidden(const std::string& path) const {
  if (!ledger::is_repository_path(path))
    return fmt::format("{} is no path in the repository: write it from the repository's root, "
                       "with forward slashes and without `..`",
                       ledger::excerpt(path));
  const auto name = shown_on_one_line(path, 300);
  if (auto why = curtain_->why_hidden(path); !why.empty())
    return fmt::format("{}: {}", name, why);
  if (auto rule = ledger::why_protected(scope_->guard, path); !rule.empty())
    return fmt::format("{} is protected ({}); no task may change it", name, rule);
  auto without_forbidden = scope_->allowed;
  without_forbidden.forbidden.clear();
  if (!ledger::allows(without_forbidden, path))
    return fmt::format("{} is not in the decisions' *Allowed file paths*", name);
  if (!ledger::allows(scope_->allowed, path))
    return fmt::format("{} is under the decisions' *Forbidden changes*", name);
  const auto& planned = scope_->planned;
  if (!planned.empty() && std::find(planned.begin(), planned.end(), path) == planned.end())
    return fmt::format("{} is not among the files that the plan names", name);
  return {};
}

ledger::result<bool> editor::is_ignored(const std::string& path) {
  if (!rules_) {
    auto rules = ignore_rules(git_);
    if (!rules)
      return git_failed(std::move(rules.error()));
    auto folder = scratch_folder::make("rules");
    if (!folder)
      return tl::make_unexpected(folder.error());
    if (auto r = ledger::disk::put_file(folder->path() / "rules", *rules,
                                        ledger::disk::durability::none);
        !r)
      return tl::make_unexpected(r.error());
    rules_ = std::move(*folder);
  }
  // With an index that is not there, git works apart and knows no tracked files.
  // It takes paths for patterns: `./` is before all that could be one's sign.
  git::call ask;
  ask.args = {"-c",           "core.excludesFile=" + (rules_->path() / "rules").string(),
              "check-ignore", "--no-index",
              "-z",           "--stdin"};
  ask.env = {{"GIT_WORK_TREE", files_->folder().string()},
             {"GIT_INDEX_FILE", (rules_->path() / "index").string()}};
  ask.input = "./" + path + '\0';
  auto r = git_.run(std::move(ask));
  if (!r)
    return git_failed(std::move(r.error()));
  if (r->how != child_result::end::exited || r->exit_code > 1) // 1: it is not.
    return fail(fault::unavailable, "git check-ignore: " + r->err);
  return r->exit_code == 0;
}

editor::target editor::examine(const std::string& path) {
  if (auto why = why_forbidden(path); !why.empty())
    return fail(fault::refused, why + may_write());
  const auto name = shown_on_one_line(path, 300);
  auto all = files_->files();
  if (!all)
    return tl::make_unexpected(all.error());
  if (const auto [begin, end] = files_below(**all, path); begin != end)
    return fail(fault::refused,
                fmt::format("{} is a folder; files are written and deleted one by one", name));
  for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1))
    if (find(**all, std::string_view(path).substr(0, slash)) != nullptr)
      return fail(fault::refused, fmt::format("{}: {} is a file, nothing can lie below it", name,
                                              shown_on_one_line(path.substr(0, slash), 300)));
  const auto* entry = find(**all, path);
  if (entry != nullptr && entry->kind != file_kind::regular)
    return fail(
        fault::refused,
        fmt::format("{} is a symbolic link or a submodule, which no task may change", name));
  auto disk = files_->disk();
  if (!disk)
    return tl::make_unexpected(disk.error());
  auto there = (*disk)->look_at(path);
  if (!there)
    return tl::make_unexpected(there.error());
  if (*there == standing::folder)
    return fail(fault::refused,
                fmt::format("{} is a folder; files are written and deleted one by one", name));
  if (!files_->is_tracked(path)) {
    auto ignored = is_ignored(path);
    if (!ignored)
      return tl::make_unexpected(ignored.error());
    if (*ignored)
      return fail(
          fault::refused,
          fmt::format("{}: git ignores this path, so the change could never be committed", name)
              + may_write());
  }
  return entry;
}

ledger::result<void> editor::put(const std::string& path, std::string_view content,
                                 bool executable) {
  auto folder = worktree_files::open(files_->folder());
  if (!folder)
    return tl::make_unexpected(folder.error());
  if (auto r = folder->write(path, content, executable); !r)
    return r;
  files_->wrote(path, content.size(), executable);
  return {};
}

tool_result editor::write(arguments& a) {
  const auto path = a.text("path");
  const auto content = a.text("content");
  if (!a.error().empty())
    return refused(a.error());
  if (content.size() > written_bytes_max)
    return refused(fmt::format("write_file: `content` has {} bytes; at most {} are taken: write a "
                               "shorter file, or change parts with replace_in_file",
                               with_commas(content.size()), with_commas(written_bytes_max)));
  auto entry = examine(path);
  if (!entry)
    return not_done(entry.error());
  const auto is_new = *entry == nullptr;
  if (auto r = put(path, content, !is_new && (*entry)->executable); !r)
    return not_done(r.error());
  return told(fmt::format("{} {} ({} bytes).\n", is_new ? "Made" : "Wrote",
                          shown_on_one_line(path, 300), with_commas(content.size())));
}

tool_result editor::replace(arguments& a) {
  const auto path = a.text("path");
  auto old_text = a.text("old"), new_text = a.text("new");
  const auto all = a.flag("all");
  if (!a.error().empty())
    return refused(a.error());
  if (old_text.empty())
    return refused("replace_in_file: `old` is empty; give the text to be replaced, or use "
                   "write_file");
  if (old_text.size() > written_bytes_max || new_text.size() > written_bytes_max)
    return refused(fmt::format("replace_in_file: `old` and `new` may have at most {} bytes each",
                               with_commas(written_bytes_max)));
  auto entry = examine(path);
  if (!entry)
    return not_done(entry.error());
  const auto name = shown_on_one_line(path, 300);
  if (*entry == nullptr) {
    auto known = files_->files();
    return refused(fmt::format("replace_in_file: there is no file {}{}", name,
                               known ? nearest_names(**known, path) : ""));
  }
  auto content = files_->read(**entry);
  if (!content)
    return not_done(content.error());
  if (is_binary(*content))
    return refused(fmt::format("replace_in_file: {} is binary", name));
  auto places = places_of(*content, old_text);
  if (has_crlf(*content)) { // It stays so, whatever the model saw or sent.
    new_text = with_crlf(new_text);
    if (places.empty()) {
      old_text = with_crlf(old_text);
      places = places_of(*content, old_text);
    }
  }
  if (places.empty())
    return refused(not_found_words(name, *content, old_text));
  if (places.size() > 1 && !all)
    return refused(fmt::format("replace_in_file: `old` occurs {} times in {} ({}); give more of "
                               "the text around the one you mean, or set `all`",
                               with_commas(places.size()), name, lines_of(*content, places)));
  if (old_text == new_text)
    return refused("replace_in_file: `old` and `new` are the same; nothing would change");
  if (content->size() + places.size() * new_text.size() > file_bytes_max)
    return refused(fmt::format("replace_in_file: {} would have more than {} bytes", name,
                               with_commas(file_bytes_max)));
  std::string changed;
  std::size_t copied = 0;
  for (const auto at : places) {
    changed.append(*content, copied, at - copied).append(new_text);
    copied = at + old_text.size();
  }
  changed.append(*content, copied, std::string::npos);
  if (auto r = put(path, changed, (*entry)->executable); !r)
    return not_done(r.error());
  return told(fmt::format("Replaced {} in {} ({}).\n", counted(places.size(), "occurrence"), name,
                          lines_of(*content, places)));
}

tool_result editor::remove(arguments& a) {
  const auto path = a.text("path");
  if (!a.error().empty())
    return refused(a.error());
  auto entry = examine(path);
  if (!entry)
    return not_done(entry.error());
  const auto name = shown_on_one_line(path, 300);
  if (*entry == nullptr) {
    auto known = files_->files();
    return refused(fmt::format("delete_file: there is no file {}{}", name,
                               known ? nearest_names(**known, path) : ""));
  }
  auto folder = worktree_files::open(files_->folder());
  if (!folder)
    return not_done(folder.error());
  if (auto r = folder->remove(path); !r)
    return not_done(r.error());
  files_->deleted(path);
  return told(fmt::format("Deleted {}.\n", name));
}

} // namespace providers::tools
