#include "cli/causes.hpp"

#include "cli/printable.hpp"
#include "ledger/disk/files.hpp"
#include "ledger/paths.hpp"
#include "ledger/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cli {

namespace {

namespace path = ledger::path;
namespace refusal = ledger::refusal;

/// A log beyond this is named only: a batch may have thousands of them.
constexpr std::uint64_t quoted_log_bytes_max = 4 * 1024 * 1024;
constexpr std::size_t columns_max = 160;

std::string_view log_of(std::string_view kind) {
  if (kind == refusal::checks_red)
    return path::run_log;
  if (kind == refusal::build_failed)
    return path::build_log;
  if (kind == refusal::deploy_failed)
    return path::deploy_log;
  if (kind == refusal::review_no)
    return path::post_audit;
  if (kind == refusal::verify_no)
    return path::final_verify;
  if (kind == refusal::landing_conflict)
    return path::landing_log;
  return kind == refusal::decide_no ? path::decisions : std::string_view{};
}

bool prints_output(std::string_view kind) {
  return kind == refusal::checks_red || kind == refusal::build_failed
         || kind == refusal::deploy_failed;
}

bool says_nothing(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

} // namespace

cause cause_of(const ledger::task_state& s) {
  // A provider's refusal (no fix left, say) is not what was wrong with the
  // change; the round's cause is.
  bool is_own = !s.refused->kind.empty() && s.refused->kind != refusal::provider_refused;
  auto& kind = is_own ? s.refused->kind : s.cause->kind;
  auto& why = is_own ? s.refused->why : s.cause->why;
  if (kind.empty())
    return {};
  cause c{why.empty() ? kind : kind + ": " + why, {}, prints_output(kind)};
  if (!is_own && !s.cause->evidence.empty())
    c.log = s.cause->evidence.front().path; // The most telling stands first.
  else if (ledger::file_of(s, log_of(kind)))
    c.log = log_of(kind);
  return c;
}

std::vector<std::string> telling_lines(std::string_view log, std::size_t lines_max) {
  auto lines = ledger::split_lines(log);
  auto failed = std::find_if(lines.begin(), lines.end(),
                             [](auto line) { return line.starts_with("result: FAIL"); });
  auto begin = lines.begin();
  if (failed != lines.end()) {
    auto heading = std::find_if(std::make_reverse_iterator(failed), lines.rend(),
                                [](auto line) { return line.starts_with("== "); });
    begin = heading.base();
    lines.erase(failed, lines.end());
    // Output is indented; what is not is ours: exit code and time.
    begin = std::stable_partition(begin, lines.end(),
                                  [](auto line) { return !line.starts_with("  "); });
  }
  std::vector<std::string> told;
  for (auto it = lines.end(); it != begin && told.size() < lines_max;)
    if (auto line = *--it; !says_nothing(line))
      told.push_back(printable_start(line.starts_with("  ") ? line.substr(2) : line, columns_max));
  std::reverse(told.begin(), told.end());
  return told;
}

std::string evidence_of(const ledger::task_state& s, const std::filesystem::path& ledger_root) {
  auto c = cause_of(s);
  std::string text;
  if (!c.why.empty() && s.why.find(c.why) == std::string::npos)
    text += fmt::format("    cause: {}\n", printable(c.why));
  auto* file = c.log.empty() ? nullptr : ledger::file_of(s, c.log);
  if (!file)
    return text;
  text += fmt::format("    log: {}\n", printable((ledger_root / s.task / c.log).string()));
  if (!c.is_output || file->bytes > quoted_log_bytes_max)
    return text;
  auto log = ledger::disk::read_recorded(ledger_root / s.task, file->path, file->sha256);
  if (!log)
    return text; // Verify says what is wrong with it.
  for (auto& line : telling_lines(*log))
    text += "      | " + line + "\n";
  return text;
}

} // namespace cli
