#include "ledger/digest.hpp"

#include <openssl/evp.h>
#include <sodium.h>

#include <cstdio>
#include <cstdlib>

namespace ledger {

namespace {

// A library that cannot start would make every later digest a lie: end here.
void insist(bool well, const char* library) {
  if (well)
    return;
  std::fprintf(stderr, "scheduler: %s does not work; reinstall it\n", library);
  std::abort();
}

void start_sodium() {
  static const int started = sodium_init();
  insist(started >= 0, "libsodium");
}

constexpr std::size_t sha256_bytes = 32;

void begin_sha256(EVP_MD_CTX* c) {
  // Found once: looking it up takes longer than a short digest.
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  insist(algorithm && EVP_DigestInit_ex2(c, algorithm, nullptr) == 1, "libcrypto (OpenSSL)");
}

void add_sha256(EVP_MD_CTX* c, std::string_view bytes) {
  insist(EVP_DigestUpdate(c, bytes.data(), bytes.size()) == 1, "libcrypto (OpenSSL)");
}

std::array<unsigned char, sha256_bytes> end_sha256(EVP_MD_CTX* c) {
  std::array<unsigned char, sha256_bytes> sum{};
  unsigned size = 0;
  insist(EVP_DigestFinal_ex(c, sum.data(), &size) == 1 && size == sum.size(),
         "libcrypto (OpenSSL)");
  return sum;
}

struct context_freed {
  void operator()(EVP_MD_CTX* c) const noexcept { EVP_MD_CTX_free(c); }
};
using owned_context = std::unique_ptr<EVP_MD_CTX, context_freed>;

owned_context new_context() {
  owned_context c{EVP_MD_CTX_new()};
  insist(c != nullptr, "libcrypto (OpenSSL)");
  return c;
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
  thread_local const auto c = new_context();
  begin_sha256(c.get());
  add_sha256(c.get(), bytes);
  auto sum = end_sha256(c.get());
  return hex(sum.data(), sum.size());
}

struct sha256_stream::context {
  owned_context of_openssl = new_context();
};

void sha256_stream::freed::operator()(context* c) const noexcept {
  delete c;
}

sha256_stream::sha256_stream()
    : context_(new context) {
  begin_sha256(context_->of_openssl.get());
}

sha256_stream::sha256_stream(const sha256_stream& other)
    : context_(new context) {
  insist(EVP_MD_CTX_copy_ex(context_->of_openssl.get(), other.context_->of_openssl.get()) == 1,
         "libcrypto (OpenSSL)");
}

sha256_stream& sha256_stream::operator=(const sha256_stream& other) {
  return *this = sha256_stream(other);
}

void sha256_stream::update(std::string_view bytes) {
  add_sha256(context_->of_openssl.get(), bytes);
}

std::string sha256_stream::finish() {
  auto sum = end_sha256(context_->of_openssl.get());
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
