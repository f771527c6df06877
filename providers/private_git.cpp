#include "providers/private_git.hpp"

#include "ledger/disk/files.hpp"
#include "providers/full_disk.hpp"
#include "providers/remove_tree.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <system_error>
#include <utility>

namespace providers {

namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> files_of(const private_git_spec& spec) {
  const auto old = spec.object_format == "sha1";
  auto config = fmt::format("[core]\n\trepositoryformatversion = {}\n\tbare = true\n", old ? 0 : 1);
  // Who shares a repository shares its new objects too.
  if (!spec.shared.empty()
      && spec.shared.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz") == std::string::npos)
    config += "\tsharedRepository = " + spec.shared + "\n";
  if (!old)
    config += "[extensions]\n\tobjectFormat = " + spec.object_format + "\n";
  return {
      {"HEAD", "ref: refs/heads/none\n"}, {"config", config}, {"info/attributes", no_attributes}};
}

/// Whether a folder holds these files, `refs` without anything, and no more.
bool is_exactly(const fs::path& folder, const std::map<std::string, std::string>& files) {
  std::error_code e;
  std::size_t found = 0;
  for (fs::recursive_directory_iterator at(folder, e), end; !e && at != end; at.increment(e)) {
    const auto name = at->path().lexically_relative(folder).string();
    const auto type = at->symlink_status(e).type();
    if (type == fs::file_type::directory && (name == "refs" || name == "info"))
      continue;
    const auto known = files.find(name);
    if (type != fs::file_type::regular || known == files.end())
      return false;
    const auto now = ledger::disk::read_file(at->path(), 64 * 1024);
    if (!now || *now != known->second)
      return false;
    ++found;
  }
  return !e && found == files.size() && fs::is_directory(folder / "refs", e);
}

ledger::result<void> write(const fs::path& folder,
                           const std::map<std::string, std::string>& files) {
  std::error_code e;
  fs::create_directories(folder / "refs", e);
  if (e)
    return cannot("make", folder / "refs", e);
  for (const auto& [name, content] : files)
    if (auto r = ledger::disk::put_file(folder / name, content, ledger::disk::durability::none); !r)
      return r;
  return {};
}

/// Under its name at once or not at all: others may be making the same one.
ledger::result<void> put(const fs::path& folder, const std::map<std::string, std::string>& files) {
  std::error_code e;
  if (is_exactly(folder, files))
    return {};
  fs::create_directories(folder.parent_path(), e);
  auto beside = folder.string() + "-XXXXXX";
  if (::mkdtemp(beside.data()) == nullptr)
    return cannot("make a folder like", beside, {errno, std::generic_category()});
  if (auto r = write(beside, files); !r) {
    remove_tree(beside);
    return r;
  }
  if (e = remove_tree(folder); !e)
    fs::rename(beside, folder, e);
  if (e)
    remove_tree(beside);
  if (e && !is_exactly(folder, files))
    return cannot("make", folder, e);
  return {};
}

} // namespace

void private_git::keep_in(fs::path folder) {
  const std::lock_guard lock(mutex_);
  folder_ = std::move(folder);
}

bool private_git::made() const {
  const std::lock_guard lock(mutex_);
  return made_;
}

ledger::result<void> private_git::make(const private_git_spec& spec) {
  const std::lock_guard lock(mutex_);
  if (made_)
    return {};
  const auto files = files_of(spec);
  if (folder_.empty()) {
    auto folder = scratch_folder::make("git");
    if (!folder)
      return tl::make_unexpected(folder.error());
    if (auto r = write(folder->path(), files); !r)
      return r;
    folder_ = folder->path();
    scratch_ = std::move(*folder);
  } else if (auto r = put(folder_, files); !r) {
    return r;
  }
  objects_ = spec.objects;
  made_ = true;
  return {};
}

std::map<std::string, std::string> private_git::environment() const {
  std::map<std::string, std::string> env;
  for (const char* name : {"PATH", "TMPDIR"})
    if (const char* value = std::getenv(name))
      env[name] = value;
  env["HOME"] = folder_.string();
  env["GIT_DIR"] = folder_.string();
  env["GIT_OBJECT_DIRECTORY"] = objects_.string();
  env["GIT_CONFIG_GLOBAL"] = "/dev/null";
  env["GIT_CONFIG_NOSYSTEM"] = "1";
  env["GIT_ATTR_NOSYSTEM"] = "1";
  return env;
}

} // namespace providers
