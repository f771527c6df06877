// sync_witness.hpp -- was it on the disk before anybody was told?
//
// A *witness* sits between SQLite and the system and sees each write to the log
// of a database and each sync of it that completed. A record is *covered* once a
// sync has completed after the write that brought its line. Rule L1 demands that
// of each record whose append is answered.
//
//   1. What was written and not synced covers nothing; nor does a sync that failed.
//   2. A line is known by its signature, or else by its `prev`: no other line has
//      the same.

#pragma once

#include "ledger/record.hpp"

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace bench {

class sync_witness {
public:
  void wrote(std::string_view bytes);
  void synced(bool well);

  /// To be asked once of each record: it is forgotten then.
  bool covered(const ledger::record& r);
  std::uint64_t syncs(); ///< That completed.

private:
  std::mutex mutex_;
  std::uint64_t syncs_ = 0;
  std::vector<std::string> written_; ///< Marks since the last sync.
  std::unordered_set<std::string> covered_;
};

/// From now on a witness of every database that this process opens. Once.
sync_witness& call_witness();

} // namespace bench
