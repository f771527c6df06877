// A scheduler that is spoken to: what is said, where, and by whom.

#include "cli/control_client.hpp"
#include "cli/control_place.hpp"
#include "cli/control_server.hpp"
#include "ledger/prompt.hpp"
#include "tests/cli/told_ledger.hpp"

#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace test;
using cli::control_answer;
using cli::exit_code;
using ledger::person_order;
using kind = person_order::kind;
namespace fs = std::filesystem;

TEST(ControlMessage, OrdersAndAnswersSurviveTheWay) {
  auto note = std::make_shared<const std::string>("two\nlines, \"quoted\", \x01, ü\n");
  for (auto& o : {person_order{kind::approve, "T", ledger::step::deliver, nullptr, {}, 0},
                  person_order{kind::retry, "Fix-Footer.2", ledger::step::plan, note, {}, 0},
                  person_order{kind::cancel, "T", {}, nullptr, {}, 0}}) {
    auto line = cli::request_line(o);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    line.pop_back();
    auto back = cli::parse_request(line);
    ASSERT_TRUE(back) << back.error().detail;
    EXPECT_EQ(back->what, o.what);
    EXPECT_EQ(back->task, o.task);
    EXPECT_EQ(back->at, o.at);
    EXPECT_EQ(back->note ? *back->note : "", o.note ? *o.note : "");
    EXPECT_EQ(back->user, "") << "the kernel says who it is";
  }
  auto line = cli::answer_line({exit_code::damaged, "why\nremedy", true});
  line.pop_back();
  auto answer = cli::parse_answer(line);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->code, exit_code::damaged);
  EXPECT_EQ(answer->text, "why\nremedy");
  EXPECT_TRUE(answer->ending);
}

TEST(ControlMessage, WhatIsNoRequestToTheLetterIsRefused) {
  const std::string good = R"({"version":1,"order":"retry","task":"T","step":"plan"})";
  ASSERT_TRUE(cli::parse_request(good));
  for (auto& line :
       std::vector<std::string>{"",
                                "{",
                                "[]",
                                "null",
                                "7",
                                "\x80\xff",
                                std::string(100'000, '['),
                                "{}",
                                R"({"version":2,"order":"retry","task":"T"})",
                                R"({"version":"1","order":"retry","task":"T"})",
                                R"({"version":1,"order":"delete","task":"T"})",
                                R"({"version":1,"order":["retry"],"task":"T"})",
                                R"({"version":1,"order":"retry","task":"../T"})",
                                R"({"version":1,"order":"retry","task":""})",
                                R"({"version":1,"order":"retry"})",
                                R"({"version":1,"order":"retry","task":"T","step":"lunch"})",
                                R"({"version":1,"order":"cancel","task":"T","step":"plan"})",
                                R"({"version":1,"order":"cancel","task":"T","note":"x"})",
                                R"({"version":1,"order":"retry","task":"T","note":7})",
                                R"({"version":1,"order":"retry","task":"T","note":"a\u0000b"})",
                                R"({"version":1,"order":"retry","task":"T","user":"root"})",
                                R"({"version":1,"order":"retry","task":"T","note":")"
                                    + std::string(ledger::max_prompt_bytes + 1, 'x') + "\"}"}) {
    auto o = cli::parse_request(line);
    ASSERT_FALSE(o) << line.substr(0, 80);
    EXPECT_EQ(o.error().kind, ledger::fault::refused);
  }
}

/// A server that keeps what it is told, and answers as a test wants.
class Control : public told_ledger {
protected:
  Control() { fs::permissions(repository.folder() / "run", fs::perms::owner_all); }

  void serve(cli::control_limits limits = {}) {
    auto s = cli::control_server::open(
        here,
        [this](person_order o, cli::control_server::answer_to answer) {
          const std::lock_guard lock(mutex);
          orders.push_back(o);
          if (answers)
            answer({exit_code::all_done, "heard " + o.task + "\n", false});
          else
            kept.push_back(std::move(answer));
          changed.notify_all();
        },
        limits);
    ASSERT_TRUE(s) << s.error().detail;
    server = std::move(*s);
  }

  fs::path folder() const { return repository.folder() / "run" / "scheduler"; }

  ledger::disk::unique_fd connect() {
    auto at = cli::open_control_folder(folder(), false);
    EXPECT_TRUE(at) << (at ? "" : at.error().detail);
    auto fd = cli::connect_in(at->get(), here.repo_id);
    EXPECT_TRUE(fd) << (fd ? "" : fd.error().detail);
    return fd ? std::move(*fd) : ledger::disk::unique_fd{};
  }

  static void send(int fd, const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
      auto n = ::send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (n <= 0)
        return; // It hung up, which is its right.
      sent += static_cast<std::size_t>(n);
    }
  }

  /// All that comes until the other side hangs up.
  static std::string receive(int fd) {
    std::string all;
    char buffer[4096];
    pollfd p{fd, POLLIN, 0};
    while (::poll(&p, 1, 60'000) > 0) {
      auto n = ::recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0)
        return all;
      all.append(buffer, static_cast<std::size_t>(n));
    }
    ADD_FAILURE() << "it never hung up";
    return all;
  }

  static person_order approval(const std::string& task = "T") {
    return {kind::approve, task, {}, nullptr, {}, 0};
  }

  void expect_still_served() {
    auto r = cli::ask_scheduler(here, approval("Next"));
    EXPECT_EQ(r.by, cli::control_reply::source::scheduler);
    EXPECT_EQ(r.answer.text, "heard Next\n");
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<person_order> orders;
  bool answers = true;
  std::vector<cli::control_server::answer_to> kept;
  std::unique_ptr<cli::control_server> server;

private:
  environment runtime_{environment::values{{"XDG_RUNTIME_DIR", make_run()}}};
  std::string make_run() const {
    fs::create_directories(repository.folder() / "run");
    return (repository.folder() / "run").string();
  }
};

TEST_F(Control, AnOrderIsHandedOverWithTheUserThatTheKernelNames) {
  serve();
  auto r = cli::ask_scheduler(here, approval());
  EXPECT_EQ(r.by, cli::control_reply::source::scheduler);
  EXPECT_EQ(r.answer.code, exit_code::all_done);
  EXPECT_EQ(r.answer.text, "heard T\n");
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].uid, ::getuid());
}

TEST_F(Control, FolderAndSocketAreTheUsersAlone) {
  serve();
  struct stat s {};
  ASSERT_EQ(::stat(folder().c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 07777, 0700u);
  ASSERT_EQ(::stat((folder() / here.repo_id).c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777, 0600u);
  server->close();
  EXPECT_FALSE(fs::exists(folder() / here.repo_id));
}

TEST_F(Control, AFolderThatOthersMayEnterIsNotUsed) {
  fs::create_directories(folder());
  fs::permissions(folder(), fs::perms(0755));
  auto s = cli::control_server::open(here, [](auto&&...) {});
  ASSERT_FALSE(s);
  EXPECT_NE(s.error().detail.find("not yours alone"), std::string::npos) << s.error().detail;
  fs::remove(folder());
  fs::create_directories(repository.folder() / "elsewhere");
  fs::permissions(repository.folder() / "elsewhere", fs::perms(0700));
  fs::create_symlink(repository.folder() / "elsewhere", folder());
  EXPECT_FALSE(cli::control_server::open(here, [](auto&&...) {}));
}

TEST_F(Control, WithoutARuntimeFolderItIsBesideTheKeysHoweverLongTheName) {
  auto long_name = (repository.folder() / std::string(150, 'x')).string();
  environment none(environment::values{{"XDG_RUNTIME_DIR", std::nullopt}});
  here.state_dir = fs::path(long_name) / "scheduler" / "keys";
  auto folders = cli::control_folders(here);
  ASSERT_EQ(folders.front(), fs::path(long_name) / "scheduler" / "run");
  EXPECT_GT(folders.front().string().size(), 108u);
  serve();
  expect_still_served();
}

TEST_F(Control, ASocketThatAKilledSchedulerLeftIsNobody) {
  {
    auto at = cli::open_control_folder(folder(), true);
    ASSERT_TRUE(at);
    ASSERT_TRUE(cli::listen_in(at->get(), here.repo_id)); // Closed, not removed.
  }
  EXPECT_TRUE(fs::exists(folder() / here.repo_id));
  EXPECT_EQ(cli::ask_scheduler(here, approval()).by, cli::control_reply::source::nobody);
  serve();
  expect_still_served();
}

TEST_F(Control, GarbageIsAnsweredAndForgotten) {
  serve({4, 1000, std::chrono::seconds(60)});
  const std::string lines[] = {"\n", "GET / HTTP/1.1\r\n", std::string("\0\0\0\n", 4),
                               "{\"version\":1}\n", "\xff\xfe\xfd\n"};
  for (auto& line : lines) {
    auto fd = connect();
    send(fd.get(), line);
    auto said = receive(fd.get());
    EXPECT_TRUE(has(said, "\"exit_code\":2")) << said;
    EXPECT_TRUE(has(said, "no request")) << said;
  }
  auto more = connect();
  send(more.get(), cli::request_line(approval()) + "and another\n");
  EXPECT_TRUE(has(receive(more.get()), "one is taken"));
  EXPECT_TRUE(orders.empty());
  expect_still_served();
}

TEST_F(Control, ALineWithoutEndIsCutOff) {
  serve({4, 1000, std::chrono::seconds(60)});
  auto fd = connect();
  send(fd.get(), std::string(1'000'000, 'x'));
  EXPECT_TRUE(has(receive(fd.get()), "longer than 1000 bytes"));
  EXPECT_TRUE(orders.empty());
  expect_still_served();
}

TEST_F(Control, HalfALineAndSilenceHoldNobodyUp) {
  serve({3, 1000, std::chrono::milliseconds(300)});
  auto half = connect();
  send(half.get(), R"({"version":1,"order")");
  ::shutdown(half.get(), SHUT_WR);
  EXPECT_EQ(receive(half.get()), "");
  // As many as it takes, silent: others wait until their time is over.
  std::vector<ledger::disk::unique_fd> silent;
  for (int i = 0; i < 8; ++i)
    silent.push_back(connect());
  send(silent.front().get(), R"({"version":1,)");
  expect_still_served();
  for (auto& fd : silent)
    EXPECT_EQ(receive(fd.get()), "");
}

TEST_F(Control, AClientThatIsGoneBeforeItsAnswerChangesNothing) {
  answers = false;
  serve();
  {
    auto fd = connect();
    send(fd.get(), cli::request_line(approval()));
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::minutes(1), [&] { return !orders.empty(); }));
    answers = true;
  }
  expect_still_served();
  kept.at(0)({exit_code::all_done, "too late", false});
  expect_still_served();
}

TEST_F(Control, AnAnswerAfterTheEndOfTheServerIsDropped) {
  answers = false;
  serve();
  auto fd = connect();
  send(fd.get(), cli::request_line(approval()));
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::minutes(1), [&] { return !orders.empty(); }));
  }
  server->close();
  server.reset();
  EXPECT_EQ(receive(fd.get()), "") << "it was hung up on";
  kept.at(0)({exit_code::all_done, "too late", false});
}

TEST_F(Control, WhoeverHangsUpWithoutAnAnswerIsEnding) {
  answers = false;
  serve();
  std::thread asked([this] {
    EXPECT_EQ(cli::ask_scheduler(here, approval()).by, cli::control_reply::source::ending);
  });
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::minutes(1), [&] { return !orders.empty(); }));
  }
  server->close();
  asked.join();
}

TEST_F(Control, ASchedulerThatNeverAnswersIsNotWaitedForForEver) {
  answers = false;
  serve();
  auto r = cli::ask_scheduler(here, approval(), std::chrono::milliseconds(200));
  EXPECT_EQ(r.answer.code, exit_code::locked);
  EXPECT_TRUE(has(r.answer.text, "did not answer")) << r.answer.text;
}

// The folder keeps others out; what if it did not.
TEST_F(Control, AnotherUserIsHungUpOn) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "needs root, to become somebody else";
  serve();
  auto socket = folder() / here.repo_id;
  for (auto path = socket.parent_path(); path != "/tmp" && path != path.root_path();
       path = path.parent_path())
    ::chmod(path.c_str(), 0755);
  ::chmod(socket.c_str(), 0666);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(socket.string().size(), sizeof address.sun_path);
  std::strcpy(address.sun_path, socket.c_str());
  auto line = cli::request_line(approval());
  auto pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    auto fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    if (::setgid(65534) != 0 || ::setuid(65534) != 0)
      ::_exit(9);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      ::_exit(1);
    static_cast<void>(::send(fd, line.data(), line.size(), MSG_NOSIGNAL));
    char c = 0;
    ::_exit(::recv(fd, &c, 1, 0) <= 0 ? 2 : 3);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 2);
  EXPECT_TRUE(orders.empty());
  ::chmod(folder().c_str(), 0700);
  expect_still_served();
}

} // namespace
