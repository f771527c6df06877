#include "providers/service_command.hpp"

#include "ledger/record.hpp"
#include "providers/full_disk.hpp"
#include "providers/redacted_output.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;

/// Exit codes by which a command may say what happened.
constexpr int exit_not_there = 3;
constexpr int exit_outage = 75; // EX_TEMPFAIL, sysexits.h.
/// A shell says so of a command that a signal ended: 128 + its number.
constexpr int exit_signal_first = 129, exit_signal_last = 128 + 64;

constexpr int no_descriptor = -1;
constexpr std::size_t output_bytes_max = 16 * 1024 * 1024;
/// Of what a command printed, in the text of a failure.
constexpr std::size_t quoted_log_bytes_max = 1000;

/// The last line that is not empty.
std::string_view last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  const auto at = text.rfind('\n');
  return at == std::string_view::npos ? text : text.substr(at + 1);
}

/// Whether it ended in a way that says nothing about what it was to do.
bool is_outage(const child_result& ran) {
  return ran.how != child_result::end::exited || ran.exit_code == exit_outage
         || (ran.exit_code >= exit_signal_first && ran.exit_code <= exit_signal_last);
}

/// The wanted texts; empty: they are not all there. JSON may spell a secret in a
/// way of its own, so what was read is redacted as well.
std::vector<std::string> values_in(std::string_view line, const service_command& c) {
  const auto j = ledger::json::parse(line, nullptr, false);
  if (!j.is_object())
    return {};
  std::vector<std::string> values;
  for (const auto& key : c.wanted) {
    const auto it = j.find(key);
    if (it == j.end() || !it->is_string() || it->get<std::string>().empty())
      return {};
    values.push_back(c.secrets.redact(it->get<std::string>()));
  }
  return values;
}

std::string bad_answer(const service_command& c) {
  std::string keys;
  for (const auto& key : c.wanted)
    keys += fmt::format("{}\"{}\": \"…\"", keys.empty() ? "" : ", ", key);
  return fmt::format("exit 0, but the last line of its output is not {{{}}}", keys);
}

/// Output and errors are redacted when this returns.
ledger::result<child_result> run(const service_command& c, const std::string& action,
                                 int kept_descriptor, processes& children) {
  child_spec spec;
  spec.argv = {"/bin/sh", "-c", c.command};
  spec.directory = c.folder.string(); // Not the repository: nothing of it is to be run.
  spec.env = {{"LANG", "C.UTF-8"}};
  for (const char* name : {"PATH", "HOME", "TMPDIR"})
    if (const char* value = std::getenv(name))
      spec.env[name] = value;
  for (const auto& [name, value] : c.told)
    spec.env[name] = value;
  spec.env["SCHEDULER_ACTION"] = action;
  if (!c.token_variable.empty())
    spec.env[c.token_variable] = c.token;
  spec.merge_stderr = false;
  spec.timeout = c.timeout;
  spec.max_output_bytes = output_bytes_max;
  spec.group_dies_with_us = true;
  spec.keep_fd = kept_descriptor;
  auto ran = children.run(std::move(spec));
  if (ran ? ran->how == child_result::end::killed : ran.error().code == "closing")
    return fail(fault::unavailable,
                fmt::format("{}, {}: not finished, the program is ending", c.name, action),
                "closing");
  if (ran) {
    ran->output = redacted(c.secrets, std::move(ran->output), ran->output_cut);
    ran->err = redacted(c.secrets, std::move(ran->err), ran->err_cut);
  }
  return ran;
}

} // namespace

std::string environment_of(const std::string& variable) {
  const char* value = variable.empty() ? nullptr : std::getenv(variable.c_str());
  return value != nullptr ? value : "";
}

ledger::result<std::string> token_of(std::string_view section, const std::string& variable) {
  auto value = environment_of(variable);
  if (value.empty() && !variable.empty())
    return fail(fault::refused,
                fmt::format("[{}] token_env = \"{}\": that variable is not set", section, variable),
                "no-token");
  return value;
}

std::string log_of(const child_result& ran) {
  auto log = ran.output;
  if (!log.empty() && log.back() != '\n')
    log += '\n';
  return log + ran.err;
}

ledger::result<std::optional<service_answer>>
find_with(const service_command& c, const deploy_lock& lock, processes& children) {
  auto ran = run(c, "find", no_descriptor, children);
  lock.release();
  if (!ran)
    return tl::make_unexpected(ran.error());
  if (ran->how == child_result::end::exited && ran->exit_code == exit_not_there)
    return std::nullopt;
  service_answer a;
  a.log = log_of(*ran);
  if (!ran->ok())
    return fail(fault::unavailable, fmt::format("{}, find: {}: {}", c.name, ran->ended(),
                                                a.log.substr(0, quoted_log_bytes_max)));
  a.values = values_in(last_line(ran->output), c);
  if (!a.ok())
    return fail(fault::refused, fmt::format("{}, find: {}", c.name, bad_answer(c)),
                std::string(bad_answer_code));
  return a;
}

ledger::result<service_answer> make_with(const service_command& c, const std::string& action,
                                         const deploy_lock& lock, processes& children) {
  auto ran = run(c, action, lock.descriptor(), children);
  if (!ran)
    return tl::make_unexpected(ran.error());
  if (ran->how == child_result::end::exited)
    lock.release(); // Else what it had begun may still be under way.
  service_answer a;
  a.log = log_of(*ran);
  if (is_outage(*ran))
    return fail(fault::unavailable, fmt::format("{}: outage ({}): {}", c.name, ran->ended(),
                                                a.log.substr(0, quoted_log_bytes_max)));
  if (!ran->ok() && is_full(c.folder))
    return ended_on_a_full_disk(c.name, c.folder);
  if (ran->ok())
    a.values = values_in(last_line(ran->output), c);
  if (!a.ok())
    a.ended = ran->ok() ? bad_answer(c) : ran->ended();
  return a;
}

} // namespace providers
