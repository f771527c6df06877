#include "ledger/digest.hpp"

#include <sodium.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace ledger {

namespace {

static_assert(sizeof(crypto_hash_sha256_state) <= 128, "sha256_stream::state_ is too small");

// A library that cannot start would make every later digest a lie: end here.
void start_sodium() {
  static const int started = sodium_init();
  if (started < 0) {
    std::fputs("scheduler: libsodium cannot be initialised; reinstall libsodium\n", stderr);
    std::abort();
  }
}

const unsigned char* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hex(const unsigned char* bytes, std::size_t count) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out(count * 2, '0');
  for (std::size_t i = 0; i < count; ++i) {
    out[2 * i] = digits[bytes[i] >> 4];
    out[2 * i + 1] = digits[bytes[i] & 15];
  }
  return out;
}

int nibble(char c) noexcept {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Strict: exactly 2 * N lower-case digits, so that one key has one spelling.
template <std::size_t N>
bool unhex(std::string_view text, std::array<unsigned char, N>& out) noexcept {
  if (text.size() != 2 * N)
    return false;
  for (std::size_t i = 0; i < N; ++i) {
    int high = nibble(text[2 * i]);
    int low = nibble(text[2 * i + 1]);
    if (high < 0 || low < 0)
      return false;
    out[i] = static_cast<unsigned char>(high << 4 | low);
  }
  return true;
}

} // namespace

std::string sha256(std::string_view bytes) {
  start_sodium();
  std::array<unsigned char, crypto_hash_sha256_BYTES> sum{};
  crypto_hash_sha256(sum.data(), bytes_of(bytes), bytes.size());
  return hex(sum.data(), sum.size());
}

// The state is copied in and out: an array of bytes need not be aligned as
// libsodium's struct is.
sha256_stream::sha256_stream()
    : state_{} {
  start_sodium();
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  std::memcpy(state_.data(), &state, sizeof state);
}

void sha256_stream::update(std::string_view bytes) {
  crypto_hash_sha256_state state;
  std::memcpy(&state, state_.data(), sizeof state);
  crypto_hash_sha256_update(&state, bytes_of(bytes), bytes.size());
  std::memcpy(state_.data(), &state, sizeof state);
}

std::string sha256_stream::finish() {
  crypto_hash_sha256_state state;
  std::memcpy(&state, state_.data(), sizeof state);
  std::array<unsigned char, crypto_hash_sha256_BYTES> sum{};
  crypto_hash_sha256_final(&state, sum.data());
  return hex(sum.data(), sum.size());
}

signing_key signing_key::generate() {
  start_sodium();
  std::array<unsigned char, crypto_sign_SEEDBYTES> seed{};
  randombytes_buf(seed.data(), seed.size());
  return *from_seed_hex(hex(seed.data(), seed.size()));
}

result<signing_key> signing_key::from_seed_hex(std::string_view text) {
  static_assert(crypto_sign_SEEDBYTES == 32 && crypto_sign_SECRETKEYBYTES == 64);
  start_sodium();
  signing_key key;
  if (!unhex(text, key.seed_))
    return fail(fault::corrupt, "a signing key is 64 lower-case hex digits");
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> pub{};
  crypto_sign_seed_keypair(pub.data(), key.secret_.data(), key.seed_.data());
  key.pub_ = hex(pub.data(), pub.size());
  return key;
}

std::string signing_key::seed_hex() const {
  return hex(seed_.data(), seed_.size());
}

std::string signing_key::sign(std::string_view bytes) const {
  std::array<unsigned char, crypto_sign_BYTES> sig{};
  crypto_sign_detached(sig.data(), nullptr, bytes_of(bytes), bytes.size(), secret_.data());
  std::array<char, sodium_base64_ENCODED_LEN(crypto_sign_BYTES, sodium_base64_VARIANT_ORIGINAL)>
      text{};
  sodium_bin2base64(text.data(), text.size(), sig.data(), sig.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  return text.data();
}

bool verifies(const public_key& pub, std::string_view bytes, std::string_view sig) {
  start_sodium();
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> key{};
  if (!unhex(pub, key))
    return false;
  std::array<unsigned char, crypto_sign_BYTES> raw{};
  std::size_t length = 0;
  const char* end = nullptr;
  if (sodium_base642bin(raw.data(), raw.size(), sig.data(), sig.size(), nullptr, &length, &end,
                        sodium_base64_VARIANT_ORIGINAL)
          != 0
      || length != raw.size() || end != sig.data() + sig.size())
    return false;
  return crypto_sign_verify_detached(raw.data(), bytes_of(bytes), bytes.size(), key.data()) == 0;
}

} // namespace ledger
