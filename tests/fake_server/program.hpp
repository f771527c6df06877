// program.hpp -- what the fake servers' programs have in common.

#pragma once

#include "tests/fake_server/loop.hpp"

#include <string>

#include <CLI/CLI.hpp>

namespace fake_server {

struct program_options {
  loop_options loop;
  std::string port_file;
};

/// --port, --port-file, --drip-ms, --until-stdin-ends.
void add_options(CLI::App& app, program_options& o);

/// Answers until the end and tells where: "listening on http://127.0.0.1:PORT".
/// Gives the exit code; `name` is the program's, for what it says.
int serve(mind& m, const program_options& o, const std::string& name);

} // namespace fake_server
