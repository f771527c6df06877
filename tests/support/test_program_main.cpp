// The program as the tests run it: like cli/main.cpp, and
//
//   - the kind of provider `scripted` (scripted_provider.hpp);
//   - SCHEDULER_TEST_KILL_AFTER=n: it kills itself, as `kill -9` would, when n
//     records were made durable since its start;
//   - SCHEDULER_TEST_CALLS=FILE: each call of any provider is first written
//     there, a line `task step round attempt`.

#include "cli/run.hpp"
#include "tests/support/scripted_provider.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <iostream>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace {

using providers::provider;

/// Tells of each call before anything else happens.
class counting_provider final : public provider {
public:
  counting_provider(std::unique_ptr<provider> real, std::string file)
      : real_(std::move(real))
      , file_(std::move(file)) {}

  providers::identity who() const override { return real_->who(); }

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
  return s;
}

} // namespace

int main(int argc, char** argv) {
  auto code = cli::program(argc, argv, seams_of_the_environment());
  std::cout << std::flush;
  std::cerr << std::flush;
  std::_Exit(code);
}
