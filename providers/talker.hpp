// talker.hpp -- a child that answers more than one question.
//
// Starting a program costs milliseconds, a question to one that runs already
// some microseconds. A *talker* is a child that reads questions from its stdin
// and writes answers to its stdout, which are the two ends of one socket.
//
//   1. One question at a time: a talker has one user.
//   2. Who asks judges when the answer is whole. One that is wrong, an end of the
//      child or a time-out make the talker useless: it is never asked again, so
//      no answer is ever taken for that of another question.
//   3. Its stdin ends with this object, or with this process; close() of its
//      `processes` ends it as it ends every child.
//
// Private to providers.

#pragma once

#include "ledger/result.hpp"
#include "providers/process.hpp"
#include "providers/spawn.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace providers {

class talker {
public:
  enum class progress : std::uint8_t { more, whole, wrong };
  /// What the bytes that came so far are of an answer; called with more and more.
  using judge = std::function<progress(std::string_view)>;

  /// Starts it; stdin and stdout of `spec` are not used. A program that cannot be
  /// started is told at the first question.
  static ledger::result<std::unique_ptr<talker>> start(processes& children, child_spec spec);

  /// Errors: unavailable (see 2).
  ledger::result<std::string> ask(std::string_view question, const judge& how_far,
                                  std::chrono::milliseconds timeout);

  bool is_useless() const noexcept { return !socket_; }
  std::uint64_t asked() const noexcept { return asked_; }

private:
  explicit talker(file socket)
      : socket_(std::move(socket)) {}
  ledger::result<void> exchange(std::string_view& question, std::string& answer,
                                std::chrono::steady_clock::time_point until);

  file socket_; ///< Closed: useless.
  std::uint64_t asked_ = 0;
};

} // namespace providers
