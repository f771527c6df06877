#include "cli/batch_log.hpp"

#include "cli/progress.hpp"
#include "ledger/paths.hpp"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>

#include <iostream>

#include <sys/ioctl.h>
#include <unistd.h>

namespace cli {

namespace {

constexpr std::size_t log_bytes_max = 5 * 1024 * 1024;
constexpr std::size_t log_files_kept = 3;

/// Back to the first column, and clear to the end (ECMA-48, EL).
constexpr std::string_view clear_line = "\r\x1b[K";

std::size_t terminal_columns() {
  winsize size{};
  bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col - 1u : 79u;
}

spdlog::sink_ptr file_sink(const std::filesystem::path& ledger_root) {
  auto file = ledger_root / ledger::own_folder / "logs" / "scheduler.log";
  try {
    return std::make_shared<spdlog::sinks::rotating_file_sink_mt>(file.string(), log_bytes_max,
                                                                  log_files_kept);
  } catch (const spdlog::spdlog_ex&) {
    return std::make_shared<spdlog::sinks::null_sink_mt>();
  }
}

} // namespace

batch_log::batch_log(const std::filesystem::path& ledger_root, const ledger::redactor& secrets,
                     std::ostream& err, bool json)
    : secrets_(secrets)
    , err_(err)
    , json_(json)
    , file_(std::make_shared<spdlog::logger>("scheduler", file_sink(ledger_root))) {
  file_->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  // A full disk must not make noise for every line.
  file_->set_error_handler([](const std::string&) {});
}

batch_log::~batch_log() = default;

void batch_log::record(const std::string& task, const ledger::record& r) {
  auto words = secrets_.redact(event_words(r));
  file_->info("{} {} {}.{} {}: {}", task, to_string(r.at), r.round, r.attempt, to_string(r.what),
              words);
  auto line = secrets_.redact(progress_line(task, r, json_));
  const std::lock_guard lock(mutex_);
  if (live_)
    live_->take(task, r);
  print(line);
}

void batch_log::notice(const std::string& sentence) {
  auto text = secrets_.redact(sentence);
  file_->warn("{}", text);
  const std::lock_guard lock(mutex_);
  print("scheduler: " + text + "\n");
}

void batch_log::show_progress_of(std::size_t tasks) {
  if (!json_ && &err_ == &std::cerr && ::isatty(STDERR_FILENO) == 1)
    live_.emplace(tasks);
}

void batch_log::finish() {
  const std::lock_guard lock(mutex_);
  if (live_)
    err_ << clear_line << std::flush;
  live_.reset();
  file_->flush();
}

void batch_log::print(const std::string& line) {
  if (live_)
    err_ << clear_line << line << live_->text(terminal_columns()) << std::flush;
  else
    err_ << line << std::flush;
}

} // namespace cli
