#include "ledger/disk/keyring.hpp"

#include "ledger/disk/files.hpp"
#include "ledger/disk/tree.hpp"
#include "ledger/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

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

// No such file: nobody is trusted yet. Any other trouble is no reason to
// believe that.
result<std::vector<public_key>> read_trusted(const fs::path& file) {
  std::vector<public_key> out;
  auto text = read_file(file, max_key_file_bytes);
  if (!text && text.error().kind == fault::not_found)
    return out;
  if (!text)
    return fail(text.error().kind == fault::refused ? fault::corrupt : text.error().kind,
                fmt::format("the trusted keys: {}", text.error().detail));
  for (auto whole : split_lines(*text))
    if (auto line = trimmed(whole); !line.empty() && line.front() != '#')
      out.emplace_back(line);
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

/// The key of a repository whose key file is not there.
result<signing_key> make_key(const keyring& k, const fs::path& dir,
                             const std::vector<public_key>& trusted, bool may_create) {
  auto file = key_file(dir, k.repo_id());
  if (named_key_file())
    return fail(fault::not_found,
                fmt::format("SCHEDULER_KEY_FILE names {}, which is not there; make one with "
                            "`openssl rand -hex 32`",
                            file.string()));
  auto heads = k.list_heads();
  if (!heads)
    return tl::make_unexpected(heads.error());
  // A new key over signed history would make every contract look forged.
  if (!trusted.empty() || !heads->empty())
    return fail(fault::not_found,
                fmt::format("the signing key {} is gone, but tasks were signed with it; restore "
                            "it from a backup",
                            file.string()));
  if (!may_create)
    return fail(fault::not_found,
                fmt::format("there is no signing key {}, but the ledger holds tasks; restore the "
                            "key from a backup, or name it with SCHEDULER_KEY_FILE",
                            file.string()));
  if (auto made = make_private_folder(dir); !made)
    return tl::make_unexpected(made.error());
  auto fresh = signing_key::generate();
  if (auto put = put_file(file, fresh.seed_hex() + "\n", durability::synced, 0600); !put)
    return tl::make_unexpected(put.error());
  return fresh;
}

} // namespace

/// Good lines by their SHA-256, and the records of the last of them.
struct keyring::known_lines {
  /// A task has up to three contracts, and is asked about them at eight gates. Whoever
  /// is not among these is checked, or read, again.
  static constexpr std::size_t most_lines = 128 * 1024, most_records = 16 * 1024;

  /// Nothing: not known. Null: good, to be read again.
  std::optional<std::shared_ptr<const record>> find(const std::string& digest) {
    std::lock_guard guard(mutex);
    auto it = lines.find(digest);
    return it == lines.end() ? std::nullopt : std::optional(it->second);
  }
  void add(std::string digest, std::shared_ptr<const record> r) {
    std::lock_guard guard(mutex);
    if (lines.size() >= most_lines) {
      lines.clear();
      records = 0;
    }
    if (r && ++records > most_records) {
      for (auto& [known, held] : lines)
        held = nullptr;
      records = 1;
    }
    lines.insert_or_assign(std::move(digest), std::move(r));
  }

  std::mutex mutex;
  std::unordered_map<std::string, std::shared_ptr<const record>> lines;
  std::size_t records = 0;
};

keyring::keyring()
    : known_(std::make_shared<known_lines>()) {}

std::string repository_id(const fs::path& common_dir) {
  return sha256(common_dir.string()).substr(0, 16);
}

result<keyring> keyring::open(fs::path state_dir, std::string repo_id, bool may_create) {
  keyring out;
  out.dir_ = std::move(state_dir);
  out.repo_id_ = std::move(repo_id);
  auto list = trusted_of(out.dir_, out.repo_id_);
  auto trusted = read_trusted(list);
  if (!trusted)
    return tl::make_unexpected(trusted.error());
  auto key = read_key(key_file(out.dir_, out.repo_id_));
  if (!key && key.error().kind == fault::not_found)
    key = make_key(out, out.dir_, *trusted, may_create);
  if (!key)
    return tl::make_unexpected(key.error());
  auto pub = key->pub();
  if (trusted->empty()) {
    if (auto made = make_private_folder(out.dir_); !made)
      return tl::make_unexpected(made.error());
    if (auto put = put_file(list, pub + "\n", durability::synced); !put)
      return tl::make_unexpected(put.error());
    trusted->push_back(pub);
  }
  // What it signs would be worth nothing to anybody who checks it.
  if (std::find(trusted->begin(), trusted->end(), pub) == trusted->end())
    return fail(fault::refused,
                fmt::format("the signing key {} is not a trusted one: {} does not hold its public "
                            "key; use the key of before, or add this line to that file: {}",
                            key_file(out.dir_, out.repo_id_).string(), list.string(), pub));
  out.key_ = std::move(*key);
  out.trusted_ = std::move(*trusted);
  return out;
}

keyring keyring::open_public(fs::path state_dir, std::string repo_id) {
  keyring out;
  out.dir_ = std::move(state_dir);
  out.repo_id_ = std::move(repo_id);
  if (auto trusted = read_trusted(trusted_of(out.dir_, out.repo_id_)))
    out.trusted_ = std::move(*trusted);
  else
    out.trouble_ = trusted.error().detail;
  return out;
}

fs::path keyring::trusted_file() const {
  return trusted_of(dir_, repo_id_);
}

fs::path keyring::standings_file() const {
  return dir_ / (repo_id_ + ".standings");
}

std::string keyring::sign(std::string_view bytes) const {
  assert(can_sign());
  return key_ ? key_->sign(bytes) : std::string{};
}

void keyring::vouch_for(std::string line_sha256) const {
  known_->add(std::move(line_sha256), nullptr);
}

bool keyring::trusts(std::string_view bytes, std::string_view sig) const {
  return std::any_of(trusted_.begin(), trusted_.end(),
                     [&](auto& pub) { return verifies(pub, bytes, sig); });
}

std::shared_ptr<const record> keyring::signed_record(std::string_view line) const {
  auto digest = sha256(line);
  auto known = known_->find(digest);
  if (known && *known)
    return *known;
  auto r = parse_line(line);
  if (!r || (!known && !trusts(signed_part(*r), r->sig)))
    return nullptr;
  auto found = std::make_shared<const record>(std::move(*r));
  known_->add(std::move(digest), found);
  return found;
}

namespace {

// Longer than any content of before it, which it covers: a sequence only grows.
result<void> write_over(const fs::path& file, std::string_view content) {
  // O_NONBLOCK: a FIFO in its place must not hang us.
  unique_fd fd(::open(file.c_str(),
                      O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644));
  if (!fd)
    return system_failure("open", file.string(), errno);
  return write_all(fd.get(), content, file.string());
}

// What a write under way leaves to be read, or a power cut, is no head.
std::optional<signed_head> head_in(std::string_view text) {
  signed_head head;
  std::uint64_t again = 0;
  auto end = text.data() + text.size();
  auto [digest, error] = std::from_chars(text.data(), end, head.seq);
  if (error != std::errc{} || head.seq == 0 || end - digest < 66 || *digest != ' ')
    return std::nullopt;
  head.line_sha256.assign(digest + 1, 64);
  if (digest[65] == '\n') // Told once, as it was of old.
    return head;
  auto [last, wrong] = std::from_chars(digest + 66, end, again);
  if (wrong != std::errc{} || again != head.seq || last == end || *last != '\n')
    return std::nullopt;
  return head;
}

} // namespace

result<void> keyring::remember_head(std::string_view task, const signed_head& head) const {
  auto folder = heads_of(dir_, repo_id_);
  auto content = fmt::format("{} {} {}\n", head.seq, head.line_sha256, head.seq);
  auto put = write_over(folder / task, content);
  if (!put && put.error().kind == fault::not_found) {
    std::error_code error;
    fs::create_directories(folder, error);
    put = write_over(folder / task, content);
  }
  if (!put) // Whatever is wrong there, it is none of the task's doing.
    return fail(fault::unavailable,
                fmt::format("remember the signed head of {}: {}", task, put.error().detail),
                put.error().code);
  return {};
}

result<std::optional<signed_head>> keyring::read_head(std::string_view task) const {
  auto text = read_file(heads_of(dir_, repo_id_) / task, 256);
  if (!text && text.error().kind == fault::not_found)
    return std::optional<signed_head>{};
  if (!text)
    return fail(text.error().kind == fault::refused ? fault::corrupt : text.error().kind,
                fmt::format("its signed head: {}", text.error().detail));
  return head_in(*text);
}

result<std::vector<std::string>> keyring::list_heads() const {
  std::vector<std::string> out;
  std::error_code error;
  auto folder = heads_of(dir_, repo_id_);
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    auto name = it->path().filename().string();
    if (!name.starts_with('.')) // A task's name never does; our temporary files do.
      out.push_back(std::move(name));
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(fault::unavailable, fmt::format("the signed heads cannot be read: {}: {}",
                                                folder.string(), error.message()));
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<signed_head> keyring::head_of(std::string_view task) const {
  return read_head(task).value_or(std::nullopt);
}

std::vector<std::string> keyring::tasks_with_heads() const {
  return list_heads().value_or(std::vector<std::string>{});
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
