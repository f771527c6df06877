// batch_log.hpp -- what a batch tells while it runs.
//
// Every durable record and every notice goes to stderr (text or JSON lines)
// and, always as text, to `.scheduler/logs/scheduler.log` below the ledger's
// root, which is rotated. Known secrets are redacted before either (L8).
//
// Thread-safe. A log that cannot be written is no reason to stop a batch: the
// ledger is the record. On a terminal the last line shows how far the batch is.

#pragma once

#include "cli/live_line.hpp"
#include "ledger/record.hpp"
#include "ledger/redact.hpp"

#include <filesystem>
#include <iosfwd>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace spdlog {
class logger;
}

namespace cli {

class batch_log {
public:
  /// `err` must outlive the log.
  batch_log(const std::filesystem::path& ledger_root, const ledger::redactor& secrets,
            std::ostream& err, bool json);
  ~batch_log();

  /// From now on the last line of the terminal, if `err` is one, counts the
  /// records of `tasks` tasks.
  void show_progress_of(std::size_t tasks);

  void record(const std::string& task, const ledger::record& r);
  void notice(const std::string& sentence);
  /// Ends the live line and flushes the file.
  void finish();

private:
  void print(const std::string& line);

  const ledger::redactor& secrets_;
  std::ostream& err_;
  bool json_;
  std::mutex mutex_;
  std::shared_ptr<spdlog::logger> file_;
  std::optional<live_line> live_; ///< Only on a terminal.
};

} // namespace cli
