// rare.hpp -- values that are mostly not there, or not different from T{}.
//
// A `rare<T>` is used as std::optional<T> is, and takes a pointer's room where there is
// none: of a state that is kept for each of a hundred thousand tasks most parts are
// never needed. A `sparse<T>` can always be read: where nobody has written, as T{}.
// Made of a T{} (where that can be compared) it takes no more.
//
//   1. Both are values: a copy has a value of its own.
//   2. A `sparse<T>` is written by edit() or assigned as a whole, never by accident.

#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <utility>

namespace ledger {

template <class T>
class rare {
public:
  rare() = default;
  rare(std::nullopt_t) {}
  rare(T value)
      : it_(std::make_unique<T>(std::move(value))) {}
  rare(const rare& other)
      : it_(other.it_ ? std::make_unique<T>(*other.it_) : nullptr) {}
  rare(rare&& other) noexcept = default;
  rare& operator=(const rare& other) { return *this = rare(other); }
  rare& operator=(rare&& other) noexcept = default;
  ~rare() = default;

  bool has_value() const noexcept { return static_cast<bool>(it_); }
  explicit operator bool() const noexcept { return has_value(); }
  friend bool operator==(const rare& r, std::nullopt_t) noexcept { return !r; }
  void reset() noexcept { it_.reset(); }
  /// Only where there is one.
  T& operator*() noexcept { return *it_; }
  const T& operator*() const noexcept { return *it_; }
  T* operator->() noexcept { return it_.get(); }
  const T* operator->() const noexcept { return it_.get(); }

private:
  std::unique_ptr<T> it_;
};

template <class T>
class sparse {
public:
  sparse() = default;
  sparse(T value) {
    if constexpr (std::equality_comparable<T>)
      if (value == T{})
        return;
    it_ = std::move(value);
  }

  const T& operator*() const {
    static const T nothing{};
    return it_ ? *it_ : nothing;
  }
  const T* operator->() const { return &**this; }
  T& edit() {
    if (!it_)
      it_ = T{};
    return *it_;
  }
  /// T{} again.
  void clear() noexcept { it_.reset(); }

private:
  rare<T> it_;
};

} // namespace ledger
