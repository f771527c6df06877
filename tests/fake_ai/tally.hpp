// tally.hpp -- what the fake server was asked, counted and written down.
//
//   1. Every request to a vendor's route is counted once, whatever became of it.
//   2. The log keeps the newest `log_max` lines and says how many are gone.
//
// Pure.

#pragma once

#include "tests/fake_ai/speech.hpp"

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace fake_ai {

struct log_entry {
  std::string route, step, task;
  int status = 0;
  std::size_t turn = 0, conversation = 0; ///< 0: not known.
  bool key_ok = false;
  std::string fault, body_sha256;
  std::vector<std::string> in_headers, in_body; ///< Of the texts that are watched for.
};

class tally {
public:
  explicit tally(std::size_t log_max)
      : log_max_(log_max) {}

  void begun();
  void ended();
  void add(const log_entry& e, const usage& billed);

  json counters() const;
  std::string log() const; ///< JSON lines.

private:
  using counts = std::map<std::string, std::uint64_t>;
  std::size_t log_max_;
  std::uint64_t requests_ = 0, in_flight_ = 0, in_flight_max_ = 0, lines_gone_ = 0;
  counts routes_, steps_, statuses_, faults_;
  usage billed_;
  std::deque<std::string> lines_;
};

} // namespace fake_ai
