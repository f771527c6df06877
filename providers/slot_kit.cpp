#include "providers/slot_kit.hpp"

#include "ledger/disk/files.hpp"
#include "providers/full_disk.hpp"
#include "providers/private_git.hpp"
#include "providers/remove_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <system_error>

namespace providers {

namespace {

using ledger::fault;
namespace fs = std::filesystem;

constexpr auto none = ledger::disk::durability::none;
/// As git: an object folder may refer to others, and those to others.
constexpr int alternates_depth_max = 5;

/// Name of the n-th object folder beside the slots.
std::string objects_name(std::size_t n) {
  return n == 0 ? "objects" : fmt::format("objects-{}", n);
}

void add_object_folders(const fs::path& folder, int depth, std::vector<std::string>& all) {
  std::error_code e;
  const auto real = fs::canonical(folder, e).string();
  if (e || std::find(all.begin(), all.end(), real) != all.end())
    return;
  all.push_back(real);
  const auto text = ledger::disk::read_file(fs::path(real) / "info/alternates", 1024 * 1024);
  if (!text || depth == alternates_depth_max)
    return;
  for (std::string_view rest = *text; !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (!line.empty() && line.front() != '#')
      add_object_folders(fs::path(real) / line, depth + 1, all);
  }
}

/// Where the user's own excludes file is; it need not be there.
ledger::result<fs::path> excludes_file(const git& repository) {
  auto named = repository.setting("core.excludesFile", "path");
  if (!named)
    return tl::make_unexpected(named.error());
  if (!named->empty())
    return repository.top() / *named;
  const char* config = std::getenv("XDG_CONFIG_HOME");
  if (config != nullptr && *config != '\0')
    return fs::path(config) / "git/ignore";
  const char* home = std::getenv("HOME");
  return fs::path(home == nullptr ? "" : home) / ".config/git/ignore";
}

/// Text of a file that may be missing, as lines.
ledger::result<std::string> lines_of(const fs::path& file) {
  auto text = ledger::disk::read_file(file, 16 * 1024 * 1024);
  if (!text)
    return text.error().kind == fault::not_found ? ledger::result<std::string>("") : text;
  if (text->substr(0, 3) == "\xef\xbb\xbf") // Git skips it, but only at the beginning.
    text->erase(0, 3);
  if (!text->empty() && text->back() != '\n')
    *text += '\n';
  return text;
}

/// Settings of a throw-away repository: its index was made outside the cage,
/// where the same files have another owner.
constexpr const char* settings = "\tbare = false\n\tlogAllRefUpdates = false\n"
                                 "\tcheckStat = minimal\n\ttrustctime = false\n"
                                 "\tautocrlf = false\n[gc]\n\tauto = 0\n"
                                 "[maintenance]\n\tauto = false\n";

ledger::result<std::map<std::string, std::string>>
repository_files(const git& repository, const std::vector<std::string>& objects) {
  std::map<std::string, std::string> files;
  const auto old = repository.object_format() == "sha1";
  files["config"] =
      fmt::format("[core]\n\trepositoryformatversion = {}\n{}", old ? 0 : 1, settings);
  if (!old)
    files["config"] += "[extensions]\n\tobjectFormat = " + repository.object_format() + "\n";
  files["info/attributes"] = no_attributes;
  for (std::size_t n = 0; n < objects.size(); ++n)
    files["objects/info/alternates"] += "../../../" + objects_name(n) + "\n";
  auto tags = repository.must(
      {{"for-each-ref", "--format=%(objectname) %(refname)", "refs/tags/"}, {}, {}, false});
  if (!tags)
    return tl::make_unexpected(tags.error());
  files["packed-refs"] = std::move(*tags);
  auto shallow = ledger::disk::read_file(repository.common_dir() / "shallow");
  if (shallow)
    files["shallow"] = std::move(*shallow);
  else if (shallow.error().kind != fault::not_found)
    return tl::make_unexpected(shallow.error());
  return files;
}

} // namespace

ledger::result<std::string> ignore_rules(const git& repository) {
  auto file = excludes_file(repository);
  if (!file)
    return tl::make_unexpected(file.error());
  auto rules = lines_of(*file);
  if (!rules)
    return rules;
  auto own = lines_of(repository.common_dir() / "info/exclude");
  if (!own)
    return own;
  return *rules + *own;
}

ledger::result<void> copy_index(const fs::path& from, const fs::path& to) {
  std::error_code e;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, e);
  if (!e) {
    const auto time = fs::last_write_time(from, e);
    if (!e)
      fs::last_write_time(to, time, e);
  }
  if (e)
    return cannot("copy the index to", to, e);
  return {};
}

ledger::result<slot_kit> slot_kit::make(const git& repository, const fs::path& folder) {
  slot_kit kit;
  kit.folder_ = folder;
  kit.rules_ = folder / "rules";
  add_object_folders(repository.common_dir() / "objects", 0, kit.objects_);
  auto rules = ignore_rules(repository);
  if (!rules)
    return tl::make_unexpected(rules.error());
  if (auto r = ledger::disk::put_file(kit.rules_, *rules, none); !r)
    return tl::make_unexpected(r.error());
  for (std::size_t n = 0; n < kit.objects_.size(); ++n) {
    const auto link = folder / objects_name(n);
    auto e = remove_tree(link);
    if (!e)
      fs::create_directory_symlink(kit.objects_[n], link, e);
    if (e)
      return cannot("make the link", link, e);
  }
  auto files = repository_files(repository, kit.objects_);
  if (!files)
    return tl::make_unexpected(files.error());
  kit.files_ = std::move(*files);
  return kit;
}

ledger::result<void> slot_kit::put_repository(const fs::path& slot, const fs::path& index,
                                              std::string_view commit) const {
  const auto git_folder = slot / ".git";
  auto e = remove_tree(git_folder);
  if (!e)
    fs::create_directories(git_folder / "refs", e);
  if (e)
    return cannot("make", git_folder, e);
  for (const auto& [name, content] : files_)
    if (auto r = ledger::disk::put_file(git_folder / name, content, none); !r)
      return r;
  return renew_repository(slot, index, commit);
}

ledger::result<void> slot_kit::renew_repository(const fs::path& slot, const fs::path& index,
                                                std::string_view commit) const {
  const auto git_folder = slot / ".git";
  if (auto r = ledger::disk::put_file(git_folder / "HEAD", fmt::format("{}\n", commit), none); !r)
    return r;
  if (auto r = copy_index(index, git_folder / "index"); !r)
    return r;
  // Older than every file: git looks into each before it calls it unchanged.
  std::error_code e;
  fs::last_write_time(
      git_folder / "index",
      fs::file_time_type::clock::from_sys(std::chrono::sys_seconds(std::chrono::seconds(1))), e);
  if (e)
    return cannot("set the time of", git_folder / "index", e);
  return {};
}

void slot_kit::remove() const {
  std::error_code e;
  fs::remove(rules_, e);
  for (std::size_t n = 0; n < objects_.size(); ++n)
    fs::remove(folder_ / objects_name(n), e);
}

} // namespace providers
