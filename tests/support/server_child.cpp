#include "tests/support/server_child.hpp"

#include "ledger/detail.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

extern char** environ;

namespace tests {

namespace {

constexpr int patience_ms = 30'000;

void close_one(int& fd) {
  if (fd >= 0)
    ::close(fd);
  fd = -1;
}

/// Reads until `enough(text)`, the end, or the end of patience.
template <class Enough>
std::string read_until(int fd, Enough enough) {
  std::string text;
  std::array<char, 65536> piece;
  while (!enough(text)) {
    pollfd p{fd, POLLIN, 0};
    if (::poll(&p, 1, patience_ms) <= 0)
      break;
    auto n = ::read(fd, piece.data(), piece.size());
    if (n <= 0)
      break;
    text.append(piece.data(), static_cast<std::size_t>(n));
  }
  return text;
}

/// Starts the program with `in` and `out` as its streams; -1: it could not.
pid_t spawn(const std::vector<std::string>& arguments, int in, int out) {
  std::vector<char*> argv;
  for (auto& a : arguments)
    argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in, 0);
  posix_spawn_file_actions_adddup2(&files, out, 1);
  posix_spawn_file_actions_adddup2(&files, out, 2);
  pid_t pid = -1;
  if (::posix_spawn(&pid, argv[0], &files, nullptr, argv.data(), environ) != 0)
    pid = -1;
  posix_spawn_file_actions_destroy(&files);
  return pid;
}

} // namespace

std::string raw_exchange(int port, std::string_view bytes) {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string text;
  if (fd >= 0 && ::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0) {
    while (!bytes.empty()) {
      auto n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0)
        break;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    text = read_until(fd, [](auto&) { return false; });
  }
  close_one(fd);
  return text;
}

server_child::server_child(const std::string& program, std::vector<std::string> arguments) {
  std::array<int, 2> in{-1, -1}, out{-1, -1};
  if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) {
    said_ = "no pipe";
    return;
  }
  arguments.insert(arguments.begin(), {program, "--until-stdin-ends"});
  pid_ = spawn(arguments, in[0], out[1]);
  close_one(in[0]);
  close_one(out[1]);
  life_ = in[1];
  constexpr std::string_view greeting = "listening on http://127.0.0.1:";
  said_ = read_until(out[0], [](auto& text) { return text.find('\n') != text.npos; });
  close_one(out[0]);
  if (said_.starts_with(greeting))
    port_ = std::atoi(said_.c_str() + greeting.size());
}

server_child::~server_child() {
  end();
}

int server_child::end() {
  close_one(life_);
  if (pid_ < 0)
    return -1;
  int status = 0;
  if (is_up()) // Else it is about to end by itself, with its own exit code.
    ::kill(pid_, SIGTERM);
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string server_child::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

std::string server_child::get(std::string_view path) const {
  auto text = raw_exchange(
      port_, fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path));
  auto body = text.find("\r\n\r\n");
  return body == text.npos ? std::string{} : text.substr(body + 4);
}

ledger::json server_child::counters() const {
  auto all = ledger::json::parse(get("/count"), nullptr, false);
  return all.is_discarded() ? ledger::json{} : all;
}

std::vector<ledger::json> server_child::log() const {
  std::vector<ledger::json> out;
  auto text = get("/log");
  for (std::size_t at = 0; at < text.size();) {
    auto end = std::min(text.find('\n', at), text.size());
    out.push_back(ledger::json::parse(text.substr(at, end - at), nullptr, false));
    at = end + 1;
  }
  return out;
}

std::size_t server_child::asked(const std::map<std::string, std::string>& with) const {
  std::size_t count = 0;
  for (auto& line : log()) {
    bool fits = true;
    for (auto& [key, value] : with)
      fits = fits && ledger::text_at(line, key.c_str()) == value;
    count += fits ? 1 : 0;
  }
  return count;
}

} // namespace tests
