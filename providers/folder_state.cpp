#include "providers/folder_state.hpp"

#include "ledger/disk/files.hpp"
#include "providers/descriptor.hpp"
#include "providers/full_disk.hpp"

#include <cerrno>
#include <chrono>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unordered_set>
#include <utility>

namespace providers {

namespace {

namespace fs = std::filesystem;

/// Beyond that a look costs as much as to start a git, and is kept for each slot.
constexpr std::size_t files_max = 5000;
constexpr std::size_t read_max = 64;
constexpr std::uint64_t read_bytes_max = 1024 * 1024;

constexpr std::int64_t second_ns = 1'000'000'000;
/// Longer than a tick of any kernel's clock.
constexpr std::int64_t tick_max_ns = 20'000'000;

std::int64_t ns_of(const timespec& t) {
  return static_cast<std::int64_t>(t.tv_sec) * second_ns + t.tv_nsec;
}

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return ns_of(now);
}

struct close_folder {
  void operator()(DIR* d) const { ::closedir(d); }
};

bool is_below_git(const std::string& path) {
  return path == ".git" || path.compare(0, 5, ".git/") == 0;
}

} // namespace

folder_state::stamp folder_state::stamp::in(const struct ::stat& s) {
  return {s.st_dev,         s.st_ino,        static_cast<std::uint64_t>(s.st_size),
          s.st_mode,        s.st_uid,        s.st_gid,
          ns_of(s.st_mtim), ns_of(s.st_ctim)};
}

bool folder_state::stamp::is_folder() const noexcept {
  return S_ISDIR(mode);
}

bool folder_state::stamp::same_as(const stamp& other) const noexcept {
  if (is_folder() && other.is_folder())
    return mode == other.mode && owner == other.owner && group == other.group;
  return device == other.device && inode == other.inode && bytes == other.bytes
         && mode == other.mode && owner == other.owner && group == other.group
         && changed_ns == other.changed_ns && status_ns == other.status_ns;
}

/// From open folder to open folder: a path would be looked up through links.
template <class See>
ledger::result<void> folder_state::look(const fs::path& root, See see) {
  std::vector<std::string> todo{""};
  std::size_t seen = 0;
  std::string path;
  const descriptor top(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  while (!todo.empty()) {
    const auto folder = std::move(todo.back());
    todo.pop_back();
    auto fd =
        open_beneath(top.get(), folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY);
    std::unique_ptr<DIR, close_folder> open(fd ? ::fdopendir(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0))
                                               : nullptr);
    if (!open)
      return cannot("look into", root / folder, {errno, std::generic_category()});
    while (const auto* entry = ::readdir(open.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..")
        continue;
      path.assign(folder).append(folder.empty() ? "" : "/").append(name);
      struct stat s {};
      if (::fstatat(fd.get(), entry->d_name, &s, AT_SYMLINK_NOFOLLOW) != 0)
        return cannot("look at", root / path, {errno, std::generic_category()});
      if (S_ISDIR(s.st_mode))
        todo.push_back(path);
      see(path, stamp::in(s));
      if (++seen > files_max)
        return {};
    }
  }
  return {};
}

ledger::result<folder_state> folder_state::of(const fs::path& root) {
  auto state = looked_at(root);
  if (!state || state->known_ || !state->too_new_)
    return state;
  std::this_thread::sleep_for(std::chrono::nanoseconds(tick_max_ns));
  return looked_at(root);
}

ledger::result<folder_state> folder_state::looked_at(const fs::path& root) {
  folder_state state;
  // Whatever is touched after the look has a time that is at most a tick before it.
  const auto safe_ns = now_ns() - tick_max_ns;
  auto note = [&](const std::string& path, stamp is) { state.all_.emplace(path, std::move(is)); };
  if (auto r = look(root, note); !r)
    return tl::make_unexpected(r.error());
  state.known_ = state.all_.size() <= files_max && state.read_the_new(root, safe_ns);
  if (!state.known_)
    state.all_.clear();
  return state;
}

bool folder_state::renew(const fs::path& root, const std::vector<std::string>& paths) {
  const auto safe_ns = now_ns() - tick_max_ns;
  std::erase_if(all_, [](const auto& known) { return is_below_git(known.first); });
  auto note = [&](const std::string& path, stamp is) {
    all_.emplace(".git/" + path, std::move(is));
  };
  const descriptor top(::open(root.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  known_ = known_ && top && look(root / ".git", note);
  look_at(top.get(), ".git");
  for (auto path : paths)
    for (auto slash = path.size(); slash != path.npos; slash = path.rfind('/')) {
      path.resize(slash);
      look_at(top.get(), path);
    }
  known_ = known_ && all_.size() <= files_max && read_the_new(root, safe_ns);
  if (!known_)
    all_.clear();
  return known_;
}

/// What cannot be looked at counts as gone: if it is not, it will be told as new.
void folder_state::look_at(int root, const std::string& path) {
  all_.erase(path);
  struct stat s {};
  const auto slash = path.rfind('/');
  const auto folder = slash == path.npos ? std::string(".") : path.substr(0, slash);
  const auto name = slash == path.npos ? path : path.substr(slash + 1);
  const auto above = open_beneath(root, folder.c_str(), O_PATH | O_DIRECTORY);
  if (above && ::fstatat(above.get(), name.c_str(), &s, AT_SYMLINK_NOFOLLOW) == 0)
    all_.emplace(path, stamp::in(s));
}

/// False: their stamps say nothing, or not yet, and there are too many to be read.
bool folder_state::read_the_new(const fs::path& root, std::int64_t safe_ns) {
  const auto now = now_ns();
  std::size_t read = 0;
  for (auto& [path, s] : all_) {
    if (s.is_folder())
      continue;
    if (s.status_ns > now || s.status_ns % second_ns == 0)
      return false;
    if (s.status_ns < safe_ns)
      continue;
    too_new_ = !S_ISREG(s.mode) || ++read > read_max || s.bytes > read_bytes_max;
    if (too_new_)
      return false;
    s.sha256 = ledger::disk::digest_of_file(root / path);
    if (s.sha256.empty())
      return false;
  }
  return true;
}

bool folder_state::is_executable(const std::string& path) const {
  const auto at = all_.find(path);
  return at != all_.end() && (at->second.mode & S_IXUSR) != 0;
}

bool folder_state::is_folder(const std::string& path) const {
  const auto at = all_.find(path);
  return at != all_.end() && at->second.is_folder();
}

bool folder_state::is_file(const std::string& path) const {
  const auto at = all_.find(path);
  return at != all_.end() && S_ISREG(at->second.mode);
}

std::int64_t folder_state::changed_ns(const std::string& path) const {
  const auto at = all_.find(path);
  return at == all_.end() ? 0 : at->second.changed_ns;
}

ledger::result<folder_state::differences> folder_state::since(const fs::path& root) const {
  differences d;
  std::unordered_set<std::string_view> still_there;
  std::size_t seen = 0;
  auto compare = [&](const std::string& path, const stamp& is) {
    ++seen;
    const auto at = all_.find(path);
    if (at == all_.end() || is.is_folder() != at->second.is_folder())
      d.added.push_back(path);
    if (at == all_.end())
      return;
    still_there.insert(at->first);
    const auto& was = at->second;
    if (!was.same_as(is)
        || (!was.sha256.empty() && was.sha256 != ledger::disk::digest_of_file(root / path)))
      d.touched.push_back(path);
  };
  if (auto r = look(root, compare); !r)
    return tl::make_unexpected(r.error());
  if (seen > files_max) // Not all were looked at.
    return ledger::fail(ledger::fault::unavailable, "too many files in " + root.string());
  if (still_there.size() < all_.size())
    for (const auto& [path, was] : all_)
      if (still_there.count(path) == 0)
        d.touched.push_back(path);
  d.of_git = std::erase_if(d.touched, is_below_git) + std::erase_if(d.added, is_below_git) > 0;
  return d;
}

} // namespace providers
