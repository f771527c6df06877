// The fake Netlify server: see README.md.

#include "tests/fake_netlify/service.hpp"
#include "tests/fake_server/program.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include <sys/types.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace {

using namespace fake_netlify;

struct settings {
  site_options site;
  service_options service;
  fake_server::program_options program;
  std::vector<std::string> faults;
  std::uint64_t seed = 0;
  std::int64_t seed_age_days = 0;
  std::string kill_pid_file;
};

void add_options(CLI::App& app, settings& s) {
  fake_server::add_options(app, s.program);
  app.add_option("--site", s.site.id, "The id of the site that there is");
  app.add_option("--token", s.service.token, "The valid token; without it any but bad-token");
  app.add_option("--polls", s.site.polls, "Polls of a complete deploy until it is ready");
  app.add_option("--digest-polls", s.site.digest_polls,
                 "Polls of an asynchronous deploy until it is prepared");
  app.add_option("--page-max", s.site.page_max, "Deploys of a page");
  app.add_option("--error-title", s.site.error_title, "Deploys with this in their title fail");
  app.add_option("--seed", s.seed, "So many deploys of others are there already");
  app.add_option("--seed-age-days", s.seed_age_days, "How old the newest of them is");
  app.add_option("--limit", s.service.limit, "Requests in a window");
  app.add_option("--window-ms", s.service.window_ms, "How long a window takes");
  app.add_option("--retry-after", s.service.retry_after, "What 429 and 503 say; empty: nothing");
  app.add_option("--latency", s.service.latency_ms, "Milliseconds before each answer");
  app.add_option("--watch", s.service.watched, "The log tells which requests hold this text");
  app.add_option("--fault", s.faults, "ROUTE#WHEN=WHAT: see faults.hpp");
  app.add_option("--kill-pid-file", s.kill_pid_file, "Holds the process id for kill");
}

/// Whoever the file names gets SIGKILL.
void kill_named_in(const std::string& file) {
  pid_t pid = 0;
  if (std::ifstream(file) >> pid && pid > 1)
    ::kill(pid, SIGKILL);
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app("A fake Netlify: the REST API of its deploys, for tests.");
  settings s;
  add_options(app, s);
  CLI11_PARSE(app, argc, argv);
  std::vector<fault> all;
  for (auto& text : s.faults) {
    auto one = read_fault(text);
    if (!one) {
      fmt::print(stderr, "fake_netlify: {}\n", one.error().detail);
      return 2;
    }
    all.push_back(std::move(*one));
  }
  if (!s.kill_pid_file.empty())
    s.service.kill = [file = s.kill_pid_file] { kill_named_in(file); };
  site deploys(s.site);
  auto now_ms = std::chrono::system_clock::now().time_since_epoch() / std::chrono::milliseconds(1);
  deploys.seed(s.seed, now_ms - s.seed_age_days * 24 * 3'600'000);
  service mind(std::move(s.service), std::move(deploys), faults(std::move(all)));
  return fake_server::serve(mind, s.program, "fake_netlify");
}
