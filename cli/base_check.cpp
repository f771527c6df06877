#include "cli/base_check.hpp"

#include "ledger/disk/files.hpp"
#include "ledger/paths.hpp"

#include <fmt/format.h>

namespace cli {

namespace {

std::string note_key(const preflight& p) {
  return "base-check " + p.base_tree + " " + p.config_digest;
}

} // namespace

bool is_known_green(const preflight& p, const ledger::disk::journal& journal) {
  auto known = journal.note(note_key(p));
  return known && *known == "green";
}

ledger::result<base_check> check_base(const preflight& p, ledger::disk::journal& journal,
                                      providers::checker& checks) {
  if (is_known_green(p, journal))
    return base_check{true, {}, {}};
  auto c = checks.run(p.base, p.base_tree);
  if (!c)
    return tl::make_unexpected(c.error());
  base_check found;
  found.green = c->ok;
  for (auto& r : c->results)
    if (!r.ok)
      found.why += fmt::format("{}{} ({})", found.why.empty() ? "" : ", ", r.name, r.ended);
  auto file = journal.root() / ledger::own_folder / "base"
              / fmt::format("{}.{}.log", p.base_tree.substr(0, 12), p.config_digest.substr(0, 12));
  found.log_path = file.string();
  auto text = p.secrets.redact(*c->run_log);
  if (auto ok = ledger::disk::put_file(file, text, ledger::disk::durability::none); !ok)
    return tl::make_unexpected(ok.error());
  if (found.green)
    if (auto ok = journal.put_note(note_key(p), "green"); !ok)
      return tl::make_unexpected(ok.error());
  return found;
}

} // namespace cli
