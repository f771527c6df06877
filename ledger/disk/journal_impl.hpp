// journal_impl.hpp -- the inside of the journal: opening it, appending to it.
//
// journal_opening.cpp finds and completes what is there; journal_resting.cpp sees to
// tasks that have come to rest, journal_checkpoint.cpp to checkpoints; journal.cpp does
// everything else. A task is *held* (database.hpp) from the moment its folder falls
// behind until a checkpoint after it has caught up.
//
// Records are kept in memory until the folder has them, and those that an opening read
// until the next one comes: in a batch of ten thousand tasks they would be most of its
// memory. Whoever asks for them has them read again. A task that has come to rest is
// *put away*: which files it has is read again too when something is appended.
//
// A checkpoint is *begun* by who asks the kernel to sync all files, beside which groups
// are committed as ever, and ended behind a later group. It is about what the folders
// had when it began; what came since waits for the next one.
//
// Private to ledger/disk.

#pragma once

#include "ledger/disk/crew.hpp"
#include "ledger/disk/database.hpp"
#include "ledger/disk/journal.hpp"
#include "ledger/disk/projection.hpp"
#include "ledger/disk/recovery.hpp"
#include "ledger/disk/standings.hpp"
#include "ledger/disk/tree.hpp"
#include "ledger/state.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ledger::disk {

struct journal::impl {
  impl(options o, keyring k, tree r, database d)
      : opts(std::move(o))
      , keys(std::move(k))
      , root(std::move(r))
      , db(std::move(d))
      , hands(opts.hooks.now_ms || opts.hooks.before_put ? 0 : opts.helpers) {}

  options opts;
  keyring keys;
  tree root;
  database db;
  crew hands;
  marks at{}; ///< The common ones; the boot is this one once recovery is done.
  std::uint64_t last_id = 0;
  /// Tasks that are held (database.hpp), and whose hold is not written yet.
  std::map<std::string, marks> held{};
  std::set<std::string> held_anew{};
  chains_by_task chains{};
  std::vector<damage> damages{};
  std::vector<std::string> healed{};
  /// What was committed, but not yet done in the folders, in commit order.
  std::deque<projection> backlog{};
  std::uint64_t pending_bytes = 0;
  struct begun_checkpoint {
    std::future<result<void>> synced;
    std::uint64_t up_to_id = 0, bytes = 0;
    std::set<std::string> caught_up; ///< Of the held tasks.
  };
  std::optional<begun_checkpoint> under_way{};
  std::uint64_t records_since_open = 0;
  /// Tasks without a row (standings.hpp), and where their lines begin.
  std::set<std::pair<std::uint64_t, std::string>> at_work{};
  standings_writer standings{};
  std::optional<failure> over{}; ///< Lost or closed: everything is refused.
  std::optional<failure> trouble{};
  bool is_closed = false;
  std::chrono::microseconds commit_took{};

  // -- opening ---------------------------------------------------------------

  using newcomers = std::vector<std::pair<std::string, record>>;
  result<void> recover();
  result<std::map<std::string, copies>> find_copies();
  struct examined {
    finding f;
    expected_files expected;
  };
  std::vector<examined> examine_all(const std::map<std::string, copies>& tasks,
                                    const all_marks& marked, std::string_view boot_id);
  result<void> recover_task(const copies& e, const circumstances& c, examined x,
                            newcomers& into_database);
  result<void> complete_folder(const copies& e, const circumstances& c, const finding& f);
  result<void> take_in(const newcomers& into_database);
  result<void> catch_up_head(const std::string& task, const chain& c, const copies& e);
  void begin_standings();
  void hurt(damage d);
  void hold(const std::string& task, const marks& since);

  // -- appending ---------------------------------------------------------------

  std::vector<result<appended>> append_group(std::span<const append* const> group);
  result<void> announce(const append& a);
  result<void> admit(const append& a);
  std::vector<result<prepared>> prepare_all(std::span<const append* const> group);
  result<prepared> prepare_one(const append& a, const chain_tip* staged) const;
  result<void> commit(const std::vector<prepared>& ready);
  void adopt(std::vector<prepared>& ready);
  void work_off_backlog();
  std::vector<result<void>> project_all();
  std::string row_of(const std::string& task, const chain& c, const kept_standings* kept) const;
  void keep_standings(const std::set<std::string>& tasks);
  result<task_state> state_of(const std::string& task, const chain& c) const;
  result<std::vector<record>> read_records(const std::string& task, const chain& c) const;
  result<void> recall(const std::string& task, chain& c);
  result<void> take_up(const std::string& task, chain& c);
  std::uint64_t low() const noexcept;

  // -- checkpoint ----------------------------------------------------------------

  bool waits_in_backlog(std::string_view task) const;
  bool lags(const std::string& task) const;
  bool some_hold_is_over() const;
  result<void> mark_projected();
  void begin_checkpoint();
  result<void> end_checkpoint();
  result<void> checkpoint();
  result<void> checkpoint_if_due();
  result<void> write(const std::function<result<void>()>& body);
  result<void> give_up(const failure& f);
};

} // namespace ledger::disk
