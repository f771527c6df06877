#include "bench/cases.hpp"
#include "bench/report.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

#include <unistd.h>

namespace {

namespace fs = std::filesystem;

/// A folder of ours beside the current one, so that the disk under test is
/// the one that projects lie on, not a memory file system.
fs::path fresh_folder(const std::string& name) {
  auto folder = fs::current_path() / fmt::format("bench-{}-{}", name, ::getpid());
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Drives whole batches and measures them."};
  std::string name = "all";
  std::uint64_t tasks = 0;
  bool json = false;
  app.add_option("case", name, "durable, governed, or all")
      ->check(CLI::IsMember({"durable", "governed", "all"}));
  app.add_option("--tasks", tasks, "tasks of each case (default: 2000 durable, 200 governed)");
  app.add_flag("--json", json, "one JSON line per case instead of the table");
  CLI11_PARSE(app, argc, argv);

  auto tell = [&](const bench::figures& f) {
    if (json)
      std::cout << bench::json_line(f) << std::endl;
    else
      bench::print_row(f);
  };
  if (name == "all" || name == "durable") {
    auto n = tasks != 0 ? tasks : 2000;
    auto folder = fresh_folder("durable");
    tell(bench::measure("durable", n, [&] { return bench::run_durable(folder, n); }));
    fs::remove_all(folder);
  }
  if (name == "all" || name == "governed") {
    auto n = tasks != 0 ? tasks : 200;
    auto folder = fresh_folder("governed");
    bench::prepare_governed(folder, n);
    tell(bench::measure("governed", n, [&] { return bench::run_governed(folder, n); }));
    fs::remove_all(folder);
  }
  std::cout << std::flush;
  std::_Exit(0); // Actors are not waited for, as in the program itself.
}
