#include "cli/control_client.hpp"

#include "cli/control_place.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cli {

namespace {

using clock = std::chrono::steady_clock;
using source = control_reply::source;

/// False: not before `until`, or the other end is gone.
bool wait_for(int fd, short what, clock::time_point until) {
  while (true) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
    if (left <= 0)
      return false;
    pollfd p{fd, what, 0};
    auto n = ::poll(&p, 1, static_cast<int>(left));
    if (n > 0)
      return true;
    if (n < 0 && errno != EINTR)
      return false;
  }
}

bool send_all(int fd, std::string_view text, clock::time_point until) {
  while (!text.empty()) {
    if (!wait_for(fd, POLLOUT, until))
      return false;
    auto n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
      return false;
    if (n > 0)
      text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

enum class heard : std::uint8_t { line, end, silence };

heard read_line(int fd, std::string& line, clock::time_point until) {
  std::array<char, 16 * 1024> buffer{};
  while (line.find('\n') == std::string::npos) {
    if (!wait_for(fd, POLLIN, until))
      return heard::silence;
    auto n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
      continue;
    if (n <= 0 || line.size() > max_request_bytes)
      return heard::end;
    line.append(buffer.data(), static_cast<std::size_t>(n));
  }
  line.resize(line.find('\n'));
  return heard::line;
}

control_reply talk(int fd, const ledger::person_order& o, std::chrono::milliseconds patience) {
  auto until = clock::now() + patience;
  // It may have answered and hung up before all was sent: that counts.
  auto sent = send_all(fd, request_line(o), until);
  std::string line;
  auto got = read_line(fd, line, until);
  if (got == heard::silence)
    return {
        source::scheduler,
        {exit_code::locked,
         fmt::format("the scheduler at work did not answer within {} s; the order may still be "
                     "carried out: look with `scheduler show {}`",
                     std::chrono::duration_cast<std::chrono::seconds>(patience).count(), o.task),
         false}};
  if (got == heard::end)
    return {source::ending, {exit_code::locked, sent ? "it ended" : "it hung up", true}};
  auto answer = parse_answer(line);
  if (!answer)
    return {source::scheduler, {exit_code::locked, answer.error().detail, false}};
  return {answer->ending ? source::ending : source::scheduler, std::move(*answer)};
}

} // namespace

control_reply ask_scheduler(const place& p, const ledger::person_order& o,
                            std::chrono::milliseconds patience) {
  std::string why = "it is only starting, or too old to be spoken to";
  for (auto& path : control_folders(p)) {
    auto folder = open_control_folder(path, false);
    auto fd = folder ? connect_in(folder->get(), p.repo_id) : tl::make_unexpected(folder.error());
    if (fd && peer_of(fd->get()) != ::geteuid())
      why = "somebody else listens in " + path.string();
    else if (fd)
      return talk(fd->get(), o, patience);
    else if (fd.error().kind != ledger::fault::not_found)
      why = fd.error().detail;
  }
  return {source::nobody, {exit_code::locked, why, false}};
}

} // namespace cli
