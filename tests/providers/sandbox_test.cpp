#include "providers/sandbox.hpp"

#include "tests/providers/scratch_repository.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>

namespace {

using namespace std::chrono_literals;
using ledger::sandbox_kind;
using providers::cage;
using providers::caged_shell;
using providers::child_result;
using providers::processes;

/// Sets a variable of ours for one test.
class variable {
public:
  variable(const char* name, const std::string& value)
      : name_(name) {
    if (const char* before = std::getenv(name))
      before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  ~variable() {
    if (before_)
      ::setenv(name_, before_->c_str(), 1);
    else
      ::unsetenv(name_);
  }
  variable(const variable&) = delete;
  variable& operator=(const variable&) = delete;

private:
  const char* name_;
  std::optional<std::string> before_;
};

class Sandbox : public ::testing::Test {
protected:
  Sandbox() { std::filesystem::create_directories(folder); }

  ledger::result<child_result> run(const std::string& command, sandbox_kind kind,
                                   std::chrono::milliseconds timeout = 60s) {
    c.folder = folder.string();
    auto spec = caged_shell(kind, c, command);
    spec.timeout = timeout;
    return children.run(std::move(spec));
  }

  std::string output(const std::string& command, sandbox_kind kind = sandbox_kind::bwrap) {
    auto r = run(command, kind);
    return r ? r->output : r.error().detail;
  }

  test::scratch home;
  std::filesystem::path folder = home.path() / "slot";
  processes children;
  cage c;
};

class Bubblewrap : public Sandbox {
protected:
  void SetUp() override {
    if (auto works = providers::sandbox_works(children, sandbox_kind::bwrap); !works)
      GTEST_SKIP() << "no user namespaces here: " << works.error().detail;
  }
};

TEST_F(Bubblewrap, ShowsTheFolderAsWorkspaceAndLetsItBeWritten) {
  test::write_file(folder / "a", "content");
  EXPECT_EQ(output("pwd; cat a; echo new > b"), "/workspace\ncontent");
  EXPECT_EQ(test::read_file(folder / "b"), "new\n");
}

TEST_F(Bubblewrap, ShowsNoOtherFileOfTheUsers) {
  const variable h("HOME", home.path().string());
  const variable p("PATH", "/usr/bin:/bin"); // Else folders above those of PATH are there, empty.
  const variable state("XDG_STATE_HOME", (home.path() / "state").string());
  const auto key = home.path() / "state/scheduler/keys/repo";
  test::write_file(key, "seed");
  test::write_file(home.path() / ".ssh/id_ed25519", "private");
  for (const auto& path :
       {key.string(), (home.path() / ".ssh/id_ed25519").string(), home.path().string(),
        std::string("/etc/shadow"), std::string("/etc/ssl/private"), std::string("/root"),
        std::string("/home"), std::string("/var/lib")}) {
    SCOPED_TRACE(path);
    EXPECT_EQ(output("test -e '" + path + "' && echo there || echo hidden"), "hidden\n");
  }
}

TEST_F(Bubblewrap, APathThatHoldsTheHomeDoesNotMountIt) {
  const variable h("HOME", home.path().string());
  test::write_file(home.path() / "secret", "private");
  test::write_file(home.path() / "bin/mine", "#!/bin/sh\necho mine\n");
  test::make_executable(home.path() / "bin/mine");
  const auto path = home.path().string();
  const variable p("PATH", path + ":" + path + "/bin:.:/:" + path + "/missing:/usr/bin:/bin");
  EXPECT_EQ(output("mine; test -e '" + path + "/secret' && echo there || echo hidden"),
            "mine\nhidden\n");
  EXPECT_EQ(output("echo $PATH").find(path + ":"), std::string::npos);
}

TEST_F(Bubblewrap, TheSystemCannotBeWritten) {
  EXPECT_EQ(output("touch /usr/x 2>/dev/null || echo no; touch /etc/passwd 2>/dev/null || echo no"),
            "no\nno\n");
}

TEST_F(Bubblewrap, HasNoCapabilityAndCannotGetOne) {
  const auto text = output("id -u; grep CapEff /proc/self/status; umount /proc 2>/dev/null || "
                           "echo no; unshare --user true 2>/dev/null || echo no");
  EXPECT_EQ(text, "1000\nCapEff:\t0000000000000000\nno\nno\n");
}

TEST_F(Bubblewrap, ObjectFoldersAreReadOnlyAndWithoutTheirReferences) {
  const auto first = home.path() / "first", second = home.path() / "second";
  test::write_file(first / "ab/cdef", "an object\n");
  test::write_file(first / "info/alternates", "/elsewhere\n");
  test::write_file(second / "info/packs", "P x\n");
  c.objects = {first.string(), second.string()};
  EXPECT_EQ(output("cat /objects/ab/cdef; ls /objects/info; cat /objects-1/info/packs; "
                   "rm -rf /objects/ab 2>/dev/null; touch /objects-1/x 2>/dev/null || echo no"),
            "an object\nP x\nno\n");
  EXPECT_EQ(test::read_file(first / "ab/cdef"), "an object\n");
}

TEST_F(Bubblewrap, InheritsNoVariableAndGivesThoseOfTheCage) {
  const variable v("SCHEDULER_TEST_TOKEN", "do-not-leak-this");
  c.env["MINE"] = "mine";
  const auto text = output("env");
  EXPECT_EQ(text.find("do-not-leak-this"), std::string::npos);
  for (const char* line : {"HOME=/tmp/home\n", "CI=true\n", "TERM=dumb\n", "MINE=mine\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
}

TEST_F(Bubblewrap, HasAHomeAndAPrivateTmp) {
  EXPECT_EQ(output("echo x > ~/a && echo y > /tmp/scheduler-sandbox-probe && ls /tmp"),
            "home\nscheduler-sandbox-probe\n");
  EXPECT_FALSE(std::filesystem::exists("/tmp/scheduler-sandbox-probe"));
}

TEST_F(Bubblewrap, HasNoNetworkButLoopback) {
  EXPECT_EQ(output("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '"), "lo\n");
  EXPECT_NE(output("readlink /proc/self/ns/net"), output("true", sandbox_kind::none));
}

TEST_F(Bubblewrap, SharesTheNetworkOnlyIfAllowed) {
  const auto ours = std::filesystem::read_symlink("/proc/self/ns/net").string() + "\n";
  EXPECT_NE(output("readlink /proc/self/ns/net"), ours);
  c.network = true;
  EXPECT_EQ(output("readlink /proc/self/ns/net"), ours);
}

TEST_F(Bubblewrap, MountsFurtherPathsReadOnlyAtTheSamePlace) {
  const auto more = home.path() / "more";
  test::write_file(more / "data", "data");
  c.read_only = {more.string()};
  EXPECT_EQ(output("cat '" + more.string() + "/data'; touch '" + more.string()
                   + "/x' 2>/dev/null || echo no"),
            "datano\n");
}

// Of nvm and the like only `bin` was there, full of links to what was not.
TEST_F(Bubblewrap, AToolOfTheUsersRunsOnceItsFolderIsNamed) {
  const variable h("HOME", home.path().string());
  const auto tool = home.path() / ".nvm/v20";
  test::write_file(tool / "lib/mine.sh", "#!/bin/sh\necho it runs\n");
  test::make_executable(tool / "lib/mine.sh");
  std::filesystem::create_directories(tool / "bin");
  std::filesystem::create_symlink("../lib/mine.sh", tool / "bin/mine");
  const variable p("PATH", (tool / "bin").string() + ":/usr/bin:/bin");
  ledger::sandbox_config config;
  auto r = run("mine", sandbox_kind::bwrap);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->exit_code, 127) << r->output;
  EXPECT_NE(providers::missing_program_hint(config).find("\"" + tool.string() + "\""),
            std::string::npos)
      << providers::missing_program_hint(config);

  config.read_only = {"~/.nvm"};
  EXPECT_EQ(providers::missing_program_hint(config), "");
  auto shown = providers::shown_folders(config);
  ASSERT_TRUE(shown) << shown.error().detail;
  c.read_only = *shown;
  EXPECT_EQ(output("mine"), "it runs\n");
  EXPECT_TRUE(providers::sandbox_works(children, config));
}

TEST_F(Sandbox, ShowsNoFolderThatHoldsOrIsASecretPlace) {
  const variable h("HOME", home.path().string());
  const variable k("SCHEDULER_KEY_FILE", (home.path() / "keys/mine").string());
  test::write_file(home.path() / ".ssh/deep/id", "private");
  test::write_file(home.path() / ".cargo/credentials.toml", "private");
  test::write_file(home.path() / ".cargo/bin/cargo", "");
  test::write_file(home.path() / ".rustup/a", "");
  test::write_file(home.path() / "keys/mine", "seed");
  std::filesystem::create_directory_symlink(home.path() / ".ssh", home.path() / "link");
  std::filesystem::create_directories(home.path() / ".local/state/x");
  struct row {
    const char* folder;
    const char* words; ///< Null: shown.
  };
  const std::vector<row> rows{{"~/.rustup", nullptr},
                              {"~/.cargo/bin", nullptr},
                              {"/usr/share", nullptr},
                              {"~/.cargo", "it holds"},
                              {"~/", "it holds"},
                              {"/", "it holds"},
                              {"~/.ssh", "it lies in"},
                              {"~/.ssh/deep", "lies in"},
                              {"~/link", "it lies in"},
                              {"~/keys", "it holds"},
                              {"/etc/ssl", "it lies in"},
                              {"~/.local", "it holds"},
                              {"~/.local/state/x", "lies in"},
                              {"/proc/self", "lies in"},
                              {"~/missing", "no such folder"},
                              {"~/.cargo/bin/cargo", "no such folder"}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.folder);
    ledger::sandbox_config config;
    config.read_only = {row.folder};
    const auto shown = providers::shown_folders(config);
    EXPECT_EQ(shown.has_value(), row.words == nullptr);
    if (shown || row.words == nullptr)
      continue;
    EXPECT_EQ(shown.error().kind, ledger::fault::refused);
    EXPECT_NE(shown.error().detail.find(row.words), std::string::npos) << shown.error().detail;
    EXPECT_FALSE(providers::sandbox_works(children, config));
  }
}

TEST_F(Bubblewrap, AProgramGetsItsArgumentsAsTheyAre) {
  c.folder = folder.string();
  auto r = children.run(providers::caged_program(
      sandbox_kind::bwrap, c, {"printf", "[%s]", "two words", "", "$HOME", "--bind"}));
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->output, "[two words][][$HOME][--bind]");
}

TEST_F(Bubblewrap, AFolderToReadCannotBeWritten) {
  test::write_file(folder / "a", "content");
  c.folder_read_only = true;
  EXPECT_EQ(output("cat a; touch b 2>/dev/null || echo no; rm a 2>/dev/null || echo no"),
            "contentno\nno\n");
  EXPECT_EQ(test::read_file(folder / "a"), "content");
}

// A secret that is committed lies in every checkout, and its content among the
// objects.
TEST_F(Bubblewrap, AMaskedFileIsEmptyAndStaysAsItIs) {
  test::write_file(folder / ".env", "KEY=canary");
  test::write_file(folder / "deep/.env.local", "KEY=canary");
  test::write_file(folder / "plain", "content");
  std::filesystem::create_symlink(".env", folder / "link");
  test::write_file(home.path() / "objects/pack", "canary");
  c.objects = {(home.path() / "objects").string()};
  c.masked = {".env", "deep/.env.local", "link", "gone"};
  c.mask = (home.path() / "mask").string();
  test::write_file(c.mask, "");
  // A regular file: a device would end every `grep -r` and `git add` in an error.
  EXPECT_EQ(output("cat .env deep/.env.local link plain && test -f .env && test ! -e /objects && "
                   "echo; echo x 2>/dev/null > .env; rm -f .env 2>/dev/null; mv deep away; "
                   "cat away/.env.local; mv away deep"),
            "content\n");
  EXPECT_EQ(test::read_file(folder / ".env"), "KEY=canary");
  EXPECT_EQ(test::read_file(folder / "deep/.env.local"), "KEY=canary");
}

TEST_F(Bubblewrap, AHomeAndFurtherFoldersOfOursCanBeWritten) {
  const auto mine = home.path() / "mine", more = home.path() / "more";
  std::filesystem::create_directories(more);
  test::write_file(mine / "seed", "seed");
  c.home = mine.string();
  c.writable = {more.string()};
  EXPECT_EQ(output("cat ~/seed; echo x > ~/left; echo y > '" + more.string() + "/left'"), "seed");
  EXPECT_EQ(test::read_file(mine / "left"), "x\n");
  EXPECT_EQ(test::read_file(more / "left"), "y\n");
}

TEST_F(Bubblewrap, WithTheNetworkNamesCanBeResolved) {
  c.network = true;
  // The smallest of systems have neither hosts nor certificates.
  for (const char* file : {"/etc/hosts", "/etc/resolv.conf", "/etc/ssl/certs"}) {
    const bool is_there = std::filesystem::exists(file);
    EXPECT_EQ(output("test -e " + std::string(file) + " && echo there"), is_there ? "there\n" : "");
  }
  for (const char* file : {"/etc/hosts", "/etc/resolv.conf"})
    if (std::filesystem::exists(file)) {
      EXPECT_EQ(output("cat " + std::string(file)), test::read_file(file));
    }
  if (std::filesystem::exists("/etc/hosts")) {
    EXPECT_EQ(output("getent hosts localhost >/dev/null && echo found"), "found\n");
  }
}

// ~/.local holds what no child may read; ~/.local/share/tool does not.
TEST_F(Sandbox, ShowsOfAProgramNoMoreThanIsHarmless) {
  const variable h("HOME", home.path().string());
  const auto local = home.path() / ".local";
  test::write_file(local / "state/scheduler/key", "seed");
  test::write_file(local / "share/tool/1.0/bin/mine", "#!/bin/sh\n");
  test::make_executable(local / "share/tool/1.0/bin/mine");
  std::filesystem::create_directories(local / "bin");
  std::filesystem::create_symlink(local / "share/tool/1.0/bin/mine", local / "bin/mine");
  const variable p("PATH", (local / "bin").string() + ":/usr/bin:/bin");
  auto folders = providers::folders_of_program("mine");
  ASSERT_TRUE(folders) << folders.error().detail;
  EXPECT_EQ(*folders, std::vector<std::string>{(local / "share").string()});
  EXPECT_EQ(providers::folders_of_program("sh")->size(), 0u);
  EXPECT_EQ(providers::folders_of_program("no-such-program").error().kind,
            ledger::fault::not_found);
  test::write_file(home.path() / ".ssh/mine", "#!/bin/sh\n");
  test::make_executable(home.path() / ".ssh/mine");
  EXPECT_EQ(providers::folders_of_program((home.path() / ".ssh/mine").string()).error().kind,
            ledger::fault::refused);
}

TEST_F(Bubblewrap, NothingIsLeftRunning) {
  // A daemon in a session of its own, which a kill of the group would miss; it
  // would write a line every 10 ms.
  const std::string daemon =
      "setsid sh -c 'while :; do echo alive >> /workspace/log; sleep 0.01; done' >/dev/null 2>&1 & "
      "while ! test -s log; do sleep 0.01; done; ";
  for (const auto& [after, timeout] :
       std::vector<std::pair<std::string, std::chrono::milliseconds>>{{"true", 60s},
                                                                      {"sleep 300", 1000ms}}) {
    SCOPED_TRACE(after);
    std::filesystem::remove(folder / "log");
    auto r = run(daemon + after, sandbox_kind::bwrap, timeout);
    ASSERT_TRUE(r);
    const auto size = std::filesystem::file_size(folder / "log");
    children.run(caged_shell(sandbox_kind::none, c, "sleep 0.3")); // Time to write, if alive.
    EXPECT_EQ(std::filesystem::file_size(folder / "log"), size);
  }
}

TEST_F(Bubblewrap, GivesTheExitCodeAndOutput) {
  auto r = run("echo out; echo err >&2; exit 9", sandbox_kind::bwrap);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->exit_code, 9);
  EXPECT_EQ(r->output, "out\nerr\n");
}

TEST_F(Sandbox, OfKindNoneRunsInTheFolderWithAHomeOfItsOwn) {
  const variable h("HOME", home.path().string());
  const variable v("SCHEDULER_TEST_TOKEN", "do-not-leak-this");
  auto r = run("pwd; echo $HOME; test -d $HOME && test $TMPDIR = $HOME && echo there; env; exit 5",
               sandbox_kind::none);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->exit_code, 5);
  const auto& text = r->output;
  EXPECT_EQ(text.find(folder.string() + "\n"), 0u);
  EXPECT_NE(text.find("\nthere\n"), std::string::npos);
  EXPECT_EQ(text.find("do-not-leak-this"), std::string::npos);
  EXPECT_EQ(text.find("HOME=" + home.path().string() + "\n"), std::string::npos);
  const auto from = text.find('\n') + 1;
  const auto own_home = text.substr(from, text.find('\n', from) - from);
  EXPECT_FALSE(std::filesystem::exists(own_home)) << own_home << " was left behind";
}

// The command used to remove it, which one that was killed could not.
TEST_F(Sandbox, TheHomeOfACommandThatIsKilledGoesToo) {
  auto r =
      run("mkdir -p $HOME/a/b; chmod 0 $HOME/a; echo $HOME; kill -KILL $$", sandbox_kind::none);
  ASSERT_TRUE(r);
  EXPECT_EQ(r->ended(), "killed by signal 9");
  EXPECT_FALSE(std::filesystem::exists(r->output.substr(0, r->output.find('\n'))));
}

TEST_F(Sandbox, OfKindNoneWorksEverywhere) {
  auto works = providers::sandbox_works(children, sandbox_kind::none);
  EXPECT_TRUE(works) << works.error().detail;
}

TEST_F(Sandbox, SaysWhyItDoesNotWorkAndWhatToDo) {
  // A bwrap that fails, first in PATH, as where namespaces are forbidden.
  test::write_file(home.path() / "bin/bwrap", "#!/bin/sh\necho no namespaces; exit 1\n");
  test::make_executable(home.path() / "bin/bwrap");
  const variable p("PATH", (home.path() / "bin").string() + ":/usr/bin:/bin");
  auto works = providers::sandbox_works(children, sandbox_kind::bwrap);
  ASSERT_FALSE(works);
  EXPECT_EQ(works.error().kind, ledger::fault::unavailable);
  EXPECT_NE(works.error().detail.find("no namespaces"), std::string::npos);
  EXPECT_NE(works.error().detail.find("kind = \"none\""), std::string::npos);
}

} // namespace
