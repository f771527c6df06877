#include "cli/identity.hpp"

#include "ledger/disk/files.hpp"
#include "ledger/disk/keyring.hpp"
#include "ledger/paths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

namespace cli {

namespace {

namespace fs = std::filesystem;
using ledger::fail;
using ledger::fault;
using ledger::result;
using ledger::disk::durability;

constexpr std::size_t id_digits = 16;
constexpr std::size_t file_bytes_max = 64 * 1024;

fs::path id_file(const fs::path& common_dir) {
  return common_dir / "scheduler.id";
}

fs::path path_file(const fs::path& state_dir, const std::string& id) {
  return state_dir / (id + ".path");
}

/// Content without its line end; empty: there is no such file.
result<std::string> line_in(const fs::path& file) {
  auto text = ledger::disk::read_file(file, file_bytes_max);
  if (!text && text.error().kind == fault::not_found)
    return std::string{};
  if (!text)
    return tl::make_unexpected(text.error());
  while (!text->empty() && text->back() == '\n')
    text->pop_back();
  return std::move(*text);
}

bool is_id(const std::string& text) {
  return text.size() == id_digits
         && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool is_same_place(const fs::path& a, const fs::path& b) {
  std::error_code e; // Also by another path, as a bind mount gives it.
  return a == b || fs::equivalent(a, b, e);
}

/// The first id made of this path that no other place has.
result<identity> new_identity(const fs::path& common_dir, const fs::path& state_dir) {
  for (std::size_t n = 1;; ++n) {
    identity i;
    i.repo_id = ledger::disk::repository_id(
        n == 1 ? common_dir : fs::path(fmt::format("{}#{}", common_dir.string(), n)));
    auto place = line_in(path_file(state_dir, i.repo_id));
    if (!place)
      return tl::make_unexpected(place.error());
    if (place->empty() || *place == common_dir)
      return i;
  }
}

} // namespace

result<identity> identity_of(const fs::path& common_dir, const fs::path& state_dir) {
  auto file = id_file(common_dir);
  auto id = line_in(file);
  if (!id)
    return tl::make_unexpected(id.error());
  if (id->empty())
    return new_identity(common_dir, state_dir);
  if (!is_id(*id))
    return fail(fault::corrupt,
                fmt::format("{} holds no repository id ({} hex digits): restore it from a backup; "
                            "the names of the files in {} say which ids there are",
                            file.string(), id_digits, state_dir.string()));
  identity i;
  i.repo_id = *id;
  auto before = line_in(path_file(state_dir, i.repo_id));
  if (!before)
    return tl::make_unexpected(before.error());
  i.is_kept = *before == common_dir;
  if (i.is_kept || before->empty() || is_same_place(*before, common_dir))
    return i;
  auto there = line_in(id_file(*before));
  (there && *there == i.repo_id ? i.copy_of : i.moved_from) = *before;
  return i;
}

result<void> remember_identity(const identity& i, const fs::path& common_dir,
                               const fs::path& state_dir) {
  if (i.is_kept)
    return {};
  // The place first: an id file alone would be adopted by any copy of it.
  if (auto ok = ledger::disk::put_file(path_file(state_dir, i.repo_id), common_dir.string() + "\n",
                                       durability::synced, 0600);
      !ok)
    return ok;
  return ledger::disk::put_file(id_file(common_dir), i.repo_id + "\n", durability::synced);
}

std::string why_no_copy(const identity& i, const fs::path& common_dir, const fs::path& top) {
  return fmt::format(
      "this repository is a copy: {} is there and has the same id. The ledger belongs "
      "to the original. To give this copy an id and a ledger of its own, remove {} "
      "and {} here, and delete its branches ai-gated/*",
      i.copy_of, id_file(common_dir).string(), (top / ledger::ledger_root).string());
}

} // namespace cli
