#include "providers/talker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <utility>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;
using clock = std::chrono::steady_clock;

/// No answer that is asked for is larger.
constexpr std::size_t answer_bytes_max = std::size_t{1} << 30;

tl::unexpected<ledger::failure> broken(const std::string& why) {
  return fail(fault::unavailable, "a child that was asked did not answer: " + why);
}

int ms_until(clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

} // namespace

ledger::result<std::unique_ptr<talker>> talker::start(processes& children, child_spec spec) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return broken(words_of(errno));
  file ours(ends[0]);
  const file theirs(ends[1]);
  if (!ours || !theirs)
    return broken(words_of(errno));
  spec.talk_fd = theirs.get();
  // Its end is seen at the socket, of which nobody else has the other side.
  children.start(std::move(spec), [](const ledger::result<child_result>&) {});
  return std::unique_ptr<talker>(new talker(std::move(ours)));
}

/// Sends and receives what is possible now. Both at once: a child that waits for
/// its answers to be read reads no more questions.
ledger::result<void> talker::exchange(std::string_view& question, std::string& answer,
                                      clock::time_point until) {
  pollfd p{socket_.get(), static_cast<short>(POLLIN | (question.empty() ? 0 : POLLOUT)), 0};
  const auto n = ::poll(&p, 1, ms_until(until));
  if (n < 0 && errno != EINTR)
    return broken(words_of(errno));
  if (n <= 0)
    return clock::now() < until ? ledger::result<void>() : broken("it took too long");
  if ((p.revents & POLLIN) != 0) {
    std::array<char, 64 * 1024> buffer;
    const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got == 0)
      return broken("it has ended");
    if (got < 0 && errno != EAGAIN && errno != EINTR)
      return broken(words_of(errno));
    if (got > 0)
      answer.append(buffer.data(), static_cast<std::size_t>(got));
    return answer.size() <= answer_bytes_max ? ledger::result<void>() : broken("it says too much");
  }
  if (question.empty()) // Neither: the other end is closed.
    return broken("it has ended");
  const auto sent =
      ::send(socket_.get(), question.data(), question.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR)
    return broken(words_of(errno));
  question.remove_prefix(sent > 0 ? static_cast<std::size_t>(sent) : 0);
  return {};
}

ledger::result<std::string> talker::ask(std::string_view question, const judge& how_far,
                                        std::chrono::milliseconds timeout) {
  if (!socket_)
    return broken("it is of no more use");
  ++asked_;
  std::string answer;
  const auto until = clock::now() + timeout;
  for (;;) {
    auto r = exchange(question, answer, until);
    const auto now = answer.empty() ? progress::more : how_far(answer);
    if (r && now == progress::whole && question.empty())
      return answer;
    if (r && now == progress::wrong)
      r = broken("it said something else");
    if (r)
      continue;
    socket_ = file();
    return tl::make_unexpected(r.error());
  }
}

} // namespace providers
