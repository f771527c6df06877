#include "cli/options.hpp"

#include "cli/near_names.hpp"
#include "cli/printable.hpp"
#include "ledger/prompt.hpp"
#include "providers/version.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <charconv>
#include <exception>
#include <iostream>
#include <string_view>

namespace cli {

namespace {

/// The same bounds as limits.tasks_in_flight.
constexpr std::uint32_t max_in_flight = 100'000;

constexpr const char* about =
    "Drives every prompt of a folder through the gated pipeline, many at once: Gemini audits,\n"
    "Claude decides, Codex implements, tests and fixes, Claude reviews, Gemini verifies, and\n"
    "only then the change is committed and deployed. All that happens is on disk under\n"
    ".ai-stack-trace/; a run that was killed goes on where it stood.";

constexpr const char* after_help =
    "Examples:\n"
    "  scheduler --tasks docs/ai-gated/prompt --dry-run    what would happen; writes nothing\n"
    "  scheduler --tasks docs/ai-gated/prompt -j 16        run, or go on after an interruption\n"
    "  scheduler --tasks prompts --only 'Fix-*' --json     some of the tasks, result as JSON\n"
    "  scheduler doctor                                    is all there that a batch needs?\n"
    "  scheduler status                                    where every task stands\n"
    "  scheduler show Fix-Footer --diff                    its whole history, and the change\n"
    "  scheduler approve Fix-Footer                        let it go on where it waits for you\n"
    "  scheduler retry Fix-Footer --from plan --note n.md  take up a parked task again\n"
    "  scheduler rollback Fix-Footer                       take its change back, and deploy that\n"
    "\n"
    "Exit codes (the first that applies, over the tasks of this run):\n"
    "  5    the ledger is damaged or was tampered with\n"
    "  6    the ledger cannot be written\n"
    "  4    another scheduler works in this repository\n"
    "  2    usage, configuration, or checks red on the base: nothing was started\n"
    "  130  interrupted; everything is saved\n"
    "  1    a task is parked, cancelled, waiting on a person, or was left out\n"
    "  3    a task is stopped\n"
    "  0    every task is done, or had nothing to change\n"
    "\n"
    "Configuration: scheduler.toml in the repository's root. Results go to stdout, progress\n"
    "and complaints to stderr.";

/// A complaint about the command line: one sentence.
struct usage_error {
  std::string text;
};

/// What the options are bound to before they are judged.
struct raw {
  batch_options batch;
  status_options status;
  show_options show;
  verify_options verify;
  doctor_options doctor;
  approve_options approve;
  retry_options retry;
  cancel_options cancel;
  rollback_options rollback;
  std::string in_flight, log_format, from, approved_step;
  bool tasks_is_empty = false; ///< `--tasks ""`, which is not `--tasks` alone.
};

std::string step_names() {
  std::string all;
  for (auto& row : ledger::step_table)
    all += fmt::format("{}{}", all.empty() ? "" : ", ", row.name);
  return all;
}

void add_repo(CLI::App& app, std::string& to) {
  app.add_option("--repo", to, "The repository, or a folder in it [the current folder's]")
      ->type_name("DIR");
}

void add_task(CLI::App& app, std::string& to) {
  app.add_option("TASK", to, "The task's name: its prompt's file name without .md")
      ->type_name("")
      ->required();
}

void add_batch(CLI::App& app, raw& r) {
  auto& o = r.batch;
  app.add_option("--tasks", o.tasks, "The folder of prompts, one NAME.md a task [repo.prompts]")
      ->type_name("DIR")
      ->expected(0, 1)
      ->group("Batch");
  app.add_option("--config", o.config, "Configuration [scheduler.toml in the repository's root]")
      ->type_name("FILE")
      ->group("Batch");
  app.add_option("--only", o.only, "Only tasks whose name matches; may be given several times")
      ->type_name("GLOB")
      ->allow_extra_args(false)
      ->group("Batch");
  app.add_option("-j", r.in_flight, "At most so many tasks at a time [limits.tasks_in_flight]")
      ->type_name("N")
      ->group("Batch");
  app.add_flag("--dry-run", o.dry_run, "Tell what would happen; write nothing, call nobody")
      ->group("Batch");
  app.add_flag("--json", o.json, "Print the result as one JSON object")->group("Batch");
  app.add_flag("--quiet", o.quiet, "No progress on stderr: notices and the result only")
      ->group("Batch");
  app.add_flag("--allow-red-base", o.allow_red_base,
               "Begin although the checks are red on the base")
      ->group("Batch");
  app.add_option("--log-format", r.log_format, "Progress as text or as json lines [text]")
      ->type_name("FORMAT")
      ->group("Batch");
}

void add_commands(CLI::App& app, raw& r) {
  auto command = [&app](const char* name, const char* what) {
    return app.add_subcommand(name, what)->group("Commands");
  };
  auto* status = command("status", "Where every task stands");
  status->add_flag("--json", r.status.json, "As one JSON object");
  add_repo(*status, r.status.repo);

  auto* show = command("show", "A task's history: who said what, which gate opened on what");
  add_task(*show, r.show.task);
  show->add_flag("--diff", r.show.diff, "And the change itself");
  show->add_flag("--json", r.show.json, "As one JSON object");
  add_repo(*show, r.show.repo);

  auto* verify = command("verify", "Prove that ledger and branches are as they were written");
  verify->add_option("TASK", r.verify.tasks, "Only these tasks [all]")->type_name("");
  verify->add_flag("--json", r.verify.json, "As one JSON object");
  add_repo(*verify, r.verify.repo);

  auto* doctor = command("doctor", "What a batch would need, and how to mend what is missing");
  doctor->add_flag("--checks", r.doctor.checks, "And run the checks on the base");
  doctor->add_option("--config", r.doctor.config, "Configuration [scheduler.toml]")
      ->type_name("FILE");
  doctor->add_flag("--json", r.doctor.json, "As one JSON object");
  add_repo(*doctor, r.doctor.repo);

  auto* approve = command("approve", "Let a task go on that waits for a person");
  add_task(*approve, r.approve.task);
  approve->add_option("--step", r.approved_step, "Only if it waits there: implement or deliver")
      ->type_name("STEP");
  add_repo(*approve, r.approve.repo);

  auto* retry = command("retry", "Take up a parked, stopped or cancelled task again");
  add_task(*retry, r.retry.task);
  retry->add_option("--from", r.from, "Go back to a step [the one at which it stands]")
      ->type_name("STEP");
  retry->add_option("--note", r.retry.note, "A text file that the AIs shall read from now on")
      ->type_name("FILE");
  retry->add_option("--config", r.retry.config, "With --note: where the batch's configuration is")
      ->type_name("FILE");
  add_repo(*retry, r.retry.repo);
  retry->footer("Steps: " + step_names() + ".");

  auto* cancel = command("cancel", "End an unfinished task; what it made is kept");
  add_task(*cancel, r.cancel.task);
  add_repo(*cancel, r.cancel.repo);

  auto* rollback = command("rollback", "Take back what a task delivered, and deploy that");
  add_task(*rollback, r.rollback.task);
  rollback->add_option("--config", r.rollback.run.config, "Configuration [scheduler.toml]")
      ->type_name("FILE");
  rollback->add_flag("--json", r.rollback.run.json, "Print the result as one JSON object");
  rollback->add_flag("--quiet", r.rollback.run.quiet, "No progress on stderr");
  add_repo(*rollback, r.rollback.run.repo);
}

std::uint32_t number_of_tasks(const std::string& text) {
  std::uint32_t n = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size() || n == 0 || n > max_in_flight)
    throw usage_error{fmt::format("-j {}: give a whole number of tasks from 1 to {}, e.g. -j 16",
                                  text, max_in_flight)};
  return n;
}

void check_task(const std::string& task) {
  if (auto why = ledger::why_no_task_name(task); !why.empty())
    throw usage_error{fmt::format("TASK: {}", why)};
}

constexpr const char* nothing_to_do =
    "nothing to do: name a folder of prompts with --tasks DIR, or a command (status, show, verify, "
    "doctor, approve, retry, cancel, rollback)";

command judge_batch(raw& r, const CLI::App& app) {
  auto& o = r.batch;
  if (app.count("--tasks") == 0)
    throw usage_error{nothing_to_do};
  if (r.tasks_is_empty)
    throw usage_error{
        "--tasks: the name of the folder is empty; give --tasks DIR, or --tasks alone "
        "for the folder that repo.prompts names"};
  if (app.count("-j") != 0)
    o.in_flight = number_of_tasks(r.in_flight);
  for (auto& glob : o.only)
    if (glob.empty())
      throw usage_error{"--only: the glob is empty and matches nothing; give e.g. --only 'Fix-*'"};
  if (app.count("--log-format") != 0 && r.log_format != "text" && r.log_format != "json")
    throw usage_error{
        fmt::format("--log-format {}: there is no such format; give text or json", r.log_format)};
  o.json_log = r.log_format == "json";
  return o;
}

/// The repository may be named before the command or after it, not twice.
void take_repo(std::string& into, const std::string& before, const CLI::App& app,
               const CLI::App& sub) {
  if (app.count("--repo") == 0)
    return;
  if (sub.count("--repo") != 0)
    throw usage_error{"--repo is given twice; name one repository"};
  into = before;
}

command judge_command(raw& r, const CLI::App& app, const CLI::App& sub) {
  for (auto* given : app.get_options())
    if (given->get_group() == "Batch" && given->count() != 0)
      throw usage_error{fmt::format("{} belongs to a batch, not to `{}`; leave it away, or put an "
                                    "option of `{}` after it",
                                    given->get_name(), sub.get_name(), sub.get_name())};
  auto name = sub.get_name();
  auto repo = [&](std::string& into) { take_repo(into, r.batch.repo, app, sub); };
  if (name == "status") {
    repo(r.status.repo);
    return r.status;
  }
  if (name == "show") {
    repo(r.show.repo);
    check_task(r.show.task);
    return r.show;
  }
  if (name == "verify") {
    repo(r.verify.repo);
    for (auto& task : r.verify.tasks)
      check_task(task);
    return r.verify;
  }
  if (name == "doctor") {
    repo(r.doctor.repo);
    return r.doctor;
  }
  if (name == "approve") {
    repo(r.approve.repo);
    check_task(r.approve.task);
    if (sub.count("--step") != 0) {
      r.approve.at = ledger::step_named(r.approved_step);
      if (r.approve.at != ledger::step::implement && r.approve.at != ledger::step::deliver)
        throw usage_error{fmt::format("--step {}: nobody approves that; give implement or deliver",
                                      r.approved_step)};
    }
    return r.approve;
  }
  if (name == "retry") {
    repo(r.retry.repo);
    check_task(r.retry.task);
    if (sub.count("--from") != 0) {
      r.retry.from = ledger::step_named(r.from);
      if (!r.retry.from)
        throw usage_error{
            fmt::format("--from {}: there is no such step; give one of {}", r.from, step_names())};
    }
    if (sub.count("--note") != 0 && r.retry.note.empty())
      throw usage_error{"--note: the name of the file is empty; give --note FILE"};
    return r.retry;
  }
  if (name == "rollback") {
    repo(r.rollback.run.repo);
    check_task(r.rollback.task);
    return r.rollback;
  }
  repo(r.cancel.repo);
  check_task(r.cancel.task);
  return r.cancel;
}

/// Every option and command that could stand here.
std::vector<std::string> words_known(const CLI::App& app) {
  std::vector<std::string> all;
  for (auto* o : app.get_options())
    all.push_back(o->get_name());
  for (auto* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    all.push_back(sub->get_name());
  return all;
}

/// The first word that means nothing where it stands.
std::string words_of_extra(const CLI::App& app) {
  auto subs = app.get_subcommands();
  auto& here = subs.empty() ? app : *subs.front();
  auto extra = app.remaining(true);
  if (extra.empty())
    return "there is a word too many";
  for (auto* o : app.get_options())
    if (!subs.empty() && o->get_group() == "Batch" && o->check_name(extra.front()))
      return fmt::format("{} belongs to a batch, not to `{}`", extra.front(), here.get_name());
  return fmt::format("`{}`: there is no such option or command here{}", printable(extra.front()),
                     did_you_mean(extra.front(), words_known(here)));
}

/// What CLI11 found wrong, in our words.
std::string words_of(const CLI::App& app, const CLI::ParseError& e) {
  std::string what = e.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&e))
    return words_of_extra(app);
  if (dynamic_cast<const CLI::RequiredError*>(&e))
    return what + "; name the task";
  // "--tasks: 1 required DIR missing"
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&e)) {
    auto name = what.substr(0, what.find(':'));
    if (what.find("missing") != std::string::npos)
      return fmt::format(
          "{} needs a value: {} {}", name, name,
          what.substr(what.find("required ") + 9, what.rfind(' ') - what.find("required ") - 9));
    return what.substr(0, what.find(':')) + " is given more than once; give it once";
  }
  return what;
}

command judge(raw& r, const CLI::App& app) {
  auto subs = app.get_subcommands();
  return subs.empty() ? judge_batch(r, app) : judge_command(r, app, *subs.front());
}

/// CLI11's help without its double blank lines.
std::string help_of(const CLI::App& app) {
  auto text = app.help();
  for (auto at = text.find("\n\n\n"); at != std::string::npos; at = text.find("\n\n\n", at))
    text.erase(at, 1);
  return text;
}

answered complain(const std::string& text) {
  std::cerr << complaint(text) << "`scheduler --help` shows every option and command.\n";
  return {2};
}

command parse(int argc, const char* const* argv) {
  raw r;
  CLI::App app(about, "scheduler");
  app.get_formatter()->column_width(28);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.set_help_flag("-h,--help", "Print this help");
  app.set_version_flag("--version", "scheduler " + std::string(providers::program_version),
                       "Print the version");
  app.require_subcommand(0, 1);
  add_repo(app, r.batch.repo);
  add_batch(app, r);
  add_commands(app, r);
  app.footer(after_help); // Last: commands would inherit it.
  if (argc <= 1) {
    std::cerr << help_of(app) << "\n" << complaint(nothing_to_do);
    return answered{2};
  }
  // CLI11 gives both the same empty text.
  for (int i = 1; i < argc; ++i)
    r.tasks_is_empty = r.tasks_is_empty || std::string_view(argv[i]) == "--tasks="
                       || (i + 1 < argc && std::string_view(argv[i]) == "--tasks"
                           && std::string_view(argv[i + 1]).empty());
  try {
    app.parse(argc, argv);
    return judge(r, app);
  } catch (const CLI::CallForHelp&) {
    std::cout << help_of(app);
    return answered{0};
  } catch (const CLI::Success& e) {
    app.exit(e, std::cout, std::cerr);
    return answered{0};
  } catch (const CLI::ParseError& e) {
    return complain(words_of(app, e));
  } catch (const usage_error& e) {
    return complain(e.text);
  }
}

} // namespace

command parse_command_line(int argc, const char* const* argv) {
  try {
    return parse(argc, argv);
  } catch (const std::exception& e) {
    return complain(e.what());
  }
}

} // namespace cli
