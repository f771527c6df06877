// screen.hpp -- stderr, written by a thread of its own.
//
// Whoever reads our progress may be slow, stuck or gone: a pager, a terminal
// that was stopped, a closed pipe. Nobody who works for a task waits for them.
// The *live line* is the last line of a terminal, written anew below every
// other; it says how far the batch is.
//
//   1. line() and live() never wait for the reader. At most `lines_max` lines
//      are kept for one that is slow; then the oldest are dropped and counted.
//   2. Lines come out whole and in their order.
//   3. finish() ends in time although nobody reads.
//
// Thread-safe. The stream must outlive the process's use of it: a screen whose
// reader is stuck cannot be destroyed, only left to the end of the process.

#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>

namespace cli {

class screen {
public:
  static constexpr std::size_t lines_max = 8192;

  /// `is_terminal`: whether there is a live line.
  screen(std::ostream& to, bool is_terminal);
  ~screen();
  screen(const screen&) = delete;
  screen& operator=(const screen&) = delete;

  /// `text` ends with a line feed.
  void line(const std::string& text);
  /// From now on `text()` gives the live line, asked for with every line and
  /// once a second. Null: no live line any more. It may be called from any
  /// thread.
  void live(std::function<std::string()> text);

  /// Clears the live line and waits until all lines are out, for as long as the
  /// reader takes one at least every `patience`. Gives whether all are out.
  bool finish(std::chrono::milliseconds patience);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace cli
