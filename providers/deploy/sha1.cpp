#include "providers/deploy/sha1.hpp"

#include "providers/full_disk.hpp"
#include "providers/spawn.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <vector>

namespace providers {

namespace {

constexpr std::size_t piece_bytes = 256 * 1024;

struct context_ender {
  void operator()(EVP_MD_CTX* c) const noexcept { ::EVP_MD_CTX_free(c); }
};

class stream {
public:
  stream()
      : context_(::EVP_MD_CTX_new()) {
    works_ = context_ && ::EVP_DigestInit_ex(context_.get(), ::EVP_sha1(), nullptr) == 1;
  }
  void update(const void* bytes, std::size_t count) {
    works_ = works_ && ::EVP_DigestUpdate(context_.get(), bytes, count) == 1;
  }
  /// Empty: OpenSSL could not, for want of memory or because it was told not to.
  std::string finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
    unsigned size = 0;
    if (!works_ || ::EVP_DigestFinal_ex(context_.get(), sum.data(), &size) != 1)
      return {};
    std::string out;
    for (unsigned i = 0; i < size; ++i)
      out += fmt::format("{:02x}", static_cast<unsigned>(sum.at(i)));
    return out;
  }

private:
  std::unique_ptr<EVP_MD_CTX, context_ender> context_;
  bool works_ = false;
};

} // namespace

std::string sha1(std::string_view bytes) {
  stream s;
  s.update(bytes.data(), bytes.size());
  return s.finish();
}

ledger::result<std::string> sha1_of_file(const std::filesystem::path& p) {
  const file in(::open(p.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in)
    return cannot("open", p, {errno, std::generic_category()});
  stream s;
  std::vector<char> piece(piece_bytes);
  for (;;) {
    const auto n = ::read(in.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return cannot("read", p, {errno, std::generic_category()});
    if (n == 0)
      break;
    s.update(piece.data(), static_cast<std::size_t>(n));
  }
  auto sum = s.finish();
  if (sum.empty())
    return ledger::fail(ledger::fault::unavailable,
                        "SHA-1 of " + p.string() + ": OpenSSL does not compute it here");
  return sum;
}

} // namespace providers
