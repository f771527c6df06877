#include "tests/fake_server/program.hpp"

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <sys/resource.h>

#include <fmt/format.h>

namespace fake_server {

namespace {

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

} // namespace

void add_options(CLI::App& app, program_options& o) {
  app.add_option("--port", o.loop.port, "Port on 127.0.0.1; 0: a free one")
      ->check(CLI::Range(0, 65535));
  app.add_option("--port-file", o.port_file, "Write the port to this file");
  app.add_option("--drip-ms", o.loop.drip_ms, "Between two bytes of a slow answer")
      ->check(CLI::PositiveNumber);
  app.add_flag("--until-stdin-ends", o.loop.until_stdin_ends, "End when stdin does");
}

int serve(mind& m, const program_options& o, const std::string& name) {
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  auto sockets = loop::make(m, o.loop);
  if (!sockets) {
    fmt::print(stderr, "{}: {}\n", name, sockets.error().detail);
    return 2;
  }
  if (!o.port_file.empty() && !write_port(o.port_file, sockets->port())) {
    fmt::print(stderr, "{}: cannot write {}\n", name, o.port_file);
    return 2;
  }
  fmt::print("listening on http://127.0.0.1:{}\n", sockets->port());
  std::fflush(stdout);
  sockets->run();
  return 0;
}

} // namespace fake_server
