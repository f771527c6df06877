#include "bench/real_repository.hpp"

#include "bench/report.hpp"

#include "cli/run.hpp"
#include "providers/process.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace bench {

namespace {

namespace fs = std::filesystem;

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream{file, std::ios::binary} << text;
}

/// Fifty to a folder.
std::string page_of(std::uint64_t page) {
  return fmt::format("src/part{:03}/page{:05}.html", page / 50, page);
}

} // namespace

std::string patch_of_page(std::uint64_t page) {
  return fmt::format("--- a/{1}\n+++ b/{1}\n"
                     "@@ -1 +1 @@\n-<p>page {0}</p>\n+<p>page {0}, changed</p>\n",
                     page, page_of(page));
}

void make_repository(const fs::path& folder, const std::string& toml, std::uint64_t tasks,
                     std::uint64_t pages) {
  auto repo = folder / "repo";
  for (std::uint64_t i = 0; i < std::max(tasks, pages); ++i)
    write(repo / page_of(i), fmt::format("<p>page {}</p>\n", i));
  for (std::uint64_t i = 0; i < tasks; ++i)
    write(folder / fmt::format("prompts/Edit-{:04}.md", i),
          fmt::format("Change one page, `{}`.\n\n```diff\n{}```\n", page_of(i), patch_of_page(i)));
  write(repo / "scheduler.toml", toml
                                     + "[checks]\ntest = \"true\"\nlint = \"true\"\n"
                                       "schema_drift = \"true\"\n[sandbox]\nkind = \"none\"\n");
  providers::processes children;
  providers::child_spec git;
  git.directory = repo.string();
  git.env = {{"PATH", std::getenv("PATH")}, {"HOME", folder.string()}};
  git.argv = {"sh", "-c",
              "git init -q . && git add -A && git -c user.name=bench -c user.email=bench@localhost "
              "commit -qm base"};
  auto made = children.run(std::move(git));
  if (!made || !made->ok())
    give_up("cannot make the repository: " + (made ? made->output : made.error().detail));
}

void run_whole_batch(const fs::path& folder, std::uint32_t in_flight) {
  ::setenv("XDG_STATE_HOME", (folder / "state").c_str(), 1);
  ::setenv("XDG_CACHE_HOME", (folder / "cache").c_str(), 1);
  cli::batch_options o;
  o.tasks = (folder / "prompts").string();
  o.repo = (folder / "repo").string();
  o.in_flight = in_flight;
  std::ostringstream out, err;
  if (cli::run_batch(o, cli::seams{}, out, err) != cli::exit_code::all_done)
    give_up("the batch did not end well:\n" + out.str() + err.str());
}

} // namespace bench
