// faults.hpp -- what the fake Netlify does wrong, and when.
//
// A *fault* is told as ROUTE#WHEN=WHAT. ROUTE: site, list, create, update,
// poll, upload or cancel. WHEN counts the calls of that route from 1: "2" is
// the second, "2+" the second and all after it, "*" each. WHAT:
//   status-NNN   refused with that status, in the service's shape; text-NNN: as
//                plain text. Nothing is done.
//   drop reset silence           nothing is done, and there is no answer
//   lost                         it is done, and there is no answer
//   cut stall dribble chunked    it is done, and the answer comes so (loop.hpp)
//   html not-json empty          it is done, and something else is answered
//   no-id no-url                 it is done, and the answer lacks these
//   error                        it is done, and the deploy's state is then `error`
//   kill-first, kill             the process of --kill-pid-file gets SIGKILL
//                                before, or after, it is done; no answer
//
// Pure.

#pragma once

#include "ledger/result.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fake_netlify {

struct fault {
  std::string route, what;
  std::uint64_t from = 1, to = 1; ///< Calls, both included.
};

/// Errors: refused, saying what is not understood.
ledger::result<fault> read_fault(std::string_view text);

class faults {
public:
  explicit faults(std::vector<fault> all)
      : all_(std::move(all)) {}

  /// What goes wrong with this call of `route`, which is counted; empty: nothing.
  std::string next(const std::string& route);

private:
  std::vector<fault> all_;
  std::map<std::string, std::uint64_t> calls_;
};

/// The status of "status-503" or "text-503"; 0: it is none of these.
int status_of(std::string_view what);

} // namespace fake_netlify
