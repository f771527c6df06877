#include "providers/cli/cli_provider.hpp"

#include "ledger/disk/files.hpp"
#include "providers/cli/failures.hpp"
#include "providers/cli/login.hpp"
#include "providers/remove_tree.hpp"
#include "providers/sandbox.hpp"
#include "providers/scratch_folder.hpp"
#include "providers/spawn.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

namespace providers::cli {
namespace {

using ledger::fail;
using ledger::fault;
using kind = call_failure::kind;
using outcome = tl::expected<answer, call_failure>;
namespace fs = std::filesystem;

constexpr std::size_t answer_bytes_max = 32 * 1024 * 1024;

/// A folder for one run. A tool may leave what remove_all() cannot remove.
class run_folder {
public:
  explicit run_folder(scratch_folder f)
      : folder_(std::move(f)) {}
  run_folder(run_folder&&) noexcept = default;
  run_folder& operator=(run_folder&&) = delete;
  ~run_folder() {
    if (!folder_.path().empty())
      remove_tree(folder_.path());
  }
  std::string path() const { return folder_.path().string(); }

private:
  scratch_folder folder_;
};

ledger::result<run_folder> make_folder(const char* what) {
  auto f = scratch_folder::make(what);
  if (!f)
    return tl::make_unexpected(f.error());
  return run_folder(std::move(*f));
}

/// A file that a run left in its home. Not through a link: that would read a
/// file of ours for the tool.
ledger::result<std::string> left_behind(const std::string& home, const std::string& path,
                                        std::size_t bytes_max) {
  std::error_code e;
  const auto file = fs::path(home) / path;
  const auto folder = fs::canonical(file.parent_path(), e);
  if (e)
    return fail(fault::not_found, "no " + path);
  if (folder != (fs::canonical(home, e) / path).parent_path().lexically_normal())
    return fail(fault::refused, path + " leads out of the run's home");
  return ledger::disk::read_file(file, bytes_max);
}

/// Exactly one answer, also for a call that the pool dropped on its way down.
struct pending {
  answer_callback done;
  void give(outcome o) {
    if (const auto callback = std::exchange(done, nullptr))
      callback(std::move(o));
  }
  ~pending() {
    give(tl::make_unexpected(
        call_failure(kind::outage, "closing", "the scheduler is ending; nothing was asked")));
  }
};

std::string version_in(std::string_view said) {
  for (std::size_t at = 0; at < said.size();) {
    const auto end = std::min(said.find_first_of(" \t\r\n", at), said.size());
    auto word = said.substr(at, end - at);
    if (word.substr(0, 1) == "v")
      word.remove_prefix(1);
    if (!word.empty() && word[0] >= '0' && word[0] <= '9' && word.size() < 64)
      return std::string(word);
    at = end + 1;
  }
  return {};
}

} // namespace

cli_provider::cli_provider(const tool& t, processes& children, cli_settings s)
    : tool_(t)
    , children_(children)
    , settings_(std::move(s))
    , pool_(settings_.concurrency == 0 ? 1 : settings_.concurrency) {}

ledger::result<std::unique_ptr<provider>> cli_provider::make(const tool& t, processes& children,
                                                             cli_settings s) {
  std::unique_ptr<cli_provider> made(new cli_provider(t, children, std::move(s)));
  if (auto fine = made->look_around(); !fine)
    return tl::make_unexpected(fine.error());
  if (auto known = made->learn_version(); !known)
    return tl::make_unexpected(known.error());
  return made;
}

std::string cli_provider::user_login() const {
  if (tool_.login.empty())
    return {};
  auto home = settings_.login_home;
  if (const char* ours = std::getenv("HOME"); home.empty() && ours != nullptr)
    home = ours;
  return home.empty() ? std::string() : home + "/" + std::string(tool_.login);
}

/// What is missing is said before anything starts.
ledger::result<void> cli_provider::look_around() {
  const auto table = fmt::format("[providers.{}]", settings_.name);
  const auto no = [&](const char* code, const std::string& why) {
    return fail(fault::refused, fmt::format("{}: {}", table, why), code);
  };
  if (!settings_.full_prompt)
    return no("no-prompt", "nobody assembles its prompts");
  if (tool_.program.empty() && settings_.command.empty())
    return no("no-such-tool", "kind \"command\" needs command = [\"program\", \"argument\", …]");
  const bool caged = settings_.sandbox_kind == ledger::sandbox_kind::bwrap;
  if (!caged && settings_.writes && !settings_.accept_unsandboxed)
    return no("unsandboxed", "its role changes code, and [sandbox] kind is \"none\"; set "
                             "accept_unsandboxed = true in [sandbox] if whatever it does may "
                             "happen to this machine");
  const auto program = program_words(tool_, settings_).front();
  auto folders = folders_of_program(program);
  if (!folders && folders.error().kind == fault::not_found)
    return no("no-such-tool",
              fmt::format("no program `{}` in PATH; install it: {}", program, tool_.install));
  if (!folders && caged)
    return no("no-such-tool", folders.error().detail);
  if (folders && caged)
    program_folders_ = std::move(*folders);
  const auto login = user_login();
  if (!settings_.api_key.empty() || tool_.login.empty() || !settings_.base_url.empty())
    return {}; // A service of the user's own may want no key.
  auto content = read_login(login);
  if (!content)
    return no("key-invalid", content.error().detail);
  if (content->empty())
    return no("key-invalid",
              fmt::format("there is neither a key nor a login in {}; set api_key_env to the "
                          "variable that holds a key, or {}",
                          login, tool_.login_action));
  return {};
}

ledger::result<void> cli_provider::learn_version() {
  const auto words = program_words(tool_, settings_);
  if (tool_.program.empty()) {
    // A program that nobody knows may do anything when asked for its version;
    // its content says which one it is.
    auto lookup = caged_program(ledger::sandbox_kind::none, cage{}, words);
    lookup.argv = words;
    if (const auto file = program_of(lookup)) {
      std::error_code e;
      version_ = ledger::disk::digest_of_file(fs::canonical(*file, e)).substr(0, 16);
    }
    return {};
  }
  auto home = make_folder("home"), folder = make_folder("empty");
  if (!home || !folder)
    return tl::make_unexpected(home ? folder.error() : home.error());
  cage c;
  c.folder = folder->path();
  c.home = home->path();
  c.folder_read_only = true;
  c.read_only = settings_.read_only;
  c.read_only.insert(c.read_only.end(), program_folders_.begin(), program_folders_.end());
  auto argv = words;
  argv.push_back("--version");
  auto spec = caged_program(settings_.sandbox_kind, c, argv);
  spec.timeout = std::chrono::seconds(30);
  spec.max_output_bytes = 64 * 1024;
  spec.merge_stderr = false;
  auto r = children_.run(std::move(spec));
  if (!r)
    return tl::make_unexpected(r.error());
  version_ = version_in(r->output);
  if (!r->ok() || version_.empty())
    return fail(fault::unavailable,
                fmt::format("[providers.{}]: `{} --version` gave no version ({}): {}; if what runs "
                            "it lies in your home, name its folder in [sandbox] read_only",
                            settings_.name, words.front(), r->ended(),
                            last_words(r->err.empty() ? r->output : r->err, settings_)),
                "no-such-tool");
  return {};
}

identity cli_provider::who() const {
  return {settings_.name, settings_.model, fmt::format("{} {}", tool_.kind, version_)};
}

call_bound cli_provider::bound(const request&) const {
  call_bound b;
  b.usd = settings_.max_usd.value_or(0);
  return b;
}

void cli_provider::ask(std::shared_ptr<const request> r, answer_callback done) {
  auto call = std::make_shared<pending>();
  call->done = std::move(done);
  pool_.run([this, r = std::move(r), call] {
    // The edge: whatever libraries throw becomes a failure here.
    try {
      call->give(run(*r));
    } catch (const std::exception& e) {
      auto f = make_failure(kind::outage, "unavailable", tool_, settings_,
                            std::string("the run failed: ") + e.what());
      f.may_be_billed = true;
      call->give(tl::make_unexpected(std::move(f)));
    }
  });
}

outcome cli_provider::run(const request& r) {
  const auto no = [&](kind is, const char* code, const std::string& why) {
    return tl::make_unexpected(make_failure(is, code, tool_, settings_, why));
  };
  const bool caged = settings_.sandbox_kind == ledger::sandbox_kind::bwrap;
  if (may_write(r) && !caged && !settings_.accept_unsandboxed)
    return no(kind::refused, "unsandboxed",
              "a step that changes code needs a sandbox, and [sandbox] kind is \"none\"; set "
              "accept_unsandboxed = true in [sandbox]");
  if (may_write(r) && r.worktree.empty())
    return no(kind::refused, "no-worktree", "a step that changes code came without a worktree");
  auto home = make_folder("home");
  if (!home)
    return no(kind::outage, "unavailable", home.error().detail);
  if (!r.worktree.empty())
    return run_in(r, r.worktree, home->path());
  auto empty = make_folder("empty");
  if (!empty)
    return no(kind::outage, "unavailable", empty.error().detail);
  return run_in(r, empty->path(), home->path());
}

outcome cli_provider::run_in(const request& r, const std::string& folder, const std::string& home) {
  const bool caged = settings_.sandbox_kind == ledger::sandbox_kind::bwrap;
  const auto no = [&](kind is, const char* code, const std::string& why) {
    return tl::make_unexpected(make_failure(is, code, tool_, settings_, why));
  };
  const auto where = caged ? places{std::string(caged_folder), std::string(caged_home), true}
                           : places{folder, home, false};
  auto p = tool_.prepare(r, settings_, where);
  std::string lent;
  if (settings_.api_key.empty() && !tool_.login.empty()) {
    auto login = read_login(user_login());
    if (!login)
      return no(kind::refused, "key-invalid", login.error().detail);
    if (lent = std::move(*login); !lent.empty())
      p.seeds[std::string(tool_.login)] = lent;
  }
  for (const auto& [path, content] : p.seeds)
    if (auto put = ledger::disk::put_file(fs::path(home) / path, content,
                                          ledger::disk::durability::none, 0600);
        !put)
      return no(kind::outage, "unavailable", put.error().detail);

  auto ended = start(r, p, folder, home);
  if (!ended && ended.error().code == "closing")
    return no(kind::outage, "closing", "the scheduler is ending; nothing was asked");
  if (!ended && ended.error().kind == fault::not_found)
    return no(kind::refused, "no-such-tool",
              fmt::format("{}; install it: {}", ended.error().detail, tool_.install));
  if (!ended)
    return no(kind::outage, "unavailable", ended.error().detail);

  finished_run run;
  run.child = std::move(*ended);
  run.now_ms =
      std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  if (!p.answer_file.empty())
    if (auto text = left_behind(home, p.answer_file, answer_bytes_max))
      run.answer_file = std::move(*text);
  std::string login_came_back;
  if (!lent.empty())
    if (auto after = left_behind(home, std::string(tool_.login), answer_bytes_max);
        after && return_login(user_login(), lent, *after) == returned::failed)
      login_came_back = "the tool renewed its login, but it could not be written back";

  auto result = tool_.read(run, settings_);
  if (!result)
    return result;
  auto arguments = ledger::json::array();
  for (const auto& word : p.argv)
    arguments.push_back(!settings_.api_key.empty()
                                && word.find(settings_.api_key) != std::string::npos
                            ? std::string("[key]")
                            : word);
  result->usage["arguments"] = std::move(arguments);
  if (!login_came_back.empty())
    result->usage["warning"] = login_came_back;
  return result;
}

ledger::result<child_result> cli_provider::start(const request& r, const plan& p,
                                                 const std::string& folder,
                                                 const std::string& home) {
  cage c;
  c.folder = folder;
  c.folder_read_only = !may_write(r);
  c.home = home;
  c.read_only = settings_.read_only;
  c.read_only.insert(c.read_only.end(), program_folders_.begin(), program_folders_.end());
  c.objects = r.objects;
  c.masked = r.masked;
  std::optional<run_folder> masks;
  if (!c.masked.empty()) {
    auto folder_of_mask = make_folder("mask");
    if (!folder_of_mask)
      return tl::make_unexpected(folder_of_mask.error());
    masks.emplace(std::move(*folder_of_mask));
    c.mask = masks->path() + "/empty";
    if (auto put = ledger::disk::put_file(c.mask, "", ledger::disk::durability::none, 0444); !put)
      return tl::make_unexpected(put.error());
  }
  c.network = true;
  c.env = p.env;
  c.env["TZ"] = "UTC";
  for (const auto& [name, value] : settings_.env)
    c.env[name] = value;
  auto spec = caged_program(settings_.sandbox_kind, c, p.argv);
  // Claude Code takes no login where CI is set.
  if (settings_.env.count("CI") == 0)
    spec.env.erase("CI");
  spec.stdin_text = p.stdin_text;
  spec.merge_stderr = false;
  spec.owner = r.task;
  spec.timeout = settings_.timeout.count() > 0 ? settings_.timeout : default_timeout;
  spec.idle_timeout =
      settings_.idle_timeout.count() > 0 ? settings_.idle_timeout : tool_.idle_timeout;
  return children_.run(std::move(spec));
}

const tool* tool_of(std::string_view kind) {
  for (const auto* t : {&codex_tool, &claude_tool, &gemini_tool, &command_tool})
    if (t->kind == kind)
      return t;
  return nullptr;
}

ledger::result<std::unique_ptr<provider>> make(std::string_view kind, processes& children,
                                               cli_settings s) {
  const auto* t = tool_of(kind);
  if (t == nullptr)
    return fail(fault::refused, fmt::format("no command line tool is of kind \"{}\"", kind),
                "unknown-provider");
  return cli_provider::make(*t, children, std::move(s));
}

} // namespace providers::cli
