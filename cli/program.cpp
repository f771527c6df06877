#include "cli/commands.hpp"
#include "cli/printable.hpp"
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
  int operator()(const doctor_options& o) const {
    return static_cast<int>(doctor(o, with, std::cout));
  }
  int operator()(const approve_options& o) const {
    return static_cast<int>(approve(o, std::cout, std::cerr));
  }
  int operator()(const retry_options& o) const {
    return static_cast<int>(retry(o, with, std::cout, std::cerr));
  }
  int operator()(const cancel_options& o) const {
    return static_cast<int>(cancel(o, std::cout, std::cerr));
  }
  int operator()(const rollback_options& o) const {
    return static_cast<int>(rollback(o, with, std::cout, std::cerr));
  }
};

} // namespace

int program(int argc, const char* const* argv, const seams& s) {
  auto code = std::visit(perform{s}, parse_command_line(argc, argv));
  if (std::cout.flush())
    return code;
  // A result that nobody got is no success, whatever it was.
  std::cerr << complaint("the result could not be written to stdout; `scheduler status` has it");
  return code != 0 ? code : static_cast<int>(exit_code::needs_person);
}

} // namespace cli
