// The fake AI server: see README.md.

#include "tests/fake_ai/service.hpp"
#include "tests/fake_server/program.hpp"

#include <chrono>
#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace {

using namespace fake_ai;

struct settings {
  service_options service;
  fake_server::program_options program;
  std::string script, manner = "bucket", persona = "page-writer";
};

void add_options(CLI::App& app, settings& s) {
  fake_server::add_options(app, s.program);
  app.add_option("--script", s.script, "Folder of answers");
  app.add_option("--persona", s.persona, "Who answers what no script does")
      ->check(CLI::IsMember({"page-writer", "none"}));
  app.add_option("--latency", s.service.latency_ms, "Milliseconds before each answer")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--jitter", s.service.jitter_ms, "Up to so many more, at random")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--rpm", s.service.rpm, "Requests a minute, for each vendor");
  app.add_option("--tpm", s.service.tpm, "Tokens a minute, for each vendor");
  app.add_option("--burst", s.service.burst, "What the bucket of requests holds; 0: --rpm");
  app.add_option("--window", s.manner, "How a minute is counted")
      ->check(CLI::IsMember({"bucket", "fixed", "sliding"}));
  app.add_option("--minute-ms", s.service.minute_ms, "How long a minute takes")
      ->check(CLI::PositiveNumber);
  app.add_option("--fail-rate", s.service.fail_rate, "Part of the requests that get status 500")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--seed", s.service.seed, "Of what is random");
  app.add_flag("--thoughts", s.service.thoughts, "Signatures, reasoning items, cached tokens");
  app.add_option("--task-header", s.service.task_header, "Names the task if the prompt does not");
  app.add_option("--step-header", s.service.step_header, "Names the step if the prompt does not");
  app.add_option("--watch", s.service.watched, "The log tells which requests hold this text");
  app.add_option("--log-max", s.service.log_max, "Lines that GET /log keeps");
}

int fail(const std::string& why) {
  fmt::print(stderr, "fake_ai: {}\n", why);
  return 2;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app("A fake AI server that speaks four wire protocols, for tests.");
  settings s;
  add_options(app, s);
  CLI11_PARSE(app, argc, argv);
  s.service.manner = s.manner == "fixed"     ? window::fixed
                     : s.manner == "sliding" ? window::sliding
                                             : window::bucket;
  s.service.persona = s.persona == "page-writer";
  s.service.first_serial = static_cast<std::uint64_t>(
      std::chrono::system_clock::now().time_since_epoch() / std::chrono::microseconds(1));
  script answers;
  if (!s.script.empty()) {
    auto read = script::read(s.script);
    if (!read)
      return fail(read.error().detail);
    answers = std::move(*read);
  }
  service mind(s.service, std::move(answers));
  return fake_server::serve(mind, s.program, "fake_ai");
}
