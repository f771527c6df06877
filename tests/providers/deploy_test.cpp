#include "providers/deploy.hpp"

#include "providers/deploy/published_folder.hpp"
#include "providers/full_disk.hpp"
#include "tests/providers/other_program.hpp"
#include "tests/providers/scratch_repository.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <future>
#include <mutex>
#include <set>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <thread>

namespace {

/// What was synced, by anyone in this program.
struct synced_files {
  std::mutex mutex;
  std::set<std::filesystem::path> all;
};

synced_files& synced() {
  static auto* files = new synced_files;
  return *files;
}

} // namespace

/// In the place of the C library's: it tells what is synced.
extern "C" int fsync(int fd) {
  std::error_code e;
  const auto name = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), e);
  {
    const std::lock_guard lock(synced().mutex);
    synced().all.insert(name);
  }
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

namespace {

using namespace std::chrono_literals;
using ledger::deploy_kind;
using ledger::fault;
using ledger::sandbox_kind;
using providers::deployer;
namespace fs = std::filesystem;

class Deploy : public ::testing::Test {
protected:
  Deploy() {
    r.write("site/index.html", "<h1>hello</h1>\n");
    r.write("site/css/a.css", "body{}\n");
    r.write("other.txt", "not published\n");
    request.commit = r.commit("site");
    request.base = request.commit;
    request.tree = r.git({"rev-parse", "HEAD^{tree}"});
    request.task = "Fix-Footer";
    request.deploy_id = "0123456789abcdef";
    config.deploy.publish = "site";
    config.deploy.directory = "public site";
    config.checks.timeout = 60s;
    if (!providers::sandbox_works(r.children(), sandbox_kind::bwrap))
      config.sandbox.kind = sandbox_kind::none;
    auto w = providers::open_git_workspace(r.open(), {r.folder() / "slots", 1});
    if (!w)
      throw std::runtime_error(w.error().detail);
    files = std::move(*w);
    ::unsetenv("SCHEDULER_TEST_DEPLOY_TOKEN");
  }

  std::unique_ptr<deployer> make(deploy_kind kind, std::vector<std::string> secrets = {}) {
    return make(kind, r.children(), std::move(secrets));
  }
  std::unique_ptr<deployer> make(deploy_kind kind, providers::processes& children,
                                 std::vector<std::string> secrets = {}) {
    config.deploy.kind = kind;
    return providers::make_deployer(
        {config, *files, children, r.top(), scratch(), ledger::redactor(std::move(secrets))});
  }
  fs::path scratch() const { return r.folder() / "scratch"; }
  fs::path kept() const { return scratch() / "Fix-Footer-0123456789abcdef"; }
  fs::path published() const { return r.top() / "public site/Fix-Footer/0123456789abcdef"; }

  test::scratch_repository r;
  ledger::config config;
  std::unique_ptr<providers::workspace> files;
  providers::deploy_request request;
};

/// Why a build was not ok, or "ok".
std::string said(const ledger::result<providers::build_outcome>& b) {
  return !b ? "ERROR " + b.error().detail : b->ok ? "ok" : b->ended;
}

TEST_F(Deploy, OfKindNoneHasNothingToDo) {
  auto d = make(deploy_kind::none);
  EXPECT_EQ(said(d->build(request)), "ok");
  EXPECT_FALSE(d->find(request).value().ok);
  const auto done = d->deploy(request).value();
  EXPECT_TRUE(done.ok);
  EXPECT_TRUE(done.nothing_to_do);
  EXPECT_EQ(done.deploy_id, "");
  config.deploy.build = "exit 4";
  EXPECT_EQ(said(make(deploy_kind::none)->build(request)), "exit 4"); // A build is a build.
}

TEST_F(Deploy, PublishesToADirectoryByRename) {
  auto d = make(deploy_kind::directory);
  EXPECT_FALSE(d->find(request).value().ok);
  ASSERT_EQ(said(d->build(request)), "ok");
  EXPECT_FALSE(fs::exists(published()));
  const auto done = d->deploy(request);
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_TRUE(done->ok) << done->ended;
  EXPECT_FALSE(done->adopted);
  EXPECT_EQ(done->deploy_id, request.deploy_id);
  EXPECT_EQ(done->deploy_url,
            "file://" + r.top().string() + "/public%20site/Fix-Footer/0123456789abcdef");
  EXPECT_EQ(test::read_file(published() / "index.html"), "<h1>hello</h1>\n");
  EXPECT_EQ(test::read_file(published() / "css/a.css"), "body{}\n");
  EXPECT_FALSE(fs::exists(published() / "other.txt"));
  EXPECT_FALSE(fs::exists(kept()));
}

TEST_F(Deploy, AdoptsWhatAFormerRunPublished) {
  ASSERT_TRUE(make(deploy_kind::directory)->deploy(request).value().ok);
  test::write_file(published() / "index.html", "as it was\n");
  auto d = make(deploy_kind::directory);
  for (const auto& done : {d->find(request), d->deploy(request)}) {
    ASSERT_TRUE(done);
    EXPECT_TRUE(done->ok);
    EXPECT_TRUE(done->adopted);
    EXPECT_EQ(done->deploy_id, request.deploy_id);
  }
  EXPECT_EQ(test::read_file(published() / "index.html"), "as it was\n");
}

TEST_F(Deploy, ClearsWhatAKilledPublishLeft) {
  test::write_file(published().parent_path() / ".tmp-0123456789abcdef/index.html", "half");
  test::write_file(published().parent_path() / ".tmp-0123456789abcdef/stray.html", "half");
  ASSERT_TRUE(make(deploy_kind::directory)->deploy(request).value().ok);
  EXPECT_EQ(test::read_file(published() / "index.html"), "<h1>hello</h1>\n");
  EXPECT_FALSE(fs::exists(published() / "stray.html"));
  EXPECT_FALSE(fs::exists(published().parent_path() / ".tmp-0123456789abcdef"));
}

TEST_F(Deploy, BuildsInACleanCheckoutWithoutTheToken) {
  ::setenv("SCHEDULER_TEST_DEPLOY_TOKEN", "a-token-of-some-length", 1);
  config.deploy.token_env = "SCHEDULER_TEST_DEPLOY_TOKEN";
  config.deploy.publish = "out/dist";
  config.deploy.build = "env; mkdir -p out/dist && cp site/index.html out/dist/";
  auto d = make(deploy_kind::directory);
  const auto built = d->build(request);
  ASSERT_EQ(said(built), "ok");
  EXPECT_NE(built->log.find("CI=true"), std::string::npos);
  EXPECT_EQ(built->log.find("a-token-of-some-length"), std::string::npos);
  ASSERT_TRUE(d->deploy(request).value().ok);
  EXPECT_EQ(test::read_file(published() / "index.html"), "<h1>hello</h1>\n");
}

TEST_F(Deploy, AFailedBuildIsTheChangesFault) {
  config.deploy.build = "echo cannot compile; exit 2";
  auto d = make(deploy_kind::directory);
  const auto built = d->build(request);
  EXPECT_EQ(said(built), "exit 2");
  EXPECT_EQ(built->log, "cannot compile\n");
  const auto done = d->deploy(request).value(); // Builds again, and fails again.
  EXPECT_FALSE(done.ok);
  EXPECT_NE(done.ended.find("exit 2"), std::string::npos);
  EXPECT_FALSE(fs::exists(published()));
}

TEST_F(Deploy, WhatCannotBePublishedFailsTheBuildWithASentence) {
  struct row {
    const char* name;
    const char* build;
    const char* publish;
    const char* words;
  };
  const std::vector<row> rows{
      {"missing without a build", "", "dist", "no such folder in the commit"},
      {"missing after the build", "true", "dist", "no such folder after the build"},
      {"a file", "echo x > dist", "dist", "no such folder"},
      {"a link", "ln -s / dist", "dist", "no such folder"},
      {"below a link", "ln -s /etc out", "out/ssl", "no such folder"},
      {"outside", "", "../site", "not a path inside"},
      {"absolute link inside", "ln -s /etc/passwd site/x", "site", "leaves the folder"},
      {"relative link out", "ln -s ../other.txt site/x", "site", "leaves the folder"},
      {"link through a link", "mkdir -p site/d; ln -s .. site/d/up; ln -s d/up/../other.txt site/x",
       "site", "leaves the folder"},
      {"a pipe", "mkfifo site/pipe", "site", "no file, folder or link"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    config.deploy.build = row.build;
    config.deploy.publish = row.publish;
    const auto built = make(deploy_kind::directory)->build(request);
    EXPECT_NE(said(built).find(row.words), std::string::npos) << said(built);
    EXPECT_FALSE(fs::exists(kept()));
  }
}

TEST_F(Deploy, LinksThatStayInsideArePublishedAsLinks) {
  config.deploy.build = "ln -s css/a.css site/style.css; ln -s ../index.html site/css/home";
  auto d = make(deploy_kind::directory);
  ASSERT_EQ(said(d->build(request)), "ok");
  ASSERT_TRUE(d->deploy(request).value().ok);
  EXPECT_TRUE(fs::is_symlink(published() / "style.css"));
  EXPECT_EQ(test::read_file(published() / "css/home"), "<h1>hello</h1>\n");
}

TEST_F(Deploy, TheWholeCheckoutIsPublishedWithoutItsGitFile) {
  config.deploy.publish = ".";
  auto d = make(deploy_kind::directory);
  ASSERT_TRUE(d->deploy(request).value().ok);
  EXPECT_EQ(test::read_file(published() / "other.txt"), "not published\n");
  EXPECT_FALSE(fs::exists(published() / ".git"));
}

TEST_F(Deploy, ACommandGetsItsVariablesTheFolderAndTheTokenAndNothingElse) {
  ::setenv("SCHEDULER_TEST_DEPLOY_TOKEN", "a-token-of-some-length", 1);
  ::setenv("SCHEDULER_TEST_OTHER_TOKEN", "another-token-entirely", 1);
  config.deploy.token_env = "SCHEDULER_TEST_DEPLOY_TOKEN";
  config.deploy.command =
      "env | sort; pwd; ls $SCHEDULER_PUBLISH; test -n \"$SCHEDULER_TEST_DEPLOY_TOKEN\" || exit 1;"
      "echo '{\"deploy_id\": \"d-1\", \"deploy_url\": \"https://example.org/d-1\"}'";
  auto d = make(deploy_kind::command);
  ASSERT_EQ(said(d->build(request)), "ok");
  const auto done = d->deploy(request);
  ::unsetenv("SCHEDULER_TEST_OTHER_TOKEN");
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_TRUE(done->ok) << done->ended;
  EXPECT_EQ(done->deploy_id, "d-1");
  EXPECT_EQ(done->deploy_url, "https://example.org/d-1");
  const auto& log = *done->log;
  for (const auto& line :
       {std::string("SCHEDULER_ACTION=deploy\n"), std::string("SCHEDULER_TASK=Fix-Footer\n"),
        "SCHEDULER_COMMIT=" + request.commit + "\n",
        std::string("SCHEDULER_DEPLOY_ID=0123456789abcdef\n"),
        "SCHEDULER_PUBLISH=" + kept().string() + "\n", scratch().string() + "\n",
        std::string("css\nindex.html\n"), std::string("SCHEDULER_TEST_DEPLOY_TOKEN=[redacted]\n")})
    EXPECT_NE(log.find(line), std::string::npos) << line << log;
  EXPECT_EQ(log.find("a-token-of-some-length"), std::string::npos);
  EXPECT_EQ(log.find("another-token-entirely"), std::string::npos);
}

TEST_F(Deploy, ACommandsAnswerIsReadStrictly) {
  struct row {
    const char* name;
    const char* command;
    const char* ended; ///< Null: ok.
  };
  const char* bad = "the last line of its output";
  const std::vector<row> rows{
      {"good", "echo progress; echo '{\"deploy_id\":\"a\",\"deploy_url\":\"u\"}'", nullptr},
      {"blank lines after it", "echo '{\"deploy_id\":\"a\",\"deploy_url\":\"u\"}'; echo", nullptr},
      {"exit code wins", "echo '{\"deploy_id\":\"a\",\"deploy_url\":\"u\"}'; exit 1", "exit 1"},
      {"nothing", "true", bad},
      {"not last", "echo '{\"deploy_id\":\"a\",\"deploy_url\":\"u\"}'; echo done", bad},
      {"no url", "echo '{\"deploy_id\":\"a\"}'", bad},
      {"no id", "echo '{\"deploy_url\":\"a\"}'", bad},
      {"empty id", "echo '{\"deploy_id\":\"\",\"deploy_url\":\"u\"}'", bad},
      {"null url", "echo '{\"deploy_id\":\"a\",\"deploy_url\":null}'", bad},
      {"number", "echo '{\"deploy_id\":1,\"deploy_url\":\"u\"}'", bad},
      {"list", "echo '[\"deploy_id\",\"deploy_url\"]'", bad},
      {"no JSON", "echo deployed", bad},
      {"on stderr", "echo '{\"deploy_id\":\"a\",\"deploy_url\":\"u\"}' >&2", bad},
      {"no such program", "no-such-program-here", "exit 127"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    config.deploy.command = row.command;
    const auto done = make(deploy_kind::command)->deploy(request);
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_EQ(done->ok, row.ended == nullptr) << done->ended;
    EXPECT_NE(done->ended.find(row.ended == nullptr ? "" : row.ended), std::string::npos)
        << done->ended;
  }
}

TEST_F(Deploy, AnOutageIsNotTheChangesFault) {
  config.deploy.command = "echo the service is down >&2; exit 75";
  const auto done = make(deploy_kind::command)->deploy(request);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, fault::unavailable);
  EXPECT_NE(done.error().detail.find("the service is down"), std::string::npos);
  EXPECT_TRUE(fs::exists(kept())); // No need to build again.
}

// A hang or a kill used to start a fix round over a change that had nothing to
// do with it.
TEST_F(Deploy, AnEndThatSaysNothingAboutTheChangeIsAnOutage) {
  config.checks.timeout = 2s;
  for (const char* command : {"kill -9 $$", "sh -c 'kill -9 $$'; exit $?", "sleep 300"}) {
    SCOPED_TRACE(command);
    config.deploy.command = command;
    const auto done = make(deploy_kind::command)->deploy(request);
    ASSERT_FALSE(done) << done->ended;
    EXPECT_EQ(done.error().kind, fault::unavailable);
    EXPECT_NE(done.error().detail.find("outage"), std::string::npos) << done.error().detail;
    EXPECT_TRUE(fs::exists(kept()));
  }
}

// The id and the URL went into the ledger as the command had printed them.
TEST_F(Deploy, NoSecretIsInTheAnswer) {
  ::setenv("SCHEDULER_TEST_DEPLOY_TOKEN", "a/token\\of-some-length", 1);
  config.deploy.token_env = "SCHEDULER_TEST_DEPLOY_TOKEN";
  // JSON may spell the token's slash and backslash in another way.
  config.deploy.command = "cat <<'END'\n"
                          "{\"deploy_id\": \"id-other-secret-value\","
                          " \"deploy_url\": \"https://u:a\\/token\\\\of-some-length@host/\"}\n"
                          "END\n";
  auto d = make(deploy_kind::command, {"other-secret-value"});
  for (const auto& done : {d->find(request), d->deploy(request)}) {
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_EQ(done->deploy_url, "https://u:[redacted]@host/");
    EXPECT_EQ(done->deploy_id, "id-[redacted]");
  }
}

TEST_F(Deploy, NoSecretIsInTheLogOfABuild) {
  config.deploy.build = "printf a-secret-; printf of-some-length; echo; exit 1";
  const auto built = make(deploy_kind::directory, {"a-secret-of-some-length"})->build(request);
  ASSERT_TRUE(built);
  EXPECT_EQ(built->log, "[redacted]\n");
}

/// A service that knows what was deployed, and a deploy that outlives whoever
/// began it until somebody writes to `go`.
std::string slow_service(const fs::path& folder) {
  return "cd '" + folder.string() + R"('
answer='{"deploy_id": "d-1", "deploy_url": "https://example.org/d-1"}'
if test $SCHEDULER_ACTION = find; then
  : >asked
  test -e done || exit 3
  echo "$answer"
  exit
fi
setsid sh -c 'echo begun >>begun; read -r line <go; : >done' &
wait
echo "$answer"
)";
}

// After a kill -9 the next run asked a deploy that was still under way whether
// it was there, heard "no", and deployed a second time.
TEST_F(Deploy, ADeployOfAKilledRunIsWaitedForAndNotRepeated) {
  ASSERT_EQ(::mkfifo((r.folder() / "go").c_str(), 0600), 0);
  config.deploy.command = slow_service(r.folder());
  auto d = make(deploy_kind::command);
  ASSERT_EQ(said(d->build(request)), "ok");
  {
    test::other_program killed([&] {
      providers::processes children;
      (void)make(deploy_kind::command, children)->deploy(request);
      return 0;
    });
    while (!fs::exists(r.folder() / "begun"))
      std::this_thread::yield();
    killed.kill();
  }
  auto found = std::async(std::launch::async, [&] { return d->find(request); });
  // Long enough for a find that does not wait to be asked and to answer.
  EXPECT_EQ(found.wait_for(500ms), std::future_status::timeout);
  EXPECT_FALSE(fs::exists(r.folder() / "asked"));
  test::write_file(r.folder() / "go", "go\n");
  const auto there = found.get();
  ASSERT_TRUE(there) << there.error().detail;
  EXPECT_TRUE(there->ok && there->adopted);
  EXPECT_EQ(test::read_file(r.folder() / "begun"), "begun\n");
}

TEST_F(Deploy, WaitingForADeployOfAKilledRunHasAnEnd) {
  ASSERT_EQ(::mkfifo((r.folder() / "go").c_str(), 0600), 0);
  config.deploy.command = slow_service(r.folder());
  config.checks.timeout = 1s; // The deploy is ended, what escaped from it is not.
  auto d = make(deploy_kind::command);
  EXPECT_FALSE(d->deploy(request));
  const auto unclear = d->find(request);
  ASSERT_FALSE(unclear);
  EXPECT_EQ(unclear.error().kind, fault::unavailable);
  EXPECT_EQ(unclear.error().code, "deploy-under-way");
  EXPECT_FALSE(fs::exists(r.folder() / "asked"));
  test::write_file(r.folder() / "go", "go\n");
  while (!fs::exists(r.folder() / "done"))
    std::this_thread::yield();
  config.checks.timeout = 60s;
  EXPECT_TRUE(d->find(request).value().ok);
}

TEST_F(Deploy, ADaemonThatADeployLeavesBehindHoldsNothingUp) {
  config.deploy.command =
      "setsid sh -c 'echo $$ >daemon.tmp; mv daemon.tmp daemon; exec sleep 300' >/dev/null 2>&1 &"
      "while ! test -e daemon; do :; done; exit 75";
  auto d = make(deploy_kind::command);
  EXPECT_FALSE(d->deploy(request));
  const auto pid = std::stoi(test::read_file(scratch() / "daemon"));
  ASSERT_EQ(::kill(pid, 0), 0) << "the daemon did not escape: the test shows nothing";
  config.deploy.command = "exit 3";
  config.checks.timeout = 5s;
  const auto found = d->find(request);
  ::kill(pid, SIGKILL);
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_FALSE(found->ok);
}

// A power cut after the receipt must not take away what was published: the
// folders above it are new as well.
TEST_F(Deploy, WhatIsPublishedIsDurableWithTheFoldersAboveIt) {
  config.deploy.directory = "new/public site";
  auto d = make(deploy_kind::directory);
  ASSERT_EQ(said(d->build(request)), "ok");
  {
    const std::lock_guard lock(synced().mutex);
    synced().all.clear();
  }
  ASSERT_TRUE(d->deploy(request).value().ok);
  const std::lock_guard lock(synced().mutex);
  const auto half = r.top() / "new/public site/Fix-Footer/.tmp-0123456789abcdef";
  for (const auto& p : {r.top(), r.top() / "new", r.top() / "new/public site",
                        r.top() / "new/public site/Fix-Footer", half, half / "css",
                        half / "index.html", half / "css/a.css"})
    EXPECT_EQ(synced().all.count(p), 1u) << p;
}

// A full disk was told as the change's fault, or without its name.
TEST_F(Deploy, AFullDiskIsNobodysFault) {
  const auto small = r.folder() / "small";
  fs::create_directories(small);
  test::write_file(r.folder() / "from/large", std::string(4'000'000, 'x'));
  test::other_program other([&] {
    if (!test::mount_small_disk(small, 1024))
      return test::no_small_disk;
    auto copied = providers::copy_published(r.folder() / "from", small / "to");
    const auto right = !copied && copied.error().kind == fault::unavailable
                       && copied.error().code == ledger::disk::disk_full_code
                       && !fs::exists(small / "to") && fs::is_empty(small);
    if (!right)
      return 1;
    // Of 1 MiB less than full_below_bytes is left, whatever is in it.
    return providers::is_full(small) && !providers::is_full("/proc") ? 0 : 2;
  });
  const auto code = other.wait();
  if (code == test::no_small_disk)
    GTEST_SKIP() << "no user namespaces here";
  EXPECT_EQ(code, 0);
}

TEST_F(Deploy, FindKnowsThereNotThereAndUnclear) {
  config.deploy.command = "test $SCHEDULER_ACTION = find || exit 9; exit 3";
  EXPECT_FALSE(make(deploy_kind::command)->find(request).value().ok);
  config.deploy.command = "echo '{\"deploy_id\":\"a\",\"deploy_url\":\"u\"}'";
  const auto there = make(deploy_kind::command)->find(request).value();
  EXPECT_TRUE(there.ok && there.adopted);
  EXPECT_EQ(there.deploy_id, "a");
  for (const char* command : {"exit 1", "exit 75", "kill -9 $$"}) {
    config.deploy.command = command;
    const auto unclear = make(deploy_kind::command)->find(request);
    ASSERT_FALSE(unclear) << command;
    EXPECT_EQ(unclear.error().kind, fault::unavailable) << command;
  }
  config.deploy.command = "echo yes";
  const auto bad = make(deploy_kind::command)->find(request);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().kind, fault::refused);
}

TEST_F(Deploy, AMissingTokenIsRefusedBeforeAnythingRuns) {
  config.deploy.token_env = "SCHEDULER_TEST_DEPLOY_TOKEN";
  config.deploy.command = "touch '" + (r.folder() / "ran").string() + "'";
  const auto done = make(deploy_kind::command)->deploy(request);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, fault::refused);
  EXPECT_NE(done.error().detail.find("SCHEDULER_TEST_DEPLOY_TOKEN"), std::string::npos);
  EXPECT_FALSE(fs::exists(r.folder() / "ran"));
}

TEST(FileUrl, EncodesWhatIsNotPlain) {
  EXPECT_EQ(providers::file_url("/a b/ä#?%/x-1_2.~"), "file:///a%20b/%C3%A4%23%3F%25/x-1_2.~");
}

} // namespace
