// digest.hpp -- SHA-256 through OpenSSL, which uses the processor's instructions
// for it, and Ed25519 through libsodium.
//
// A *digest* is 64 lower-case hex digits. A *signing key* never leaves this
// type as text: it is read from and written to its file only.
//
// Pure (no clock, no disk); `signing_key::generate` draws from the system.

#pragma once

#include "ledger/result.hpp"

#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace ledger {

/// SHA-256 of `bytes`, 64 hex digits.
std::string sha256(std::string_view bytes);

/// SHA-256 of a content that comes in pieces. A copy goes on by itself.
class sha256_stream {
public:
  sha256_stream();
  sha256_stream(const sha256_stream& other);
  sha256_stream(sha256_stream&&) noexcept = default;
  sha256_stream& operator=(const sha256_stream& other);
  sha256_stream& operator=(sha256_stream&&) noexcept = default;
  ~sha256_stream() = default;
  void update(std::string_view bytes);
  std::string finish(); ///< Once.
  /// Of what came until now; more may follow.
  std::string so_far() const { return sha256_stream(*this).finish(); }

private:
  struct context; ///< OpenSSL's, kept opaque.
  struct freed {
    void operator()(context* c) const noexcept;
  };
  std::unique_ptr<context, freed> context_;
};

/// The public half, 64 hex digits.
using public_key = std::string;

class signing_key {
public:
  /// Draws a new key.
  static signing_key generate();
  /// From the 64 hex digits of its seed. Errors: corrupt.
  static result<signing_key> from_seed_hex(std::string_view hex);

  std::string seed_hex() const;
  const public_key& pub() const noexcept { return pub_; }
  /// Signature over `bytes`, base64.
  std::string sign(std::string_view bytes) const;

private:
  std::array<unsigned char, 32> seed_{};
  std::array<unsigned char, 64> secret_{};
  public_key pub_;
};

/// Whether `sig` (base64) is `pub`'s signature over `bytes`. Anything that
/// cannot be read is no signature.
bool verifies(const public_key& pub, std::string_view bytes, std::string_view sig);

} // namespace ledger
