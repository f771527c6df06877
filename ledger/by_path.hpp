// by_path.hpp -- a set of things that each know their ledger path.
//
// A `by_path<T>` holds at most one T for each path and is read in the order of the
// paths. The *path* of a T is what an overload of path_of(const T&) beside T says; T
// keeps it anyway, so the set keeps no second copy of it. Copies share what is in it
// until one of them is written to: most records leave a task's files as they are.
//
//   1. It is a value: who writes to a copy changes nobody else's.
//   2. What is found cannot be changed in its place, so no path ever changes there:
//      put() replaces the whole.
//   3. put() and erase() end what find() and begin() gave.
//   4. Several threads may have copies of their own, as of any value.

#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace ledger {

template <class T>
class by_path {
public:
  using const_iterator = typename std::vector<T>::const_iterator;

  const_iterator begin() const noexcept { return all().begin(); }
  const_iterator end() const noexcept { return all().end(); }
  std::size_t size() const noexcept { return all().size(); }
  bool empty() const noexcept { return all().empty(); }

  /// Null: there is none.
  const T* find(std::string_view path) const {
    auto it = place_of(path);
    return is_at(it, path) ? &*it : nullptr;
  }
  bool contains(std::string_view path) const { return find(path) != nullptr; }

  /// In the place of the one that has its path, if there is one.
  void put(T value) {
    std::string_view path = path_of(value);
    auto it = place_of(path);
    auto at = it - begin();
    auto is_new = !is_at(it, path);
    auto& mine = own(size() + (is_new ? 1 : 0));
    if (is_new)
      mine.insert(mine.begin() + at, std::move(value));
    else
      mine[static_cast<std::size_t>(at)] = std::move(value);
  }

  /// Whether there was one. `path` may be the very one that goes.
  bool erase(std::string_view path) {
    auto it = place_of(path);
    if (!is_at(it, path))
      return false;
    auto at = it - begin();
    auto& mine = own(size());
    mine.erase(mine.begin() + at);
    return true;
  }

  friend bool operator==(const by_path& a, const by_path& b) { return a.all() == b.all(); }

private:
  const_iterator place_of(std::string_view path) const {
    return std::lower_bound(begin(), end(), path, [](const T& a, std::string_view p) {
      return std::string_view{path_of(a)} < p;
    });
  }
  bool is_at(const_iterator it, std::string_view path) const {
    return it != end() && path_of(*it) == path;
  }

  const std::vector<T>& all() const noexcept {
    static const std::vector<T> none;
    return all_ ? *all_ : none;
  }

  /// To be written to, with room for `size`: no more, because of most sets there are
  /// many thousands.
  std::vector<T>& own(std::size_t size) {
    if (!all_ || all_.use_count() != 1) {
      auto mine = std::make_shared<std::vector<T>>();
      mine->reserve(size);
      mine->assign(begin(), end());
      all_ = std::move(mine);
    } else {
      // What whoever let go of it last did to it is before what we do to it.
      std::atomic_thread_fence(std::memory_order_acquire);
      if (all_->capacity() < size)
        all_->reserve(size + size / 4);
    }
    return *all_;
  }

  std::shared_ptr<std::vector<T>> all_; ///< In the order of their paths; null: empty.
};

} // namespace ledger
