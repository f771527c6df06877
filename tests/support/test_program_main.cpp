// The program as the tests run it: like cli/main.cpp, and
//
//   - the kind of provider `scripted` (scripted_provider.hpp);
//   - SCHEDULER_TEST_KILL_AFTER=n: it kills itself, as `kill -9` would, when n
//     records were made durable since its start;
//   - SCHEDULER_TEST_INTERRUPT_AFTER=n: likewise, but it sends itself SIGINT,
//     once, as Ctrl-C does;
//   - SCHEDULER_TEST_LOSE_AFTER=n: the disk fails for good when n files were
//     put: to the journal this is what a failed fsync is;
//   - SCHEDULER_TEST_CALLS=FILE: each call of any provider is first written
//     there, a line `task step round attempt`.

#include "cli/run.hpp"
#include "tests/support/scripted_provider.hpp"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <utility>

namespace {

using providers::provider;

/// Tells of each call before anything else happens.
class counting_provider final : public provider {
public:
  counting_provider(std::unique_ptr<provider> real, std::string file)
      : real_(std::move(real))
      , file_(std::move(file)) {}

  providers::identity who() const override { return real_->who(); }
  bool works_in_checkout() const override { return real_->works_in_checkout(); }
  std::optional<providers::rate_limits> limits() const override { return real_->limits(); }
  std::chrono::milliseconds longest_wait() const override { return real_->longest_wait(); }
  providers::call_bound bound(const providers::request& r) const override {
    return real_->bound(r);
  }

  void ask(std::shared_ptr<const providers::request> r, providers::answer_callback done) override {
    auto line = fmt::format("{} {} {} {}\n", r->task, to_string(r->at), r->round, r->attempt);
    int fd = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    // One write: lines of many threads never mix.
    auto written = fd < 0 ? -1 : ::write(fd, line.data(), line.size());
    if (fd >= 0)
      ::close(fd);
    if (written != static_cast<ssize_t>(line.size()))
      throw std::runtime_error("cannot tell of a call in " + file_);
    real_->ask(std::move(r), std::move(done));
  }

private:
  std::unique_ptr<provider> real_;
  std::string file_;
};

providers::provider_factory counted(providers::provider_factory make, std::string file) {
  return [make = std::move(make), file = std::move(file)](
             const providers::provider_context& c, const std::string& name,
             const ledger::provider_config& config) -> ledger::result<std::unique_ptr<provider>> {
    auto made = make(c, name, config);
    if (!made)
      return made;
    return std::make_unique<counting_provider>(std::move(*made), file);
  };
}

cli::seams seams_of_the_environment() {
  cli::seams s;
  s.kinds = tests::providers_with_scripted();
  if (auto* file = std::getenv("SCHEDULER_TEST_CALLS"))
    for (auto& [kind, make] : s.kinds)
      make = counted(std::move(make), file);
  if (auto* n = std::getenv("SCHEDULER_TEST_KILL_AFTER"))
    s.hooks.after_commit = [limit = std::stoull(n)](std::uint64_t records) {
      if (records >= limit)
        std::raise(SIGKILL);
    };
  if (auto* n = std::getenv("SCHEDULER_TEST_INTERRUPT_AFTER"))
    s.hooks.after_commit = [limit = std::stoull(n), done = false](std::uint64_t records) mutable {
      if (records >= limit && !std::exchange(done, true))
        ::kill(::getpid(), SIGINT);
    };
  if (auto* n = std::getenv("SCHEDULER_TEST_LOSE_AFTER"))
    s.hooks.before_put =
        [left = std::stoll(n)](const std::string& path) mutable -> ledger::result<void> {
      if (left-- > 0)
        return {};
      return ledger::fail(ledger::fault::lost, "fsync " + path + ": Input/output error");
    };
  return s;
}

} // namespace

int main(int argc, char** argv) {
  auto code = cli::program(argc, argv, seams_of_the_environment());
  std::cout << std::flush;
  std::cerr << std::flush;
  std::_Exit(code);
}
