// The reader's side of journal.hpp: read_overview. A task that came to rest is
// known by its row (standings.hpp); the others are examined as ever.

#include "ledger/disk/crew.hpp"
#include "ledger/disk/journal.hpp"
#include "ledger/disk/picture.hpp"
#include "ledger/disk/recovery.hpp"
#include "ledger/disk/standings.hpp"
#include "ledger/paths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace ledger::disk {

namespace fs = std::filesystem;

namespace {

void add(overview& out, const std::string& task, const std::vector<record>& records) {
  if (auto state = fold(task, records))
    out.standings.insert_or_assign(task, standing_of(*state));
  else
    out.damages.push_back(damage{task, std::string(path::journal),
                                 state.error().detail + "; no state fits its records"});
}

result<overview> from_snapshot(const fs::path& root, const keyring& keys) {
  auto found = read_snapshot(root, keys);
  if (!found)
    return tl::make_unexpected(found.error());
  overview out;
  out.damages = std::move(found->damages);
  for (auto& [task, chain] : found->tasks)
    add(out, task, chain.records);
  return out;
}

constexpr auto no_id = std::numeric_limits<std::uint64_t>::max();

// Reads the rows that hold, and examines whoever has none.
class looking {
public:
  looking(const fs::path& root, const tree& t, const keyring& keys, const kept_standings& kept,
          std::string boot)
      : root_(root)
      , t_(t)
      , keys_(keys)
      , kept_(kept)
      , boot_(std::move(boot))
      , hands_(journal::usual_helpers()) {}

  /// Nothing: the rows are not of this database, or too few.
  result<std::optional<overview>> run() {
    auto seen = tasks_in_sight(t_, keys_, out_.damages);
    if (!seen)
      return tl::make_unexpected(seen.error());
    add_unseen_rows(*seen);
    auto rest = take_rows(*seen);
    // To read all at once, by several threads, is quicker then.
    if (rest.size() > kept_.rows.size())
      return std::optional<overview>{};
    if (kept_.closed && !is_as_closed())
      return std::optional<overview>{};
    if (kept_.closed && rest.empty())
      return std::optional(std::move(out_));
    auto is_ours = take_others(rest, *seen);
    if (!is_ours)
      return tl::make_unexpected(is_ours.error());
    return *is_ours ? std::optional(std::move(out_)) : std::nullopt;
  }

private:
  std::optional<standing> by_row(const std::string& task, bool has_folder) const {
    auto row = kept_.rows.find(task);
    if (row == kept_.rows.end() || !has_folder
        || t_.glance(task + "/" + std::string(path::journal)) != row->second.journal)
      return std::nullopt;
    auto s = standing_in(row->second.text);
    return s ? std::optional(std::move(*s)) : std::nullopt;
  }

  // Tasks of which nothing but a row is left.
  void add_unseen_rows(std::map<std::string, copies>& seen) const {
    auto has_row = [&](auto& entry) { return kept_.rows.contains(entry.first); };
    auto count = std::count_if(seen.begin(), seen.end(), has_row);
    if (static_cast<std::size_t>(count) == kept_.rows.size())
      return;
    for (auto& [task, row] : kept_.rows)
      seen[std::string(task)].task = task;
  }

  // Those whose rows do not hold are left.
  std::vector<copies*> take_rows(std::map<std::string, copies>& seen) {
    std::vector<copies*> all, rest;
    for (auto& [task, e] : seen)
      all.push_back(&e);
    std::vector<std::optional<standing>> found(all.size());
    hands_.share_out(all.size(),
                     [&](auto i) { found[i] = by_row(all[i]->task, all[i]->has_folder); });
    for (std::size_t i = 0; i < all.size(); ++i)
      if (found[i])
        out_.standings.emplace_hint(out_.standings.end(), all[i]->task, std::move(*found[i]));
      else
        rest.push_back(all[i]);
    return rest;
  }

  bool is_as_closed() const {
    auto db = database_of(root_);
    return kept_.closed == identity_of(db) && !database::has_log(db);
  }

  // One reading of the database finds those whose lines tell of more than their rows
  // or folders do. Folders are read before the database: it is read again after
  // theirs, and what is newer than the first reading is none of this picture. False:
  // the rows were made beside another database.
  result<bool> take_others(const std::vector<copies*>& rest, std::map<std::string, copies>& seen) {
    auto done = gather_all(rest);
    bool any_row = std::any_of(rest.begin(), rest.end(),
                               [&](auto* e) { return kept_.rows.contains(e->task); });
    auto stored = done ? lines_of_others(any_row ? 0 : kept_.low, kept_.low)
                       : tl::make_unexpected(done.error());
    if (!stored || stored->marked.last_id < kept_.last_id)
      return stored ? result<bool>(false) : tl::make_unexpected(stored.error());
    std::vector<copies*> news;
    for (auto& [task, lines] : stored->lines) {
      auto [e, is_new] = seen.try_emplace(task);
      e->second.task = task;
      e->second.has_folder = e->second.has_folder || (is_new && t_.has_folder(task));
      bool holds = out_.standings.contains(task);
      if (is_new || (holds && lines.back().id > kept_.rows.at(task).last_id))
        news.push_back(&e->second);
    }
    if (!news.empty()) {
      done = gather_all(news);
      if (done)
        stored = lines_of_others(0, no_id);
      if (!done || !stored)
        return tl::make_unexpected(done ? stored.error() : done.error());
    }
    examine_others(*stored);
    return true;
  }

  struct other {
    copies* e;
    std::vector<damage> hurt;
  };

  result<void> gather_all(const std::vector<copies*>& some) {
    for (auto* e : some) {
      out_.standings.erase(e->task);
      auto& added = others_.emplace(e->task, other{e, {}}).first->second;
      if (auto done = gather_one(t_, keys_, *e, added.hurt); !done)
        return done;
    }
    return {};
  }

  // The lines of those that are examined, from this id on; all lines from `all_from`.
  result<stored_state> lines_of_others(std::uint64_t from_id, std::uint64_t all_from) const {
    return read_stored(root_, false, from_id, [&](auto id, auto task) {
      return id >= all_from || others_.contains(task);
    });
  }

  void examine_others(stored_state& stored) {
    std::set<std::string> named;
    for (auto& d : out_.damages)
      named.insert(d.task);
    for (auto& [task, o] : others_) {
      if (auto lines = stored.lines.find(task); lines != stored.lines.end())
        take_stored(t_, *o.e, std::move(lines->second));
      auto f = examine(*o.e, circumstances_of(task, stored.marked, boot_), keys_);
      bool is_named = named.contains(task) || !o.hurt.empty();
      out_.damages.insert(out_.damages.end(), o.hurt.begin(), o.hurt.end());
      if (tell(task, f, is_named, out_.damages))
        add(out_, task, f.records);
    }
  }

  const fs::path& root_;
  const tree& t_;
  const keyring& keys_;
  const kept_standings& kept_;
  std::string boot_;
  crew hands_;
  overview out_;
  std::map<std::string, other, std::less<>> others_; ///< Those that are examined.
};

} // namespace

result<overview> read_overview(const fs::path& root, const keyring& keys) {
  auto boot = kernel_boot_id().value_or("");
  auto kept = read_standings(keys, boot);
  auto t = kept ? tree::open(root, false) : result<tree>(fail(fault::not_found, ""));
  if (kept && t) {
    auto seen = looking(root, *t, keys, *kept, boot).run();
    if (!seen)
      return tl::make_unexpected(seen.error());
    if (*seen)
      return std::move(**seen);
  }
  return from_snapshot(root, keys);
}

} // namespace ledger::disk
