// live_line.hpp -- the last line of a terminal while a batch runs.
//
// Counts what the records say: how many of the batch's tasks have ended, and
// how, and at which steps the others are. One that a person sends on again has
// not ended. Event lines scroll above it.
//
// Pure.

#pragma once

#include "ledger/record.hpp"

#include <cstddef>
#include <map>
#include <string>

namespace cli {

class live_line {
public:
  explicit live_line(std::size_t tasks)
      : tasks_(tasks) {}

  void take(const std::string& task, const ledger::record& r);

  /// "12 of 19 ended (9 done, 3 stopped); 4 running: 1 implement, 3 test", at most `columns` wide.
  std::string text(std::size_t columns) const;

private:
  std::size_t tasks_;
  std::map<std::string, ledger::step> running_;
  std::map<std::string, std::string> ended_; ///< By task, its state.
};

} // namespace cli
