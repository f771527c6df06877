// The yardstick of `governed`: what a shell does with git for the same changes.

#include "bench/cases.hpp"
#include "bench/real_repository.hpp"

#include "providers/process.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>

namespace bench {

namespace {

/// One task: a worktree, the change, what is checked, a commit on a branch of its
/// own. As durable as ours is. git's worktrees cannot be made side by side: it fails
/// over what another is making ("failed to read commondir").
constexpr auto one_task = R"sh(set -eu
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.fsync GIT_CONFIG_VALUE_0=all
folder=../worktrees/$1
flock ../worktrees.lock git worktree add -q --detach "$folder" HEAD
git -C "$folder" apply "../../patches/$1"
for check in test lint schema_drift; do (cd "$folder" && sh -c true); done
git -C "$folder" -c user.name=bench -c user.email=bench@localhost commit -qam "Change $1"
git update-ref "refs/heads/done/$1" "$(git -C "$folder" rev-parse HEAD)"
flock ../worktrees.lock git worktree remove --force "$folder"
)sh";

void write(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream{file, std::ios::binary} << text;
}

} // namespace

figures measure_shell(const std::filesystem::path& folder, const wishes& w) {
  auto tasks = w.tasks != 0 ? w.tasks : governed_tasks;
  make_repository(folder, {}, tasks, w.files);
  write(folder / "task.sh", one_task);
  std::string names;
  for (std::uint64_t i = 0; i < tasks; ++i) {
    names += fmt::format("{:04}\n", i);
    write(folder / fmt::format("patches/{:04}", i), patch_of_page(i));
  }
  write(folder / "names", names);
  std::filesystem::create_directories(folder / "worktrees");
  providers::processes children;
  providers::child_spec loop;
  loop.directory = (folder / "repo").string();
  loop.env = {{"PATH", std::getenv("PATH")}, {"HOME", folder.string()}};
  loop.argv = {"sh", "-c",
               fmt::format("xargs -P {} -n 1 sh ../task.sh < ../names", governed_at_once)};
  loop.timeout = std::chrono::hours(1);
  return measure("shell", tasks, [&] {
    auto ran = children.run(loop);
    if (!ran || !ran->ok())
      give_up("the shell loop failed: " + (ran ? ran->output + ran->err : ran.error().detail));
    return tasks * answers_per_task;
  });
}

} // namespace bench
