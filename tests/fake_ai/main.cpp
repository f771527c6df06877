// The fake AI server: see README.md.

#include "tests/fake_ai/loop.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace {

using namespace fake_ai;

struct settings {
  service_options service;
  loop_options loop;
  std::string script, port_file, manner = "bucket", persona = "page-writer";
};

void add_options(CLI::App& app, settings& s) {
  app.add_option("--port", s.loop.port, "Port on 127.0.0.1; 0: a free one")
      ->check(CLI::Range(0, 65535));
  app.add_option("--port-file", s.port_file, "Write the port to this file");
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
  app.add_option("--drip-ms", s.loop.drip_ms, "Between two bytes of a slow answer")
      ->check(CLI::PositiveNumber);
  app.add_flag("--until-stdin-ends", s.loop.until_stdin_ends, "End when stdin does");
}

/// Thousands of connections need descriptors.
void raise_descriptor_limit() {
  rlimit l{};
  if (::getrlimit(RLIMIT_NOFILE, &l) != 0)
    return;
  l.rlim_cur = l.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &l);
}

/// By rename: whoever sees the file sees all of it.
bool write_port(const std::filesystem::path& file, int port) {
  auto draft = file;
  draft += ".new";
  std::ofstream(draft) << port << '\n';
  std::error_code e;
  std::filesystem::rename(draft, file, e);
  return !e;
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
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  script answers;
  if (!s.script.empty()) {
    auto read = script::read(s.script);
    if (!read)
      return fail(read.error().detail);
    answers = std::move(*read);
  }
  service mind(s.service, std::move(answers));
  auto sockets = loop::make(mind, s.loop);
  if (!sockets)
    return fail(sockets.error().detail);
  if (!s.port_file.empty() && !write_port(s.port_file, sockets->port()))
    return fail("cannot write " + s.port_file);
  fmt::print("listening on http://127.0.0.1:{}\n", sockets->port());
  std::fflush(stdout);
  sockets->run();
  return 0;
}
