#include "ledger/disk/keyring.hpp"

#include "ledger/disk/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstdlib>

namespace ledger::disk {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_key_file_bytes = 64 * 1024;

fs::path heads_of(const fs::path& dir, const std::string& repo_id) {
  return dir / (repo_id + ".heads");
}

fs::path trusted_of(const fs::path& dir, const std::string& repo_id) {
  return dir / (repo_id + ".trusted");
}

const char* named_key_file() {
  const char* named = std::getenv("SCHEDULER_KEY_FILE");
  return named && *named ? named : nullptr;
}

fs::path key_file(const fs::path& dir, const std::string& repo_id) {
  auto* named = named_key_file();
  return named ? fs::path(named) : dir / repo_id;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

result<signing_key> read_key(const fs::path& file) {
  auto text = read_file(file, max_key_file_bytes);
  if (!text)
    return tl::make_unexpected(text.error());
  auto key = signing_key::from_seed_hex(trimmed(*text));
  if (!key)
    return fail(fault::corrupt, fmt::format("signing key {}: {}; restore it from a backup",
                                            file.string(), key.error().detail));
  return key;
}

std::vector<public_key> read_trusted(const fs::path& file) {
  std::vector<public_key> out;
  auto text = read_file(file, max_key_file_bytes);
  if (!text)
    return out;
  std::string_view rest = *text;
  while (!rest.empty()) {
    auto end = rest.find('\n');
    auto line = trimmed(rest.substr(0, end));
    if (!line.empty() && line.front() != '#')
      out.emplace_back(line);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return out;
}

result<void> make_private_folder(const fs::path& dir) {
  std::error_code error;
  if (fs::exists(dir, error))
    return {};
  fs::create_directories(dir, error);
  if (!error)
    fs::permissions(dir, fs::perms::owner_all, error);
  if (error)
    return fail(fault::unavailable, fmt::format("mkdir {}: {}", dir.string(), error.message()));
  return {};
}

} // namespace

std::string repository_id(const fs::path& common_dir) {
  return sha256(common_dir.string()).substr(0, 16);
}

result<keyring> keyring::open(fs::path state_dir, std::string repo_id, bool may_create) {
  auto out = open_public(std::move(state_dir), std::move(repo_id));
  auto file = key_file(out.dir_, out.repo_id_);
  auto key = read_key(file);
  if (!key && key.error().kind == fault::not_found) {
    if (named_key_file())
      return fail(fault::not_found,
                  fmt::format("SCHEDULER_KEY_FILE names {}, which is not there; make one with "
                              "`openssl rand -hex 32`",
                              file.string()));
    // A new key over signed history would make every contract look forged.
    if (!out.trusted_.empty() || !out.tasks_with_heads().empty())
      return fail(fault::not_found,
                  fmt::format("the signing key {} is gone, but tasks were signed with it; restore "
                              "it from a backup",
                              file.string()));
    if (!may_create)
      return fail(fault::not_found,
                  fmt::format("there is no signing key {}, but the ledger holds tasks; restore the "
                              "key from a backup, or name it with SCHEDULER_KEY_FILE",
                              file.string()));
    if (auto made = make_private_folder(out.dir_); !made)
      return tl::make_unexpected(made.error());
    auto fresh = signing_key::generate();
    if (auto put = put_file(file, fresh.seed_hex() + "\n", durability::synced, 0600); !put)
      return tl::make_unexpected(put.error());
    key = std::move(fresh);
  }
  if (!key)
    return tl::make_unexpected(key.error());
  auto& known = out.trusted_;
  out.key_ = std::move(*key);
  auto on_file = read_trusted(trusted_of(out.dir_, out.repo_id_));
  if (std::find(known.begin(), known.end(), out.key_->pub()) == known.end())
    known.push_back(out.key_->pub());
  if (may_create && std::find(on_file.begin(), on_file.end(), out.key_->pub()) == on_file.end()) {
    std::string text;
    for (auto& pub : known)
      text += pub + "\n";
    if (auto made = make_private_folder(out.dir_); !made)
      return tl::make_unexpected(made.error());
    if (auto put = put_file(trusted_of(out.dir_, out.repo_id_), text, durability::synced); !put)
      return tl::make_unexpected(put.error());
  }
  return out;
}

keyring keyring::open_public(fs::path state_dir, std::string repo_id) {
  keyring out;
  out.dir_ = std::move(state_dir);
  out.repo_id_ = std::move(repo_id);
  out.trusted_ = read_trusted(trusted_of(out.dir_, out.repo_id_));
  return out;
}

std::string keyring::sign(std::string_view bytes) const {
  assert(can_sign());
  return key_ ? key_->sign(bytes) : std::string{};
}

bool keyring::trusts(std::string_view bytes, std::string_view sig) const {
  return std::any_of(trusted_.begin(), trusted_.end(),
                     [&](auto& pub) { return verifies(pub, bytes, sig); });
}

result<void> keyring::remember_head(std::string_view task, const signed_head& head) const {
  return put_file(heads_of(dir_, repo_id_) / task,
                  fmt::format("{} {}\n", head.seq, head.line_sha256), durability::none);
}

std::optional<signed_head> keyring::head_of(std::string_view task) const {
  auto text = read_file(heads_of(dir_, repo_id_) / task, 256);
  if (!text)
    return std::nullopt;
  // A head is not synced: after a power cut it may be empty, which is no head.
  signed_head head;
  auto line = trimmed(*text);
  auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), head.seq);
  auto used = static_cast<std::size_t>(end - line.data());
  if (error != std::errc{} || head.seq == 0 || used >= line.size() || line[used] != ' ')
    return std::nullopt;
  head.line_sha256 = line.substr(used + 1);
  if (head.line_sha256.size() != 64)
    return std::nullopt;
  return head;
}

std::vector<std::string> keyring::tasks_with_heads() const {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator it(heads_of(dir_, repo_id_), error), end; !error && it != end;
       it.increment(error)) {
    auto name = it->path().filename().string();
    if (!name.starts_with('.')) // A task's name never does; our temporary files do.
      out.push_back(std::move(name));
  }
  std::sort(out.begin(), out.end());
  return out;
}

fs::path default_state_dir() {
  const char* state = std::getenv("XDG_STATE_HOME");
  // The specification says that a relative value is to be ignored.
  if (state && *state == '/')
    return fs::path(state) / "scheduler" / "keys";
  const char* home = std::getenv("HOME");
  return fs::path(home && *home ? home : "/") / ".local" / "state" / "scheduler" / "keys";
}

} // namespace ledger::disk
