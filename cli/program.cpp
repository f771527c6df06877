#include "cli/commands.hpp"
#include "cli/run.hpp"

#include <iostream>

namespace cli {

namespace {

struct perform {
  const seams& with;

  int operator()(const answered& a) const { return a.exit_code; }
  int operator()(const batch_options& o) const {
    return static_cast<int>(run_batch(o, with, std::cout, std::cerr));
  }
  int operator()(const status_options& o) const {
    return static_cast<int>(status(o, std::cout, std::cerr));
  }
  int operator()(const show_options& o) const {
    return static_cast<int>(show(o, std::cout, std::cerr));
  }
  int operator()(const verify_options& o) const {
    return static_cast<int>(verify(o, std::cout, std::cerr));
  }
  int operator()(const retry_options& o) const {
    return static_cast<int>(retry(o, std::cout, std::cerr));
  }
  int operator()(const cancel_options& o) const {
    return static_cast<int>(cancel(o, std::cout, std::cerr));
  }
};

} // namespace

int program(int argc, const char* const* argv, const seams& s) {
  return std::visit(perform{s}, parse_command_line(argc, argv));
}

} // namespace cli
