#include "providers/checkout_folder.hpp"

#include "ledger/glob.hpp"
#include "providers/full_disk.hpp"

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

namespace providers {

namespace {

namespace fs = std::filesystem;

/// Whether a name is `.git` to any file system that a tree may end up on.
bool is_git_name(const std::string& name) {
  if (name == ".git")
    return true;
  const auto odd = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
  const auto g = [](char c) { return c == 'g' || c == 'G'; };
  if (std::none_of(name.begin(), name.end(), odd) && std::none_of(name.begin(), name.end(), g))
    return false; // Folding costs; a checkout has many names.
  const auto f = ledger::folded(name);
  return f == ".git" || f == "git~1";
}

} // namespace

fs::file_type type_of(const fs::directory_entry& entry) {
  std::error_code e;
  return entry.is_symlink(e)        ? fs::file_type::symlink
         : entry.is_directory(e)    ? fs::file_type::directory
         : entry.is_regular_file(e) ? fs::file_type::regular
                                    : fs::file_type::unknown;
}

void make_accessible(const fs::path& root, bool files_too) {
  std::error_code none;
  if (!fs::is_directory(fs::symlink_status(root, none)))
    return;
  std::vector<fs::path> todo{root};
  while (!todo.empty()) {
    const auto folder = std::move(todo.back());
    todo.pop_back();
    std::error_code e;
    fs::permissions(folder, fs::perms::owner_all, fs::perm_options::add, e);
    for (fs::directory_iterator at(folder, e), end; !e && at != end; at.increment(e)) {
      const auto type = type_of(*at);
      std::error_code ignored;
      if (type == fs::file_type::directory)
        todo.push_back(at->path());
      else if (type == fs::file_type::regular && files_too)
        fs::permissions(at->path(), fs::perms::owner_read | fs::perms::owner_write,
                        fs::perm_options::add, ignored);
    }
  }
}

ledger::result<std::vector<std::string>> nested_repositories(const fs::path& root) {
  std::vector<std::string> found, todo{""};
  while (!todo.empty()) {
    const auto folder = std::move(todo.back());
    todo.pop_back();
    std::error_code e;
    for (fs::directory_iterator at(root / folder, e), end; !e && at != end; at.increment(e)) {
      const auto name = at->path().filename().string();
      const auto path = folder.empty() ? name : folder + "/" + name;
      if (is_git_name(name) && path != ".git")
        found.push_back(path);
      else if (path != ".git" && type_of(*at) == fs::file_type::directory)
        todo.push_back(path);
    }
    if (e)
      return cannot("look into", root / folder, e);
  }
  return found;
}

std::vector<std::string> repositories_among(const std::vector<std::string>& added) {
  std::vector<std::string> found;
  std::copy_if(added.begin(), added.end(), std::back_inserter(found), [](const auto& path) {
    return is_git_name(path.substr(path.rfind('/') + 1)); // npos + 1 is 0.
  });
  return found;
}

} // namespace providers
