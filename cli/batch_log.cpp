#include "cli/batch_log.hpp"

#include "cli/printable.hpp"
#include "ledger/paths.hpp"

#include <fmt/format.h>
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
constexpr auto same_notice_after = std::chrono::minutes(1);
/// Beyond this many different notices nobody can tell which were told.
constexpr std::size_t notices_remembered_max = 1000;
/// For a reader that takes no line at all at the end.
constexpr auto reader_patience = std::chrono::seconds(2);

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

/// A notice without the task that it begins with.
std::string without_task(const std::string& notice) {
  auto colon = notice.find(": ");
  bool names_task =
      colon != std::string::npos && notice.find(' ') == colon + 1 && colon + 2 < notice.size();
  return names_task ? notice.substr(colon + 2) : notice;
}

} // namespace

batch_log::batch_log(const std::filesystem::path& ledger_root, const ledger::redactor& secrets,
                     std::ostream& err, log_style style)
    : secrets_(secrets)
    , style_(style)
    , file_(std::make_shared<spdlog::logger>("scheduler", file_sink(ledger_root)))
    , screen_(err,
              !style.json && !style.quiet && &err == &std::cerr && ::isatty(STDERR_FILENO) == 1) {
  file_->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  // A full disk must not make noise for every line.
  file_->set_error_handler([](const std::string&) {});
}

batch_log::~batch_log() = default;

void batch_log::expect(std::size_t tasks, std::size_t name_columns) {
  const std::lock_guard lock(mutex_);
  live_.emplace(tasks);
  style_.words.name_columns = name_columns;
}

void batch_log::show(const std::string& what) {
  {
    const std::lock_guard lock(mutex_);
    at_work_ = printable(secrets_.redact(what));
    since_ = clock::now();
  }
  screen_.live([this] { return live_text(); });
}

std::string batch_log::live_text() {
  const std::lock_guard lock(mutex_);
  auto columns = terminal_columns();
  if (at_work_.empty())
    return live_ ? live_->text(columns) : std::string{};
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(clock::now() - since_).count();
  auto text = fmt::format("{}, {} s", at_work_, seconds);
  return columns_of(text) <= columns ? text : printable_start(text, columns - 1);
}

void batch_log::record(const std::string& task, const ledger::record& r) {
  auto words = secrets_.redact(event_words(r));
  file_->info("{} {} {}.{} {}: {}", task, to_string(r.at), r.round, r.attempt, to_string(r.what),
              words);
  progress_style how;
  {
    const std::lock_guard lock(mutex_);
    if (live_)
      live_->take(task, r);
    how = style_.words;
  }
  if (style_.quiet)
    return;
  auto line = secrets_.redact(progress_line(task, r, style_.json, how));
  if (!line.empty())
    screen_.line(line);
}

bool batch_log::is_due(const std::string& notice) {
  const std::lock_guard lock(mutex_);
  auto now = clock::now();
  if (told_.size() > notices_remembered_max)
    told_.clear();
  auto [it, first] = told_.try_emplace(without_task(notice), now);
  if (!first && now - it->second < same_notice_after)
    return false;
  it->second = now;
  return true;
}

void batch_log::notice(const std::string& sentence) {
  if (is_due(printable(secrets_.redact(sentence))))
    tell(sentence);
}

void batch_log::tell(const std::string& sentence) {
  auto text = secrets_.redact(sentence);
  file_->warn("{}", printable(text));
  screen_.line(complaint(text));
}

void batch_log::say(const std::string& line) {
  auto text = printable(secrets_.redact(line));
  file_->info("{}", text);
  if (!style_.quiet && !style_.json)
    screen_.line(text + "\n");
}

void batch_log::finish() {
  file_->flush();
  screen_.finish(reader_patience);
}

} // namespace cli
