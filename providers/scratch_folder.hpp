// scratch_folder.hpp -- a private folder in TMPDIR that goes when its owner goes.

#pragma once

#include "ledger/result.hpp"
#include "providers/full_disk.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

namespace providers {

class scratch_folder {
public:
  /// Errors: unavailable.
  static ledger::result<scratch_folder> make(const std::string& what) {
    std::error_code e;
    auto below = std::filesystem::temp_directory_path(e);
    auto name = ((e ? "/tmp" : below) / ("scheduler-" + what + "-XXXXXX")).string();
    if (::mkdtemp(name.data()) == nullptr)
      return cannot("make a temporary folder like", name, {errno, std::generic_category()});
    return scratch_folder(std::filesystem::path(name));
  }

  scratch_folder(scratch_folder&& other) noexcept
      : path_(std::exchange(other.path_, {})) {}
  scratch_folder& operator=(scratch_folder&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~scratch_folder() {
    std::error_code e;
    if (!path_.empty())
      std::filesystem::remove_all(path_, e);
  }
  const std::filesystem::path& path() const noexcept { return path_; }

private:
  explicit scratch_folder(std::filesystem::path path)
      : path_(std::move(path)) {}
  std::filesystem::path path_;
};

} // namespace providers
