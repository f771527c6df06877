// keyring.hpp -- the signing key, and what stands beside it.
//
// The *state folder* is `$XDG_STATE_HOME/scheduler/keys` (by default
// ~/.local/state/…), outside the repository; no sandbox mounts it. It holds
// `<repo id>` (the seed, 0600), `<repo id>.trusted` (public keys, one a line),
// `<repo id>.standings` (standings.hpp) and `<repo id>.heads/<TASK>` (sequence
// and digest of the task's last signed line), so that a journal that was cut off
// is noticed. The *repository id* is
// made once, of the canonical path of the git common directory, and kept there
// (cli/identity.hpp), so that a repository can be moved.
//
//   1. A key is made only where no signed history exists.
//   2. SCHEDULER_KEY_FILE, if set, names the seed's file instead.
//   3. Whoever can sign is published: a keyring whose public key is not among
//      the trusted ones is not opened for signing. It publishes itself only
//      where no key is published yet: whom else to trust a person says.
//   4. A head file may lag behind the journal (it is written after it), never
//      be ahead of it. It is written over in place, by one writer, and can be read
//      meanwhile: it tells its sequence twice, first and last.
//   5. A line whose signature was found good, or was just made here, is known from
//      then on, by all of its bytes: a signature does not go bad, and gates ask again
//      and again.

#pragma once

#include "ledger/digest.hpp"
#include "ledger/record.hpp"
#include "ledger/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ledger::disk {

/// The first id of a repository: the first 16 hex digits of the SHA-256 of its
/// path. `common_dir` must be absolute and canonical.
std::string repository_id(const std::filesystem::path& common_dir);

struct signed_head {
  std::uint64_t seq = 0;
  std::string line_sha256;
};

class keyring {
public:
  /// Opens (for writing: makes, if `may_create`) the key of a repository.
  /// `state_dir` is the folder named above. Errors: not_found (no key), refused
  /// (the key is not a trusted one), corrupt, unavailable.
  static result<keyring> open(std::filesystem::path state_dir, std::string repo_id,
                              bool may_create);
  /// Public halves only, for `verify`, `status`, `show`: writes nothing. A
  /// missing key gives a keyring that trusts nobody; so does a list of trusted
  /// keys that cannot be read: see trouble().
  static keyring open_public(std::filesystem::path state_dir, std::string repo_id);

  const std::string& repo_id() const noexcept { return repo_id_; }
  /// The list of those whose signatures are trusted, and where standings are kept.
  std::filesystem::path trusted_file() const;
  std::filesystem::path standings_file() const;
  /// Why the trusted keys could not be read; empty: they could.
  const std::string& trouble() const noexcept { return trouble_; }
  bool can_sign() const noexcept { return key_.has_value(); }
  std::string sign(std::string_view bytes) const; ///< Requires can_sign().
  /// A line, by its digest, whose signature sign() has just made: never to be checked.
  void vouch_for(std::string line_sha256) const;
  /// Whether any trusted key signed.
  bool trusts(std::string_view bytes, std::string_view sig) const;
  /// The record of a journal's line, if any trusted key signed it; else null. Any
  /// thread may ask.
  std::shared_ptr<const record> signed_record(std::string_view line) const;

  /// Errors: unavailable.
  result<void> remember_head(std::string_view task, const signed_head& head) const;
  /// Nothing: the task was never signed for on this machine. Errors: what is
  /// there cannot be read, which is no proof that there is nothing.
  result<std::optional<signed_head>> read_head(std::string_view task) const;
  result<std::vector<std::string>> list_heads() const; ///< Tasks, sorted.
  /// The same, where what cannot be read counts as nothing: not for deciding.
  std::optional<signed_head> head_of(std::string_view task) const;
  std::vector<std::string> tasks_with_heads() const;

private:
  struct known_lines;

  keyring();

  std::filesystem::path dir_;
  std::string repo_id_;
  std::optional<signing_key> key_;
  std::vector<public_key> trusted_;
  std::string trouble_;
  std::shared_ptr<known_lines> known_; ///< Of copies too.
};

/// $XDG_STATE_HOME/scheduler/keys of this process's environment.
std::filesystem::path default_state_dir();

} // namespace ledger::disk
