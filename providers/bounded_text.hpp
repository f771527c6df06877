// bounded_text.hpp -- a text that keeps its head and its tail.
//
// Output of a child has no natural end. A *bounded text* stores at most
// `max_bytes` of what is added to it: the first half and the last half; what
// was between them is counted, not stored.
//
//   1. What fits is kept byte for byte.
//   2. Where something is missing, a line says how much: nobody takes a cut
//      output for a whole one.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace providers {

class bounded_text {
public:
  explicit bounded_text(std::size_t max_bytes)
      : head_max_(max_bytes - max_bytes / 2)
      , tail_max_(max_bytes / 2) {}

  void add(std::string_view bytes) {
    const auto to_head = std::min(bytes.size(), head_max_ - head_.size());
    head_.append(bytes.substr(0, to_head));
    bytes.remove_prefix(to_head);
    if (bytes.size() > tail_max_) {
      dropped_ += bytes.size() - tail_max_;
      bytes.remove_prefix(bytes.size() - tail_max_);
    }
    const auto to_grow = std::min(bytes.size(), tail_max_ - tail_.size());
    tail_.append(bytes.substr(0, to_grow));
    bytes.remove_prefix(to_grow);
    dropped_ += bytes.size(); // From here on each byte overwrites the oldest one.
    while (!bytes.empty()) {
      const auto n = std::min(bytes.size(), tail_.size() - oldest_);
      tail_.replace(oldest_, n, bytes.substr(0, n));
      oldest_ = (oldest_ + n) % tail_.size();
      bytes.remove_prefix(n);
    }
  }

  std::uint64_t dropped_bytes() const noexcept { return dropped_; }
  /// Bytes before the line that stands for what is missing.
  std::size_t head_bytes() const noexcept { return head_.size(); }

  /// The text; if something is missing, with a line in its place.
  std::string take() {
    auto text = std::move(head_);
    if (dropped_ > 0)
      text += cut_line(dropped_);
    text.append(tail_, oldest_, std::string::npos);
    text.append(tail_, 0, oldest_);
    return text;
  }

  /// The line that stands for what is missing, the end of the line before
  /// included.
  static std::string cut_line(std::uint64_t missing) {
    return "\n[... " + std::to_string(missing) + " bytes left out ...]\n";
  }

private:
  std::size_t head_max_, tail_max_;
  std::string head_, tail_;
  std::size_t oldest_ = 0; // Of tail_, once it is full.
  std::uint64_t dropped_ = 0;
};

} // namespace providers
