// netlify_uploading.hpp -- requests in flight, and when to send them again.
//
// Private to netlify_service.cpp.

#pragma once

#include "providers/deploy/netlify_service.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace providers::netlify {

using http_outcome = tl::expected<http_response, http_failure>;

/// How often one looks whether the program ends.
inline constexpr std::chrono::milliseconds look_again{50};

/// How often a call is made again, and after what time.
class retries {
public:
  /// Nothing: it was tried often enough.
  std::optional<std::chrono::milliseconds> next_pause();
  /// After the service asked to wait, and was waited for.
  bool is_left_after_a_wait();

private:
  std::uint32_t failed_ = 0, waited_ = 0;
};

/// Whether it says nothing but that it should be tried again.
bool is_trouble(const http_outcome& o);
/// Such an outcome as a failure: unavailable, or refused (a certificate).
tl::unexpected<ledger::failure> judged_trouble(const http_outcome& o,
                                               const ledger::redactor& secrets);

/// Errors: unavailable, code "closing": nobody waits for the answer any more.
ledger::result<http_outcome> send_and_wait(http& web, const http_request& r,
                                           const std::function<bool()>& is_closing);

/// Uploads, a few at a time.
class service::uploading {
public:
  struct letter {
    std::size_t of; ///< Which file.
    http_outcome what;
  };

  uploading(const std::vector<upload>& files, std::function<http_request(const upload&)> make);

  bool is_done() const noexcept { return left_ == 0; }
  /// Reads files and sends them. Errors: unavailable.
  ledger::result<void> begin_more(http& web);
  /// Waits for an outcome for a moment.
  std::optional<letter> next();
  void landed(std::size_t which);
  /// Puts it back in line. False: it was tried often enough.
  bool again(std::size_t which, bool after_a_wait);

private:
  /// Outlives us where requests do.
  struct mailbox {
    std::mutex mutex;
    std::condition_variable news;
    std::deque<letter> letters;
  };
  struct waiting {
    std::size_t which;
    deadline from;
  };

  void left_the_air(std::size_t which);

  const std::vector<upload>& files_;
  std::function<http_request(const upload&)> make_;
  std::vector<retries> tries_;
  std::vector<std::size_t> bytes_; ///< Of each that is under way.
  std::deque<waiting> line_;
  std::size_t left_, in_the_air_ = 0, bytes_in_the_air_ = 0;
  std::shared_ptr<mailbox> box_ = std::make_shared<mailbox>();
};

} // namespace providers::netlify
