#include "providers/tools/reading.hpp"

#include "ledger/glob.hpp"
#include "ledger/text.hpp"
#include "providers/git_words.hpp"
#include "providers/tools.hpp"
#include "providers/tools/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace providers::tools {

namespace {

/// Of a result, for what is not the body.
constexpr std::size_t header_bytes_max = 8 * 1024;
constexpr std::size_t body_bytes_max = result_bytes_max - header_bytes_max;
constexpr std::size_t subject_bytes_max = 200;
constexpr std::int64_t lines_max = 1'000'000'000;

/// The folders right below `folder` with their files, for who has to narrow.
std::string folders_in(const std::vector<const file_entry*>& files, const std::string& folder) {
  constexpr std::size_t folders_max = 40;
  const auto begin = folder.empty() ? 0 : folder.size() + 1;
  std::vector<std::pair<std::string, std::size_t>> folders;
  for (const auto* f : files) {
    const auto slash = f->path.find('/', begin);
    if (slash == f->path.npos)
      continue;
    const auto name = std::string_view(f->path).substr(0, slash + 1);
    if (folders.empty() || folders.back().first != name)
      folders.emplace_back(name, 0);
    ++folders.back().second;
  }
  std::vector<std::string> words;
  for (const auto& [name, count] : folders)
    if (words.size() < folders_max)
      words.push_back(fmt::format("{} ({})", shown_on_one_line(name, 120), with_commas(count)));
  if (folders.size() > folders_max)
    words.push_back(fmt::format("and {} more", with_commas(folders.size() - folders_max)));
  return words.empty() ? std::string() : " Folders there: " + joined(words) + ".";
}

std::string line_of(const file_entry& f) {
  const auto path = shown_on_one_line(f.path);
  switch (f.kind) {
    case file_kind::link:
      return path + "\tsymbolic link\n";
    case file_kind::submodule:
      return path + "\tsubmodule\n";
    case file_kind::regular:
      break;
  }
  return fmt::format("{}\t{}\n", path, f.bytes);
}

/// A text, line by line.
struct lines {
  explicit lines(std::string_view text) {
    for (std::size_t begin = 0; begin < text.size();) {
      auto end = text.find('\n', begin);
      end = end == text.npos ? text.size() : end + 1;
      all.push_back(text.substr(begin, end - begin));
      begin = end;
    }
  }
  std::vector<std::string_view> all; ///< Each with its end.
};

/// What has to be known of a file before it is edited.
std::string peculiarities_of(std::string_view content) {
  std::string words;
  std::size_t ends = 0, carriage_returns = 0;
  for (auto at = content.find('\n'); at != content.npos; at = content.find('\n', at + 1)) {
    ++ends;
    carriage_returns += at > 0 && content[at - 1] == '\r' ? 1 : 0;
  }
  if (carriage_returns > 0)
    words += carriage_returns == ends ? "; line ends are CRLF" : "; some line ends are CRLF";
  if (!content.empty() && content.back() != '\n')
    words += "; no newline at the end of the file";
  if (!ledger::is_utf8(content))
    words += "; bytes that are no UTF-8 are shown as \\xNN";
  return words;
}

/// Lines `from` to `to` of a text, as many as fit.
tool_result part_of(const curtain& c, const std::string& path, std::string_view content,
                    std::int64_t from, std::int64_t to) {
  const lines text(content);
  const auto count = static_cast<std::int64_t>(text.all.size());
  if (count == 0)
    return told(fmt::format("{}: empty (0 bytes)\n", path));
  if (from > count)
    return refused(fmt::format("read_file: {} has {}; `from_line` {} is behind the end", path,
                               counted(text.all.size(), "line"), from));
  const auto wanted = std::min(to, count);
  std::string body, cut;
  auto next = from;
  for (; next <= wanted; ++next) {
    const auto raw = c.without_secrets(text.all[static_cast<std::size_t>(next - 1)]);
    const auto head = cut_at_character(raw, body_bytes_max);
    auto line = shown(head);
    if (head.size() == raw.size() && body.size() + line.size() <= body_bytes_max) {
      body += line;
      continue;
    }
    if (next == from) { // Not even one line fits.
      body = cut_at_character(line, body_bytes_max);
      cut = fmt::format("; line {} has {} bytes, of which only the beginning is shown: `search` "
                        "finds text in the rest",
                        next, with_commas(raw.size()));
      ++next;
    }
    break;
  }
  if (next <= wanted)
    cut += fmt::format("; cut to fit: continue with from_line {}", next);
  return told(fmt::format("{}: lines {}-{} of {} ({} bytes){}{}\n{}", path, from, next - 1, count,
                          with_commas(content.size()), peculiarities_of(content), cut, body));
}

} // namespace

std::string plain_path(std::string path) {
  while (path.compare(0, 2, "./") == 0)
    path.erase(0, 2);
  while (path.size() > 1 && path.back() == '/')
    path.pop_back();
  return path == "." ? std::string() : path;
}

std::string why_unreadable(const curtain& c, const std::string& path) {
  // Odd names may be in a tree, and to look one up is harmless.
  auto parts = split(path, '/');
  if (path.empty() || path.front() == '/' || path.find('\0') != path.npos
      || std::any_of(parts.begin(), parts.end(), [](std::string_view part) {
           return part.empty() || part == "." || part == "..";
         }))
    return fmt::format("{} is no path in the repository: write it from the repository's root, "
                       "with forward slashes and without `..`",
                       ledger::excerpt(path));
  if (auto why = c.why_hidden(path); !why.empty())
    return fmt::format("{}: {}", shown_on_one_line(path, 300), why);
  return {};
}

tool_result list_files(file_source& s, const curtain& c, arguments& a) {
  const auto folder = plain_path(a.optional_text("path").value_or(""));
  const auto glob = a.optional_text("glob");
  if (!a.error().empty())
    return refused(a.error());
  if (auto why = folder.empty() ? std::string() : why_unreadable(c, folder); !why.empty())
    return refused("list_files: " + why);
  auto all = s.files();
  if (!all)
    return not_done(all.error());
  std::vector<const file_entry*> files;
  const auto add = [&](const file_entry& f) {
    if (!glob || ledger::glob_matches_exactly(*glob, f.path))
      files.push_back(&f);
  };
  const auto [begin, end] = files_below(**all, folder);
  if (const auto* one = begin == end ? find(**all, folder) : nullptr)
    add(*one);
  else if (begin == end && !folder.empty())
    return refused(fmt::format("list_files: there is no folder {}{}",
                               shown_on_one_line(folder, 300), nearest_names(**all, folder)));
  for (auto at = begin; at != end; ++at)
    add(*at);
  std::string body;
  std::size_t listed = 0;
  for (; listed < files.size() && listed < files_listed_max; ++listed) {
    const auto line = line_of(*files[listed]);
    if (body.size() + line.size() > body_bytes_max)
      break;
    body += line;
  }
  if (files.empty())
    return told("No files match. In a glob `*` and `?` stop at `/`, `**` stands for any folders; "
                "braces and brackets stand for themselves.\n");
  if (listed == files.size())
    return told(fmt::format("{} (path, tab, bytes):\n{}", counted(listed, "file"), body));
  return told(fmt::format("The first {} of {} (path, tab, bytes); {} left out: narrow with `path` "
                          "or `glob`.{}\n{}",
                          with_commas(listed), counted(files.size(), "file"),
                          with_commas(files.size() - listed), folders_in(files, folder), body));
}

tool_result read_file(file_source& s, const curtain& c, arguments& a) {
  const auto path = plain_path(a.text("path"));
  const auto from = a.number("from_line", 1, 1, lines_max);
  const auto to = a.number("to_line", lines_max, 1, lines_max);
  if (!a.error().empty())
    return refused(a.error());
  if (auto why = why_unreadable(c, path); !why.empty())
    return refused("read_file: " + why);
  if (to < from)
    return refused(fmt::format("read_file: `to_line` {} comes before `from_line` {}", to, from));
  auto all = s.files();
  if (!all)
    return not_done(all.error());
  const auto name = shown_on_one_line(path, 300);
  const auto* file = find(**all, path);
  if (file == nullptr) {
    const auto [begin, end] = files_below(**all, path);
    if (begin != end)
      return refused(
          fmt::format("read_file: {} is a folder; list_files shows what is in it", name));
    return refused(
        fmt::format("read_file: there is no file {}{}", name, nearest_names(**all, path)));
  }
  if (file->kind == file_kind::submodule)
    return refused(fmt::format("read_file: {} is a submodule, another repository", name));
  if (file->kind == file_kind::link) {
    auto target = s.target_of(*file);
    if (!target)
      return not_done(target.error());
    return told(fmt::format("{}: a symbolic link to {}, which is not followed\n", name,
                            ledger::excerpt(c.without_secrets(*target), 1000)));
  }
  auto content = s.read(*file);
  if (!content)
    return not_done(content.error());
  if (is_binary(*content))
    return told(
        fmt::format("{}: binary, {} bytes, not shown\n", name, with_commas(content->size())));
  return part_of(c, name, *content, from, to);
}

/// `rev-list`, because it is told everything: `log` asks the user's settings for
/// signatures, notes, a mailmap and a date format.
tool_result git_log(const git& repository, const std::string& commit, const curtain& c,
                    arguments& a) {
  const auto path = plain_path(a.optional_text("path").value_or(""));
  const auto count = a.number("count", 20, 1, commits_max);
  if (!a.error().empty())
    return refused(a.error());
  if (!path.empty()) {
    if (auto why = why_unreadable(c, path); !why.empty())
      return refused("git_log: " + why);
    if (!ledger::is_repository_path(path))
      return refused(
          fmt::format("git_log: {} is no path in the repository", ledger::excerpt(path)));
  }
  git::call ask;
  ask.args = {"rev-list",
              "--no-commit-header",
              "--format=%H%x00%ad%x00%s%x00",
              "--date=short",
              "--encoding=UTF-8",
              fmt::format("--max-count={}", count + 1),
              "--end-of-options",
              commit,
              "--"};
  ask.env = {{"GIT_LITERAL_PATHSPECS", "1"}};
  if (!path.empty())
    ask.args.push_back(path);
  auto out = repository.must(std::move(ask));
  if (!out)
    return not_done(git_failed(std::move(out.error())).value());
  const auto words = split(*out, '\0');
  std::string body;
  std::int64_t told_commits = 0;
  for (std::size_t i = 0; i + 2 < words.size() && told_commits < count; i += 3, ++told_commits) {
    auto id = words[i];
    id.remove_prefix(std::min(id.find_first_not_of('\n'), id.size()));
    // A fixed length: git's own grows with the repository.
    body += fmt::format("{} {} {}\n", id.substr(0, 12), shown_on_one_line(words[i + 1], 20),
                        shown_on_one_line(c.without_secrets(words[i + 2]), subject_bytes_max));
  }
  if (body.empty())
    return told(fmt::format("No commit of the base's history changed {}.\n",
                            path.empty() ? "anything" : shown_on_one_line(path, 300)));
  const auto more = words.size() / 3 > static_cast<std::size_t>(count);
  return told(fmt::format("{} before the task, newest first{}:\n{}",
                          counted(static_cast<std::uint64_t>(told_commits), "commit"),
                          !more                 ? ""
                          : count < commits_max ? "; older ones are left out: raise `count` or "
                                                  "give a `path`"
                                                : "; older ones are left out: give a `path`",
                          body));
}

} // namespace providers::tools
