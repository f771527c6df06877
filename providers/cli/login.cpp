#include "providers/cli/login.hpp"

#include "ledger/disk/files.hpp"
#include "ledger/record.hpp"

#include <algorithm>
#include <cstdint>
#include <mutex>

namespace providers::cli {
namespace {

using ledger::json;
namespace fs = std::filesystem;

constexpr std::size_t login_bytes_max = 256 * 1024;

std::mutex& one_at_a_time() {
  static std::mutex m;
  return m;
}

/// A user's dotfiles may be links to where they keep them.
fs::path where_it_is(const fs::path& file) {
  std::error_code e;
  auto real = fs::canonical(file, e);
  return e ? file : real;
}

bool alike(const json& a, const json& b, int levels) {
  if (levels == 0)
    return false;
  if (a.is_object()) {
    if (!b.is_object() || a.size() != b.size())
      return false;
    return std::all_of(a.items().begin(), a.items().end(), [&](const auto& item) {
      const auto other = b.find(item.key());
      return other != b.end() && alike(item.value(), *other, levels - 1);
    });
  }
  if (a.is_array())
    return b.is_array(); // Of scopes and the like.
  // A token that was not there yet is null, as a time that is not known.
  if (a.is_null() || b.is_null())
    return !b.is_structured();
  return (a.is_number() && b.is_number()) || a.type() == b.type();
}

} // namespace

ledger::result<std::string> read_login(const fs::path& file) {
  const std::lock_guard lock(one_at_a_time());
  auto content = ledger::disk::read_file(where_it_is(file), login_bytes_max);
  if (!content && content.error().kind == ledger::fault::not_found)
    return std::string();
  return content;
}

bool same_shape(std::string_view lent, std::string_view after) {
  const auto a = json::parse(lent, nullptr, false);
  const auto b = json::parse(after, nullptr, false);
  return a.is_object() && b.is_object() && after.size() <= login_bytes_max && alike(a, b, 16);
}

returned return_login(const fs::path& file, std::string_view lent, std::string_view after) {
  if (after == lent || after.empty())
    return returned::unchanged;
  if (!same_shape(lent, after))
    return returned::misshapen;
  const std::lock_guard lock(one_at_a_time());
  const auto real = where_it_is(file);
  const auto now = ledger::disk::read_file(real, login_bytes_max);
  if (!now || *now != lent)
    return returned::overtaken;
  const auto put = ledger::disk::put_file(real, after, ledger::disk::durability::synced, 0600);
  return put ? returned::kept : returned::failed;
}

} // namespace providers::cli
