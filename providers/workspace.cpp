#include "providers/workspace.hpp"

#include "ledger/disk/files.hpp"
#include "providers/full_disk.hpp"
#include "providers/remove_tree.hpp"
#include "providers/slot.hpp"
#include "providers/slot_choice.hpp"
#include "providers/slot_kit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;
namespace fs = std::filesystem;

/// Says whose the slots in a folder are: nothing is removed from a folder that
/// does not carry it.
constexpr const char* marker_name = ".scheduler-slots";
/// Trees whose paths are remembered.
constexpr std::size_t known_trees_max = 32;

bool is_slot_name(const std::string& name) {
  return name.size() > 3 && name.compare(0, 3, "wt-") == 0
         && name.find_first_not_of("0123456789", 3) == std::string::npos;
}

/// Whether a name is that of a slot or of something beside one.
bool is_of_a_slot(const std::string& name) {
  return is_slot_name(name) || name.compare(0, 6, "index-") == 0;
}

/// Slots, which of them are free, and the paths of recent trees. Shared by the
/// workspace and its leases: the last one removes the slots.
class pool {
public:
  pool(const git& repository, workspace_options o)
      : git_(repository)
      , options_(std::move(o))
      , choice_(options_.slots, std::thread::hardware_concurrency())
      , slots_(std::max<std::size_t>(options_.slots, 1)) {}
  ~pool() {
    remove_slots();
    if (!kit_)
      return;
    git_.keep_indexes_in({});
    kit_->remove();
    std::error_code e;
    for (fs::directory_iterator at(options_.folder, e), end; !e && at != end; at.increment(e))
      if (is_of_a_slot(at->path().filename().string()))
        return; // Without its marker the next start would refuse the folder.
    fs::remove(options_.folder / marker_name, e);
    fs::remove(options_.folder, e); // Only if nothing else is in it.
  }
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;

  const git& repository() const noexcept { return git_; }

  /// Waits for a free slot, and makes it `tree`.
  ledger::result<std::size_t> acquire(std::string_view commit, std::string_view tree, slot_wish w) {
    auto base = tree_of(commit);
    if (!base)
      return tl::make_unexpected(base.error());
    auto paths = paths_after(*base, tree);
    if (!paths)
      return tl::make_unexpected(paths.error());
    const auto given = wait_for_one({tree, *base, w, slot_choice::clock::now()});
    const auto n = *given.slot;
    const auto begun = slot_choice::clock::now();
    auto r = prepare(n, commit, tree, **paths);
    if (given.to_be_made)
      made(slot_choice::clock::now() - begun);
    if (r)
      return n;
    release(n, false);
    return tl::make_unexpected(r.error());
  }

  /// One that is not `sound` is used again only when there is no other.
  void release(std::size_t n, bool sound = true) {
    {
      const std::lock_guard lock(mutex_);
      choice_.give_back(n, sound);
    }
    changed_.notify_all(); // Some of them wait for another one than this.
  }

  slot& at(std::size_t n) { return *slots_[n]; }

  ledger::result<std::shared_ptr<const tree_paths>> paths_in(std::string_view tree) {
    if (auto known = known_paths(tree))
      return known;
    auto entries = git_.list_tree(tree);
    if (!entries)
      return tl::make_unexpected(entries.error());
    auto paths = std::make_shared<const tree_paths>(paths_of(*entries));
    const std::lock_guard lock(paths_mutex_);
    known_.emplace_front(std::string(tree), paths);
    if (known_.size() > known_trees_max)
      known_.pop_back();
    return paths;
  }

  /// Makes the folder ours, without what a killed run left in it.
  ledger::result<void> open_folder();
  const slot_kit& kit() const noexcept { return *kit_; }

private:
  /// With as many threads as there are processors: to remove a thousand files takes as
  /// long as to write them.
  void remove_slots() noexcept {
    std::atomic<std::size_t> next = 0;
    const auto work = [&] {
      for (auto n = next++; n < slots_.size(); n = next++)
        if (slots_[n])
          slots_[n]->remove();
    };
    std::vector<std::thread> others;
    try {
      for (auto i = std::thread::hardware_concurrency(); i > 1; --i)
        others.emplace_back(work);
    } catch (const std::system_error&) { // Then with fewer.
    }
    work();
    for (auto& t : others)
      t.join();
  }

  slot_choice::answer wait_for_one(const slot_choice::want& w) {
    std::unique_lock lock(mutex_);
    for (;;) {
      auto a = choice_.take(w, slot_choice::clock::now());
      if (a.slot)
        return a;
      if (a.ask_again)
        changed_.wait_until(lock, *a.ask_again);
      else
        changed_.wait(lock);
    }
  }

  void made(slot_choice::clock::duration took) {
    {
      const std::lock_guard lock(mutex_);
      choice_.made(took);
    }
    changed_.notify_all();
  }

  std::shared_ptr<const tree_paths> known_paths(std::string_view tree) {
    const std::lock_guard lock(paths_mutex_);
    const auto at = std::find_if(known_.begin(), known_.end(),
                                 [&](const auto& known) { return known.first == tree; });
    if (at == known_.end())
      return nullptr;
    std::rotate(known_.begin(), at, std::next(at)); // Who is asked for often stays.
    return known_.front().second;
  }

  /// Those of `tree`, which are those of `base` if only contents differ, as with
  /// most candidates.
  ledger::result<std::shared_ptr<const tree_paths>> paths_after(std::string_view base,
                                                                std::string_view tree) {
    const auto of_base = base == tree ? nullptr : known_paths(base);
    const auto changes =
        of_base ? git_.changes(base, tree) : ledger::result<std::vector<ledger::change>>();
    const auto same = of_base && changes
                      && std::all_of(changes->begin(), changes->end(),
                                     [](const ledger::change& c) { return c.kind == 'M'; });
    return same ? of_base : paths_in(tree);
  }

  /// Of few commits, which are asked for again and again.
  ledger::result<std::string> tree_of(std::string_view commit) {
    {
      const std::lock_guard lock(paths_mutex_);
      if (const auto known = commits_.find(commit); known != commits_.end())
        return known->second;
    }
    auto tree = git_.tree_of(commit);
    if (!tree)
      return tree;
    const std::lock_guard lock(paths_mutex_);
    commits_.emplace(commit, *tree);
    return tree;
  }

  ledger::result<void> prepare(std::size_t n, std::string_view commit, std::string_view tree,
                               const tree_paths& paths) {
    auto& s = slots_[n];
    if (s && s->restore(commit, tree, paths))
      return {};
    if (s)
      s->remove(); // Damaged: a new one is cheaper than to understand it.
    s.reset();
    auto made = make(n);
    if (!made)
      return tl::make_unexpected(made.error());
    s = std::make_unique<slot>(std::move(*made));
    auto r = s->restore(commit, tree, paths);
    if (!r) {
      s->remove();
      s.reset();
    }
    return r;
  }

  ledger::result<slot> make(std::size_t n) {
    const auto folder = options_.folder / fmt::format("wt-{}", n);
    const auto index = options_.folder / fmt::format("index-{}", n);
    std::error_code e;
    fs::create_directories(options_.folder, e);
    for (const auto& p : {folder, index, fs::path(index.string() + ".lock")})
      if (e = remove_tree(p); e)
        return cannot("remove", p, e);
    return slot::make(git_, *kit_, folder, index);
  }

  git git_;
  workspace_options options_;
  std::optional<slot_kit> kit_; // Once the folder is ours.
  std::mutex mutex_;            // choice_
  slot_choice choice_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<slot>> slots_; // Each belongs to who acquired it.
  std::mutex paths_mutex_;                   // known_, commits_
  std::deque<std::pair<std::string, std::shared_ptr<const tree_paths>>> known_;
  std::map<std::string, std::string, std::less<>> commits_; // To their trees.
};

ledger::result<void> pool::open_folder() {
  std::error_code e;
  const auto& folder = options_.folder;
  fs::create_directories(folder, e);
  if (!e)
    options_.folder = fs::canonical(folder, e);
  if (e)
    return cannot("make the folder of worktrees", folder, e);
  std::vector<fs::path> left;
  auto slots = false;
  for (fs::directory_iterator at(folder, e), end; !e && at != end; at.increment(e)) {
    const auto name = at->path().filename().string();
    slots = slots || is_slot_name(name);
    if (is_of_a_slot(name))
      left.push_back(at->path());
  }
  if (e)
    return cannot("look into", folder, e);
  const auto mark = git_.common_dir().string() + "\n";
  const auto marker = ledger::disk::read_file(folder / marker_name, 64 * 1024);
  if ((marker && *marker != mark) || (!marker && slots))
    return fail(
        fault::refused,
        fmt::format("use {} for worktrees: it holds worktrees that are not ours; set [repo] "
                    "worktrees to a folder of its own, or remove them",
                    folder.string()));
  if (auto r = ledger::disk::put_file(folder / marker_name, mark, ledger::disk::durability::none);
      !r)
    return r;
  for (const auto& p : left)
    if (e = remove_tree(p); e)
      return cannot("remove", p, e);
  auto kit = slot_kit::make(git_, folder);
  if (!kit)
    return tl::make_unexpected(kit.error());
  kit_ = std::move(*kit);
  git_.keep_indexes_in(options_.folder);
  return {};
}

class pool_lease final : public lease {
public:
  pool_lease(std::shared_ptr<pool> p, std::size_t n)
      : pool_(std::move(p))
      , n_(n) {}
  ~pool_lease() override { pool_->release(n_); }
  const fs::path& folder() const override { return pool_->at(n_).folder(); }
  ledger::result<candidate> take(std::string_view base_tree) override {
    return pool_->at(n_).take(base_tree);
  }
  ledger::result<std::vector<std::string>> put_back() override { return pool_->at(n_).put_back(); }
  std::vector<std::string> objects() const override { return pool_->kit().objects(); }

private:
  std::shared_ptr<pool> pool_;
  std::size_t n_;
};

class git_workspace final : public workspace {
public:
  explicit git_workspace(std::shared_ptr<pool> p)
      : pool_(std::move(p)) {}

  ledger::result<std::unique_ptr<lease>> checkout(std::string_view commit, std::string_view tree,
                                                  slot_wish w) override {
    auto n = pool_->acquire(commit, tree, w);
    if (!n)
      return tl::make_unexpected(n.error());
    return std::make_unique<pool_lease>(pool_, *n);
  }

  ledger::result<void> ensure_tree(std::string_view base_tree, std::string_view diff,
                                   std::string_view tree) override {
    if (repository().is_whole(base_tree, tree))
      return {};
    auto made = repository().tree_with(base_tree, diff);
    if (made && *made == tree)
      return {};
    if (!made && made.error().kind != fault::refused)
      return tl::make_unexpected(made.error());
    return fail(fault::corrupt,
                fmt::format("rebuild tree {} from {} and its diff: {}", tree, base_tree,
                            made ? "it gives tree " + *made : made.error().detail));
  }

  ledger::result<std::vector<ledger::change>> changes(std::string_view base_tree,
                                                      std::string_view tree) override {
    return repository().changes(base_tree, tree);
  }

  bool exists(std::string_view tree, std::string_view path) override {
    while (!path.empty() && path.back() == '/')
      path.remove_suffix(1);
    auto paths = pool_->paths_in(tree);
    return paths && (*paths)->count(std::string(path)) > 0;
  }

  ledger::result<std::vector<std::string>> paths(std::string_view tree) override {
    auto known = pool_->paths_in(tree);
    if (!known)
      return tl::make_unexpected(known.error());
    std::vector<std::string> all;
    all.reserve((*known)->size());
    for (const auto& [path, kind] : **known)
      all.push_back(path);
    return all;
  }

  ledger::result<std::string> commit(const commit_spec& c) override {
    return repository().commit_tree(c);
  }

  ledger::result<void> move_branch(std::string_view ref, std::string_view to,
                                   std::string_view expected) override {
    return repository().move_ref(ref, to, expected);
  }

  ledger::result<std::string> branch_tip(std::string_view ref) override {
    if (repository().is_surely_absent(ref))
      return std::string();
    auto tip = repository().ref(ref);
    if (!tip)
      return tl::make_unexpected(tip.error());
    return tip->value_or("");
  }

  ledger::result<ledger::tip_of_branch> newest(const std::vector<std::string>& commits) override {
    for (const auto& candidate : commits) {
      auto holds_all = true;
      for (const auto& other : commits) {
        auto holds = other == candidate ? ledger::result<bool>(true)
                                        : repository().is_ancestor(other, candidate);
        if (!holds)
          return tl::make_unexpected(holds.error());
        holds_all = holds_all && *holds;
      }
      if (!holds_all)
        continue;
      auto tree = repository().tree_of(candidate);
      if (!tree)
        return tl::make_unexpected(tree.error());
      return ledger::tip_of_branch{candidate, *tree};
    }
    return fail(fault::refused, "no commit of its dependencies holds the others",
                std::string(apart_code));
  }

private:
  const git& repository() const { return pool_->repository(); }

  std::shared_ptr<pool> pool_;
};

} // namespace

ledger::result<std::unique_ptr<workspace>> open_git_workspace(const git& repository,
                                                              workspace_options o) {
  auto p = std::make_shared<pool>(repository, std::move(o));
  if (auto r = p->open_folder(); !r)
    return tl::make_unexpected(r.error());
  return std::make_unique<git_workspace>(std::move(p));
}

} // namespace providers
