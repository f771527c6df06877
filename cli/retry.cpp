// approve, retry and cancel: what a person decides, as one more record.

#include "cli/commands.hpp"
#include "cli/control_client.hpp"
#include "cli/held_order.hpp"
#include "cli/login_name.hpp"
#include "cli/printable.hpp"
#include "cli/read_config.hpp"
#include "cli/secrets.hpp"
#include "ledger/disk/files.hpp"
#include "ledger/prompt.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <ostream>
#include <system_error>
#include <thread>
#include <utility>

#include <unistd.h>

namespace cli {

namespace {

using ledger::person_order;

/// How long a run that is ending is waited for, and how often it is looked at.
constexpr auto ending_patience = std::chrono::seconds(20);
constexpr auto pause = std::chrono::milliseconds(100);

/// The note, if it may be filed. Which secrets must not be in it, the
/// configuration says: without one nobody knows.
attempt<ledger::text_ptr> read_note(const place& p, const std::string& name,
                                    const std::string& config, const seams& with) {
  std::error_code e;
  auto real = std::filesystem::canonical(name, e); // A link of the user's own is fine.
  auto text =
      ledger::disk::read_file(e ? std::filesystem::path(name) : real, ledger::max_prompt_bytes);
  if (!text)
    return no(exit_code::usage, fmt::format("--note {}: {}; give a text file of at most {} bytes",
                                            name, text.error().detail, ledger::max_prompt_bytes));
  if (text->find_first_not_of(" \t\r\n\v\f") == std::string::npos)
    return no(exit_code::usage,
              fmt::format("--note {}: it is empty; write what the AIs shall know", name));
  std::uint32_t line = 0;
  if (!ledger::is_text(*text, &line))
    return no(exit_code::usage,
              fmt::format("--note {}: line {} is no UTF-8 text; save it as UTF-8", name, line));
  auto c = read_config(config, p, with.kinds);
  if (!c && c.error().code == no_config_code)
    return no(
        exit_code::usage,
        fmt::format("--note {}: {} is not there, so nobody knows which secrets must not reach "
                    "the ledger; name the batch's configuration with --config FILE",
                    name, (p.repository->top() / "scheduler.toml").string()));
  if (!c)
    return no(exit_code::usage,
              fmt::format("--note {}: it cannot be searched for secrets, because the configuration "
                          "cannot be read:\n{}",
                          name, c.error().detail));
  auto secrets = known_secrets(p, &*c);
  if (!secrets)
    return no(exit_code::usage, secrets.error().detail);
  if (auto at = secrets->line_of_secret(*text); at != 0)
    return no(exit_code::usage,
              fmt::format("--note {}: line {} holds a known secret, which must not reach the "
                          "ledger; take it out",
                          name, at));
  return std::make_shared<const std::string>(std::move(*text));
}

/// Through the scheduler at work, or, where there is none, under its lock.
attempt<std::string> carry_out(const place& p, const person_order& o) {
  auto give_up = std::chrono::steady_clock::now() + ending_patience;
  while (true) {
    auto said = ask_scheduler(p, o);
    if (said.by == control_reply::source::scheduler && said.answer.code == exit_code::all_done)
      return std::move(said.answer.text);
    if (said.by == control_reply::source::scheduler)
      return no(said.answer.code, std::move(said.answer.text));
    auto held = carry_out_held(p, o);
    if (held || held.error().code != exit_code::locked)
      return held;
    if (said.by == control_reply::source::nobody)
      return no(exit_code::locked,
                fmt::format("{}; it takes no orders now ({}): try again when `scheduler status` "
                            "shows tasks at work",
                            held.error().why, said.answer.text));
    if (std::chrono::steady_clock::now() >= give_up)
      return no(exit_code::locked, held.error().why + "; it is ending: try again");
    std::this_thread::sleep_for(pause);
  }
}

exit_code give(const std::string& repo, person_order o, const std::string& note,
               const std::string& config, const seams* with, std::ostream& out, std::ostream& err) {
  auto done = [&]() -> attempt<std::string> {
    auto p = find_place(repo);
    if (!p)
      return no(exit_code::usage, p.error().detail);
    if (!note.empty()) {
      auto read = read_note(*p, note, config, *with);
      if (!read)
        return tl::make_unexpected(read.error());
      o.note = std::move(*read);
    }
    o.uid = ::getuid();
    o.user = login_name(o.uid);
    return carry_out(*p, o);
  }();
  if (!done) {
    err << complaint(done.error().why);
    return done.error().code;
  }
  out << *done;
  return exit_code::all_done;
}

} // namespace

exit_code approve(const approve_options& o, std::ostream& out, std::ostream& err) {
  person_order order{person_order::kind::approve, o.task, o.at, nullptr, {}, 0};
  return give(o.repo, std::move(order), {}, {}, nullptr, out, err);
}

exit_code retry(const retry_options& o, const seams& with, std::ostream& out, std::ostream& err) {
  person_order order{person_order::kind::retry, o.task, o.from, nullptr, {}, 0};
  return give(o.repo, std::move(order), o.note, o.config, &with, out, err);
}

exit_code cancel(const cancel_options& o, std::ostream& out, std::ostream& err) {
  person_order order{person_order::kind::cancel, o.task, std::nullopt, nullptr, {}, 0};
  return give(o.repo, std::move(order), {}, {}, nullptr, out, err);
}

} // namespace cli
