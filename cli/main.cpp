#include "cli/run.hpp"

#include <cstdlib>
#include <iostream>

int main(int argc, char** argv) {
  auto code = cli::program(argc, argv, cli::seams{});
  std::cout << std::flush;
  std::cerr << std::flush;
  // Everything that counts is on disk. Actors and threads of an interrupted
  // batch are not waited for.
  std::_Exit(code);
}
