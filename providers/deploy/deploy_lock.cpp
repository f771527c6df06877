#include "providers/deploy/deploy_lock.hpp"

#include "providers/full_disk.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <sys/file.h>
#include <thread>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;
using clock = std::chrono::steady_clock;

/// An flock cannot be waited for with a time-out. Rare: only after a kill.
constexpr std::chrono::milliseconds look_again{50};

} // namespace

ledger::result<deploy_lock> deploy_lock::take(const std::filesystem::path& name,
                                              std::chrono::milliseconds patience,
                                              const processes& children) {
  file f(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!f)
    return cannot("open", name, {errno, std::generic_category()});
  for (const auto until = clock::now() + patience; ::flock(f.get(), LOCK_EX | LOCK_NB) != 0;) {
    const auto error = errno;
    if (error != EWOULDBLOCK && error != EINTR)
      return cannot("lock", name, {error, std::generic_category()});
    if (children.is_closing())
      return fail(fault::unavailable, "not begun, the program is ending", "closing");
    if (clock::now() > until)
      return fail(fault::unavailable,
                  fmt::format("what a former run began is still under way and holds {}; wait for "
                              "it or end it",
                              name.string()),
                  "deploy-under-way");
    std::this_thread::sleep_for(look_again);
  }
  return deploy_lock(std::move(f));
}

void deploy_lock::release() const {
  ::flock(file_.get(), LOCK_UN);
}

} // namespace providers
