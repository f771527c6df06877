// batch_log.hpp -- what a batch tells while it runs.
//
// Every durable record and every notice goes to stderr (text or JSON lines)
// and, always as text, to `.scheduler/logs/scheduler.log` below the ledger's
// root, which is rotated. Known secrets are redacted before either (L8), and
// nothing that others wrote can move the cursor.
//
//   1. Nobody who tells something waits for the reader of stderr (screen.hpp).
//   2. A log that cannot be written is no reason to stop a batch: the ledger is
//      the record.
//   3. What repeats itself, as a full disk does for each task and second, is told
//      at most once a minute, whatever task it is about.
//
// Thread-safe. On a terminal the last line shows how far the batch is.

#pragma once

#include "cli/live_line.hpp"
#include "cli/progress.hpp"
#include "cli/screen.hpp"
#include "ledger/record.hpp"
#include "ledger/redact.hpp"

#include <chrono>
#include <filesystem>
#include <iosfwd>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace spdlog {
class logger;
}

namespace cli {

/// How much goes to stderr, and how.
struct log_style {
  bool json = false;
  bool quiet = false; ///< Notices only; the file has all the same.
  progress_style words;
};

class batch_log {
public:
  /// `err` and `secrets` must outlive the log.
  batch_log(const std::filesystem::path& ledger_root, const ledger::redactor& secrets,
            std::ostream& err, log_style style);
  ~batch_log();

  /// Of the tasks whose progress is told; lines are aligned to the longest name.
  void expect(std::size_t tasks, std::size_t name_columns);
  /// From now on the last line of a terminal says that `what` goes on, and for
  /// how long; empty: from now on it counts the records of the expected tasks.
  void show(const std::string& what);

  void record(const std::string& task, const ledger::record& r);
  /// What the actors want a person to see now; it may repeat itself. `sentence`
  /// may begin with "<task>: ".
  void notice(const std::string& sentence);
  /// The same for what is said once.
  void tell(const std::string& sentence);
  /// A line of progress that is no record's: "base  checking …".
  void say(const std::string& line);
  /// Ends the live line, flushes the file, and waits for stderr, not for ever.
  void finish();

private:
  using clock = std::chrono::steady_clock;

  bool is_due(const std::string& notice);
  std::string live_text();

  const ledger::redactor& secrets_;
  log_style style_;
  std::shared_ptr<spdlog::logger> file_;
  std::mutex mutex_; ///< Of what follows.
  std::map<std::string, clock::time_point> told_;
  std::optional<live_line> live_;
  std::string at_work_; ///< What goes on; empty: the tasks.
  clock::time_point since_;
  screen screen_;
};

} // namespace cli
