#include "ledger/disk/keyring.hpp"
#include "providers/sandbox.hpp"
#include "tests/program/program_fixture.hpp"

#include <algorithm>
#include <cerrno>
#include <iostream>
#include <poll.h>
#include <sstream>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tests {

namespace {

constexpr auto longest_run = std::chrono::minutes(8);
constexpr int patience_ms = 60'000;

providers::processes& children() {
  static providers::processes all;
  return all;
}

std::string inherited(const char* name) {
  auto* value = std::getenv(name);
  return value ? value : "";
}

/// Process ids of our own children, the dead ones reaped.
std::vector<pid_t> own_children() {
  std::vector<pid_t> found;
  for (auto& entry : fs::directory_iterator("/proc")) {
    auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos)
      continue;
    auto stat = read_file(entry.path() / "stat");
    auto end = stat.rfind(')'); // The name before it may hold anything.
    if (end == std::string::npos)
      continue;
    std::istringstream rest{stat.substr(end + 1)};
    char how = 0;
    pid_t parent = 0;
    rest >> how >> parent;
    if (parent != ::getpid())
      continue;
    auto pid = static_cast<pid_t>(std::stoi(name));
    if (how == 'Z')
      ::waitpid(pid, nullptr, WNOHANG);
    else
      found.push_back(pid);
  }
  return found;
}

/// What watches over our own children (providers/guard.hpp) and lives as long as we
/// do: our only child before a program was started for the first time.
const std::vector<pid_t>& own_guard() {
  static const auto guard = [] {
    providers::child_spec spec;
    spec.argv = {"/bin/true"};
    spec.group_dies_with_us = true; // So it takes a guard.
    EXPECT_TRUE(children().run(std::move(spec)));
    return own_children();
  }();
  EXPECT_EQ(guard.size(), 1u);
  return guard;
}

std::vector<pid_t> strangers() {
  auto found = own_children();
  std::erase_if(found, [](pid_t pid) {
    return std::count(own_guard().begin(), own_guard().end(), pid) != 0;
  });
  return found;
}

/// Waits until a process has ended; false: it lives on.
bool ends(pid_t pid) {
  auto fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0)
    return errno == ESRCH;
  pollfd p{fd, POLLIN, 0};
  auto n = ::poll(&p, 1, patience_ms);
  ::close(fd);
  return n == 1;
}

} // namespace

bool has_bubblewrap() {
  static const bool works = [] {
    auto ok = providers::sandbox_works(children(), ledger::sandbox_kind::bwrap);
    if (!ok)
      std::cout << "sandbox kind \"none\" is used here: " << ok.error().detail << std::endl;
    return ok.has_value();
  }();
  return works;
}

words leftovers() {
  words alive;
  // An orphan that ends may have orphans of its own: look until none is left.
  for (auto found = strangers(); !found.empty() && alive.empty(); found = strangers())
    for (auto pid : found)
      if (!ends(pid)) {
        auto line = read_file("/proc/" + std::to_string(pid) + "/cmdline");
        std::replace(line.begin(), line.end(), '\0', ' ');
        alive.push_back(std::to_string(pid) + " " + line);
      }
  return alive;
}

files content_below(const fs::path& folder) {
  files found;
  if (!fs::exists(folder))
    return found;
  for (auto& entry : fs::recursive_directory_iterator(folder)) {
    auto name = entry.path().lexically_relative(folder).generic_string();
    if (entry.is_symlink())
      found[name] = "-> " + fs::read_symlink(entry.path()).string();
    else if (entry.is_directory())
      found[name] = "(folder)";
    else
      found[name] = read_file(entry.path());
  }
  return found;
}

practice_site::practice_site() {
  own_guard();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  for (auto name : {"home", "state", "cache", "tmp", "tasks", "scripts"})
    fs::create_directories(home() / name);
  fs::copy(fs::path{SOURCE_ROOT} / "examples/site", top(), fs::copy_options::recursive);
  git({"init", "-q", "-b", "main"});
  git({"config", "user.name", "Tester"});
  git({"config", "user.email", "tester@example.org"});
  configure(site_file("scheduler.toml"));
}

void practice_site::commit_all(const std::string& message) {
  git({"add", "-A"});
  git({"commit", "-q", "--allow-empty", "-m", message});
  base_ = lines_of(git({"rev-parse", "HEAD"})).at(0);
}

void practice_site::prompt(const std::string& task, const std::string& text) const {
  write_file(tasks() / (task + ".md"), text);
}

void practice_site::configure(const std::string& text) {
  auto sandbox = has_bubblewrap() || has(text, "[sandbox]") ? "" : "\n[sandbox]\nkind = \"none\"\n";
  write_file(top() / "scheduler.toml", text + sandbox);
  commit_all("The configuration");
}

void practice_site::reconfigure(const std::string& from, const std::string& to) {
  configure(with(site_file("scheduler.toml"), from, to));
}

void practice_site::commit_file(const std::string& path, const std::string& text) {
  write_file(top() / path, text);
  commit_all("Write " + path);
}

std::string practice_site::diff(const files& changed, bool reversed) {
  auto drafts = home() / "drafts";
  if (!drafts_made_)
    git({"clone", "-q", top().string(), drafts.string()});
  drafts_made_ = true;
  for (auto& [path, content] : changed)
    if (content.empty())
      fs::remove(drafts / path);
    else
      write_file(drafts / path, content);
  git({"add", "-A", "-f"}, drafts);
  words how{"diff", "--cached", "--no-renames"};
  if (reversed)
    how.push_back("-R");
  auto text = git(how, drafts);
  git({"reset", "-q", "--hard"}, drafts);
  return text;
}

std::string practice_site::index_with(const std::string& paragraph) const {
  return with(site_file("src/index.html"), "    </main>\n",
              "      <p>" + paragraph + "</p>\n    </main>\n");
}

void practice_site::plain_prompt(const std::string& task, const std::string& paragraph) {
  prompt(task, "Say it on `src/index.html`.\n\n"
                   + block(diff({{"src/index.html", index_with(paragraph)}})));
}

std::string practice_site::own_prompt(const std::string& task, const std::string& content) {
  auto path = "notes/" + task + ".txt";
  prompt(task, "Note it.\n\n" + block(diff({{path, content}})));
  return path;
}

void practice_site::play_scripts(const std::string& checks) {
  std::string text;
  for (auto role : {"gemini", "claude", "codex"})
    text += "[roles." + std::string{role} + "]\nprovider = \"script\"\n\n";
  text += "[providers.script]\nkind = \"scripted\"\nfolder = \"" + scripts().string() + "\"\n\n";
  configure(text + checks);
  using ledger::step;
  for (auto s : {step::audit, step::decide, step::plan, step::implement, step::test, step::review,
                 step::verify})
    script("default/" + std::string{to_string(s)},
           ledger::testing::good_answer(s, "src/index.html"));
  write_file(scripts() / "default/implement.files/src/index.html", index_with("By a script."));
}

void practice_site::script(const std::string& name, const std::string& answer,
                           const std::string& commands) const {
  write_file(scripts() / (name + ".md"), answer);
  if (!commands.empty())
    write_file(scripts() / (name + ".sh"), commands);
}

std::map<std::string, std::string> practice_site::environment() const {
  auto all = env;
  all.insert({{"PATH", inherited("PATH")},
              {"HOME", (home() / "home").string()},
              {"TMPDIR", (home() / "tmp").string()},
              {"LANG", "C.UTF-8"},
              {"GIT_CONFIG_NOSYSTEM", "1"},
              {"XDG_STATE_HOME", (home() / "state").string()},
              {"XDG_CACHE_HOME", (home() / "cache").string()}});
  return all;
}

ended practice_site::run(const words& arguments) const {
  words argv{PROGRAM};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return run_program(std::move(argv));
}

ended practice_site::batch_under_nohup() const {
  return run_program(
      {"sh", "-c", "trap '' HUP; exec \"$0\" --tasks \"$1\"", PROGRAM, tasks().string()});
}

ended practice_site::run_program(words argv) const {
  providers::child_spec spec;
  spec.argv = std::move(argv);
  spec.directory = top().string();
  spec.env = environment();
  spec.env.emplace("SCHEDULER_TEST_CALLS", calls_file().string());
  spec.merge_stderr = false;
  spec.timeout = longest_run;
  auto done = children().run(std::move(spec));
  if (!done)
    throw std::runtime_error(done.error().detail);
  return {done->exit_code, done->output, done->err, done->took};
}

ended practice_site::shell(const std::string& command) const {
  return run_program({"sh", "-c", command, PROGRAM});
}

ended practice_site::batch(const words& further) const {
  words all{"--tasks", tasks().string()};
  all.insert(all.end(), further.begin(), further.end());
  return run(all);
}

ended practice_site::batch_killed_after(std::uint64_t n, const words& further) {
  env["SCHEDULER_TEST_KILL_AFTER"] = std::to_string(n);
  auto e = batch(further);
  env.erase("SCHEDULER_TEST_KILL_AFTER");
  return e;
}

std::string practice_site::repo_id() const {
  return ledger::disk::repository_id(fs::canonical(top() / ".git"));
}

std::map<std::string, ledger::task_state> practice_site::states() const {
  auto id = repo_id();
  auto keys = ledger::disk::keyring::open_public(home() / "state/scheduler/keys", id);
  auto found = ledger::disk::read_snapshot(ledger(), keys);
  std::map<std::string, ledger::task_state> all;
  if (!found)
    return all;
  for (auto& [task, chain] : found->tasks)
    if (auto s = ledger::fold(task, chain.records))
      all.emplace(task, std::move(*s));
    else
      ADD_FAILURE() << task << ": " << s.error().detail;
  return all;
}

ledger::task_state practice_site::state(const std::string& task) const {
  auto all = states();
  auto it = all.find(task);
  EXPECT_TRUE(it != all.end()) << "no task " << task;
  return it == all.end() ? ledger::task_state{} : it->second;
}

std::vector<ledger::record> practice_site::records(const std::string& task) const {
  auto id = repo_id();
  auto keys = ledger::disk::keyring::open_public(home() / "state/scheduler/keys", id);
  auto found = ledger::disk::read_snapshot(ledger(), keys);
  if (!found || found->tasks.count(task) == 0)
    return {};
  return found->tasks.at(task).records;
}

std::uint64_t practice_site::seq_of(const std::string& task, ledger::event what,
                                    ledger::step at) const {
  for (auto& r : records(task))
    if (r.what == what && r.at == at)
      return r.seq;
  return 0;
}

words practice_site::calls() const {
  return lines_of(read_file(calls_file()));
}

words practice_site::branches() const {
  return lines_of(git({"for-each-ref", "--format=%(refname:lstrip=3)", "refs/heads/ai-gated/"}));
}

words practice_site::commits_of(const std::string& task) const {
  return lines_of(git({"rev-list", "refs/heads/ai-gated/" + task, "^" + base_}));
}

words practice_site::deploys_of(const std::string& task) const {
  words ids;
  if (fs::is_directory(deployed() / task))
    for (auto& entry : fs::directory_iterator(deployed() / task))
      ids.push_back(entry.path().filename().string());
  return ids;
}

words practice_site::worktrees() const {
  words found;
  for (auto& line : lines_of(git({"worktree", "list", "--porcelain"})))
    if (line.rfind("worktree ", 0) == 0 && line != "worktree " + fs::canonical(top()).string())
      found.push_back(line);
  for (auto& entry : fs::recursive_directory_iterator(home() / "cache"))
    if (entry.path().filename() == ".git")
      found.push_back(entry.path().string());
  return found;
}

std::string practice_site::git(const words& arguments, const fs::path& in) const {
  providers::child_spec spec;
  spec.argv = {"git"};
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  spec.directory = in.empty() ? top().string() : in.string();
  spec.env = environment();
  spec.env["GIT_OPTIONAL_LOCKS"] = "0"; // `status` would refresh the user's index.
  auto done = children().run(std::move(spec));
  if (!done || !done->ok())
    throw std::runtime_error("git " + arguments.front() + ": "
                             + (done ? done->output : done.error().detail));
  return done->output;
}

} // namespace tests
