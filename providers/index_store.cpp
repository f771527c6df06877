#include "providers/index_store.hpp"

#include "ledger/digest.hpp"

#include <algorithm>
#include <system_error>

namespace providers {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t indexes_max = 4;
constexpr std::size_t made_max = 1024;

std::string key_of(std::string_view base_tree, std::string_view patch) {
  return ledger::sha256(std::string(base_tree).append(" ").append(patch));
}

} // namespace

bool index_store::copy(const std::string& tree, const fs::path& to) {
  const std::lock_guard lock(mutex_); // Whoever keeps another one may remove it.
  const auto known =
      std::find_if(kept_.begin(), kept_.end(), [&](const auto& k) { return k.first == tree; });
  std::error_code e;
  return known != kept_.end() && fs::copy_file(known->second, to, e) && !e;
}

void index_store::keep_in(const fs::path& folder) {
  const std::lock_guard lock(mutex_);
  std::error_code e;
  for (const auto& [tree, file] : kept_)
    fs::remove(file, e);
  kept_.clear();
  folder_ = folder;
}

void index_store::keep(const std::string& tree, const fs::path& from) {
  const std::lock_guard lock(mutex_);
  if (folder_.empty())
    return;
  const auto at = folder_ / ("index-kept-" + std::to_string(++last_));
  std::error_code e;
  if (!fs::copy_file(from, at, e) || e)
    return;
  kept_.emplace_front(tree, at);
  if (kept_.size() > indexes_max) {
    fs::remove(kept_.back().second, e);
    kept_.pop_back();
  }
}

std::string index_store::made_of(std::string_view base_tree, std::string_view patch) {
  const auto key = key_of(base_tree, patch);
  const std::lock_guard lock(mutex_);
  const auto known =
      std::find_if(made_.begin(), made_.end(), [&](const auto& m) { return m.first == key; });
  return known == made_.end() ? std::string() : known->second;
}

void index_store::remember(std::string_view base_tree, std::string_view patch,
                           const std::string& tree) {
  auto key = key_of(base_tree, patch);
  const std::lock_guard lock(mutex_);
  made_.emplace_front(std::move(key), tree);
  if (made_.size() > made_max)
    made_.pop_back();
}

} // namespace providers
