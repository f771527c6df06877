// ledger_view.hpp -- the whole ledger, read without writing.
//
// A *view* is every task's records and state as they are on disk now, and what
// is damaged. While a scheduler runs, a file may lie there an instant before
// its record does: a *look* may see damage that is none. So what is damaged is
// believed only if repeated looks agree.
//
// An *overview* says no more than where every task stands.
//
//   1. Nothing is written, and no lock is taken.
//   2. A task whose records no state fits is damaged, never left out.
//   3. Signed heads or branches without any ledger are damage (L3).

#pragma once

#include "cli/damage_help.hpp"
#include "cli/exit_code.hpp"
#include "cli/place.hpp"
#include "ledger/disk/journal.hpp"
#include "ledger/result.hpp"
#include "ledger/standing.hpp"
#include "ledger/state.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

namespace cli {

struct ledger_view {
  bool exists = false; ///< Whether there is a ledger at all.
  ledger::disk::snapshot found;
  std::map<std::string, ledger::task_state> states;
  std::vector<ledger::disk::damage> damages; ///< Of the snapshot and of the folding.

  bool knows(const std::string& task) const;
  std::vector<std::string> names() const;
};

/// Where every task stands, and nothing else: quick for those at rest, which it
/// takes as they were found sound when they came to rest (journal.hpp).
struct ledger_overview {
  bool exists = false; ///< Whether there is a ledger at all.
  std::map<std::string, ledger::standing> standings;
  std::vector<ledger::disk::damage> damages;

  std::vector<std::string> names() const;
};

/// With confirmed damages. Errors: corrupt, refused, unavailable.
ledger::result<ledger_overview> overview_of(const place& p, const ledger::disk::keyring& keys);

/// One look, unconfirmed. Errors: corrupt, refused, unavailable.
ledger::result<ledger_view> look_at_ledger(const place& p, const ledger::disk::keyring& keys);

/// look_at_ledger with confirmed damages. `examine` (may be unset) adds to the
/// damages of a look what the caller finds in it.
using examination =
    std::function<ledger::result<std::vector<ledger::disk::damage>>(const ledger_view&)>;
ledger::result<ledger_view> view_ledger(const place& p, const ledger::disk::keyring& keys,
                                        const examination& examine = {});

/// "scheduler: damaged: Fix-Footer: gemini/audit.md: it was altered", a line each,
/// and below the last one of a task the remedy.
void tell_damages(const std::vector<ledger::disk::damage>& damages, const trace_places& at,
                  std::ostream& to);

/// The same as a list: [{task, file, why, remedy}].
nlohmann::ordered_json damages_json(const std::vector<ledger::disk::damage>& damages,
                                    const trace_places& at);

/// The end of a reading command that has nothing to show: a complaint, and with
/// `json` an object {error, exit_code} on `out`.
exit_code end_with(exit_code code, const std::string& why, bool json, std::ostream& out,
                   std::ostream& err);

/// Says on `to` if this place is a copy, whose ledger is not its own.
void tell_copy(const place& p, std::ostream& to);

/// What a failure to read or write the ledger means for the program's end.
exit_code code_of(const ledger::failure& f);

/// `2026-11-22 17:14:49Z` of a record's time.
std::string shown_time(const std::string& time);

/// The sentence for a task that nobody knows, with near names.
std::string unknown_task(const std::string& task, const std::vector<std::string>& known);

} // namespace cli
