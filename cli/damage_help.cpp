#include "cli/damage_help.hpp"

#include "ledger/paths.hpp"

#include <fmt/format.h>

namespace cli {

trace_places traces_of(const place& p) {
  return {p.ledger_root, p.state_dir / (p.repo_id + ".heads")};
}

std::string damage_remedy(const trace_places& at, const std::string& task) {
  if (task.empty())
    return fmt::format("restore {} from a backup; nothing of it is used until then",
                       at.ledger_root.string());
  auto own = at.ledger_root / ledger::own_folder;
  return fmt::format(
      "either restore {1} as it was, from a backup; or give the task's record up, "
      "which is for a person to decide: remove {1}, {2} and {3} (the other tasks are "
      "read again from their folders), and delete the branch ai-gated/{0}; then the "
      "prompt begins anew",
      task, (at.ledger_root / task).string(), (at.heads / task).string(),
      (own / "ledger.db*").string());
}

} // namespace cli
