#include "cli/prompt_folder.hpp"

#include "cli/near_names.hpp"
#include "cli/printable.hpp"
#include "ledger/glob.hpp"
#include "ledger/scope.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <system_error>

namespace cli {

namespace {

namespace fs = std::filesystem;
using ledger::fault;

constexpr std::string_view suffix = ".md";

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

std::string words_of(int error) {
  return std::generic_category().message(error);
}

class descriptor {
public:
  explicit descriptor(int fd)
      : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;

  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }

  int get() const noexcept { return fd_; }

private:
  int fd_;
};

/// Why a prompt is left out, or its content.
struct reading {
  std::string reason, why; ///< Empty: it was read.
  std::string content;
};

reading refused(std::string reason, std::string why) {
  return reading{std::move(reason), std::move(why), {}};
}

/// Reads up to one byte more than a prompt may have, so that a file which grows
/// meanwhile is too large rather than cut off.
reading read_all(int fd) {
  reading r;
  r.content.resize(ledger::max_prompt_bytes + 1);
  std::size_t got = 0;
  while (got < r.content.size()) {
    auto n = ::read(fd, r.content.data() + got, r.content.size() - got);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return refused("unreadable",
                     fmt::format("reading it failed ({}); check the disk", words_of(errno)));
    if (n == 0)
      break;
    got += static_cast<std::size_t>(n);
  }
  r.content.resize(got);
  r.content.shrink_to_fit();
  if (got > ledger::max_prompt_bytes)
    return refused("too-large", fmt::format("it has more than {} bytes; split the task",
                                            ledger::max_prompt_bytes));
  return r;
}

reading open_and_read(const fs::path& path) {
  // O_NONBLOCK: opening a pipe without a writer would wait for ever.
  descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (fd.get() < 0) {
    int error = errno;
    if (error == ENOENT || error == ELOOP)
      return refused("not-a-file", "it is a link that leads to no file; mend or remove the link");
    if (error == ENXIO)
      return refused("not-a-file", "it is no regular file; put a text file there");
    return refused("unreadable",
                   fmt::format("it cannot be opened ({}); give this user the right to read it",
                               words_of(error)));
  }
  struct stat what {};
  if (::fstat(fd.get(), &what) != 0)
    return refused("unreadable", fmt::format("it cannot be examined ({})", words_of(errno)));
  if (S_ISDIR(what.st_mode))
    return refused("not-a-file", "it is a folder; prompts are files, move it elsewhere");
  if (!S_ISREG(what.st_mode))
    return refused("not-a-file", "it is no regular file; put a text file there");
  return read_all(fd.get());
}

/// Reads a prompt and judges what can be judged without knowing the others.
reading read_prompt(const fs::path& path, const ledger::redactor& secrets) {
  auto r = open_and_read(path);
  if (!r.reason.empty())
    return r;
  std::uint32_t line = 0;
  if (!ledger::is_text(r.content, &line))
    return r.content.find('\0') != std::string::npos
               ? refused(
                   "not-text",
                   fmt::format("line {} holds a NUL byte or is not UTF-8 text: it is no plain "
                               "text file; save it as UTF-8 (not UTF-16)",
                               line))
               : refused("not-text",
                         fmt::format("line {} is not UTF-8 text; save the file as UTF-8", line));
  if (is_blank(r.content))
    return refused("empty", "it holds no text; write what is to be done, or remove it");
  if (line = secrets.line_of_secret(r.content); line != 0)
    return refused("holds-secret",
                   fmt::format("line {} holds a secret; take it out, and change the secret if "
                               "others could have read it",
                               line));
  return r;
}

/// Stems of all `*.md` entries, sorted.
ledger::result<std::vector<std::string>> stems_in(const fs::path& directory) {
  std::error_code error;
  auto kind = fs::status(directory, error).type();
  if (kind == fs::file_type::not_found)
    return ledger::fail(fault::not_found,
                        fmt::format("{}: there is no such folder; --tasks takes the folder that "
                                    "holds the prompts (*.md)",
                                    printable(directory.native())));
  if (!error && kind != fs::file_type::directory)
    return ledger::fail(fault::refused,
                        fmt::format("{}: is not a folder; --tasks takes the folder that holds the "
                                    "prompts (*.md), --only NAME picks one of them",
                                    printable(directory.native())));
  std::vector<std::string> stems;
  fs::directory_iterator entries;
  if (!error)
    entries = fs::directory_iterator(directory, error);
  while (!error && entries != fs::directory_iterator()) {
    auto name = entries->path().filename().native();
    if (name.ends_with(suffix) && !name.starts_with('.'))
      stems.push_back(name.substr(0, name.size() - suffix.size()));
    entries.increment(error);
  }
  if (error)
    return ledger::fail(fault::unavailable,
                        fmt::format("{}: cannot be read ({}); give this user the right to read it",
                                    printable(directory.native()), error.message()));
  std::sort(stems.begin(), stems.end());
  return stems;
}

/// Front matter that lifts what nothing lifts asks for what it will not get.
std::string error_in(const ledger::front_matter& front) {
  for (auto& glob : front.allow)
    if (ledger::is_built_in_protected(glob))
      return fmt::format("front matter: allow: {} can never be allowed: it is protected by the "
                         "built-in list; take it out",
                         printable(glob));
  return {};
}

/// Front matter without any known key is prose; if a key of it is nearly a known
/// one, its author will want to know.
std::string misspelt_key(std::string_view prompt) {
  constexpr std::size_t lines_max = 20;
  std::string notice;
  for (std::size_t n = 0; n < lines_max && !prompt.empty(); ++n) {
    auto line = prompt.substr(0, prompt.find('\n'));
    prompt.remove_prefix(std::min(line.size() + 1, prompt.size()));
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    if (n != 0 && line == "---")
      return notice;
    if (n == 0 && line != "---")
      return {};
    auto key = line.substr(0, line.find(':'));
    if (n == 0 || key.size() == line.size() || !notice.empty())
      continue;
    auto near = did_you_mean(key, {"priority", "allow", "depends_on", "approve"});
    if (!near.empty())
      notice = fmt::format("line {}: `{}` is no known key, so all of the front matter is prose{}",
                           n + 1, printable(key), near);
  }
  return {};
}

/// Keeps the stems that a glob selects and notes the globs that select none.
std::vector<std::string> selected(std::vector<std::string> stems,
                                  const std::vector<std::string>& only,
                                  std::vector<std::string>& unmatched) {
  if (only.empty())
    return stems;
  std::vector<bool> used(only.size());
  std::vector<std::string> kept;
  for (auto& stem : stems) {
    bool wanted = false;
    for (std::size_t i = 0; i < only.size(); ++i)
      if (ledger::glob_matches(only[i], stem))
        wanted = used[i] = true;
    if (wanted)
      kept.push_back(stem);
  }
  for (std::size_t i = 0; i < only.size(); ++i)
    if (!used[i])
      unmatched.push_back(only[i]);
  return kept;
}

} // namespace

bool is_wanted(const std::vector<std::string>& only, std::string_view task) {
  return only.empty() || std::any_of(only.begin(), only.end(), [&](auto& glob) {
           return ledger::glob_matches(glob, task);
         });
}

ledger::result<prompt_folder> read_prompt_folder(const fs::path& directory,
                                                 const std::vector<std::string>& only,
                                                 const ledger::redactor& secrets) {
  auto stems = stems_in(directory);
  if (!stems)
    return tl::make_unexpected(std::move(stems.error()));
  prompt_folder out;
  out.names.insert(stems->begin(), stems->end());
  std::map<std::string, std::string> claimed; // Folded name to the name that has it.
  for (auto& task : selected(std::move(*stems), only, out.unmatched)) {
    auto file_name = task + std::string(suffix);
    auto leave_out = [&](std::string reason, const std::string& why) {
      auto shown = printable(file_name);
      out.left_out.push_back(cli::left_out{shown, std::move(reason), why});
    };
    if (ledger::folded(task) == "readme") {
      leave_out("not-a-prompt",
                "a README beside the prompts describes them; move it elsewhere, or rename "
                "it if it is a task");
      continue;
    }
    if (auto why = ledger::why_no_task_name(task); !why.empty()) {
      leave_out("bad-name", why);
      continue;
    }
    if (auto [it, is_new] = claimed.emplace(ledger::folded(task), task); !is_new) {
      leave_out("duplicate-name",
                fmt::format("its name differs from {}.md only in the case of letters, and both "
                            "would be one task; rename one of them",
                            it->second));
      continue;
    }
    auto path = directory / file_name;
    auto r = read_prompt(path, secrets);
    if (!r.reason.empty()) {
      leave_out(std::move(r.reason), r.why);
      continue;
    }
    auto front = ledger::parse_front_matter(r.content);
    bool is_prose = front && front->allow.empty() && front->priority == 0
                    && front->depends_on.empty() && front->approve == ledger::approvals{};
    auto notice = is_prose ? misspelt_key(r.content) : std::string{};
    out.prompts.push_back(found_prompt{
        task, path, std::make_shared<const std::string>(std::move(r.content)),
        front ? *front : ledger::front_matter{},
        front ? error_in(*front) : std::move(front.error().detail), std::move(notice)});
  }
  return out;
}

} // namespace cli
