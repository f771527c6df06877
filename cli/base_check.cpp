#include "cli/base_check.hpp"

#include "ledger/disk/files.hpp"
#include "ledger/paths.hpp"

#include <fmt/format.h>

namespace cli {

std::string base_note(const std::string& base_tree, const std::string& config_digest) {
  return "base-check " + base_tree + " " + config_digest;
}

std::filesystem::path base_log(const std::filesystem::path& ledger_root,
                               const std::string& base_tree, const std::string& config_digest) {
  return ledger_root / ledger::own_folder / "base"
         / fmt::format("{}.{}.log", base_tree.substr(0, 12), config_digest.substr(0, 12));
}

std::string red_checks(const ledger::checks_outcome& c) {
  std::string why;
  for (auto& r : c.results)
    if (!r.ok)
      why += fmt::format("{}{} ({})", why.empty() ? "" : ", ", r.name, r.ended);
  return why;
}

bool is_known_green(const preflight& p, const ledger::disk::journal& journal) {
  auto known = journal.note(base_note(p.base_tree, p.config_digest));
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
  found.why = red_checks(*c);
  auto file = base_log(journal.root(), p.base_tree, p.config_digest);
  found.log_path = file.string();
  auto text = p.secrets.redact(*c->run_log);
  if (auto ok = ledger::disk::put_file(file, text, ledger::disk::durability::none); !ok)
    return tl::make_unexpected(ok.error());
  if (found.green)
    if (auto ok = journal.put_note(base_note(p.base_tree, p.config_digest), "green"); !ok)
      return tl::make_unexpected(ok.error());
  return found;
}

} // namespace cli
