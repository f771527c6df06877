#include "ledger/disk/evidence.hpp"

#include "ledger/detail.hpp"
#include "ledger/disk/growing.hpp"
#include "ledger/disk/tree.hpp"

#include <algorithm>
#include <optional>

namespace ledger::disk {

namespace {

constexpr std::size_t max_contract_bytes = 4096;

/// Line `number`, counted from 1, without its newline. Empty: it is not there.
std::string_view line_of(std::string_view text, std::uint64_t number) {
  while (true) {
    auto end = text.find('\n');
    if (end == std::string_view::npos)
      return {};
    if (--number == 0)
      return text.substr(0, end);
    text.remove_prefix(end + 1);
  }
}

// The bytes of a contract's file; nothing if it is not there. What cannot be
// read, or only through a link, counts as there, with bytes that no contract has.
std::optional<std::string> contract_bytes(const tree& folder, contract c) {
  auto bytes = folder.read(path_of(c), max_contract_bytes);
  if (bytes)
    return std::move(*bytes);
  if (bytes.error().kind == fault::not_found)
    return std::nullopt;
  return "(" + bytes.error().detail + ")";
}

contract_seen see_contract(const tree& folder, std::string_view journal, const task_state& s,
                           contract c, const keyring& keys) {
  contract_seen seen;
  seen.bytes = contract_bytes(folder, c);
  auto* standing = contract_of(s, c);
  if (!standing)
    return seen;
  auto r = keys.signed_record(line_of(journal, standing->seq));
  if (!r || r->seq != standing->seq)
    return seen;
  bool wrote_it = std::any_of(r->files.begin(), r->files.end(), [&](const file_ref& f) {
    return f.path == path_of(c) && f.sha256 == standing->file_sha256;
  });
  bool same_terms =
      text_at(r->detail, "contract") == to_string(c)
      && text_at(r->detail, "text_sha256") == standing->text_sha256
      && text_at(r->detail, "tree") == standing->tree
      && (c != contract::human || text_at(r->detail, "step") == to_string(standing->for_step))
      && text_at(r->detail, "config_digest") == standing->config_digest;
  seen.signature_ok = wrote_it && same_terms;
  seen.signed_repo_id = text_at(r->detail, "repo");
  seen.signed_task = text_at(r->detail, "task");
  return seen;
}

// Files are written before lines: one that lags is whole by the lines there are.
bool lags(const tree& folder, const file_ref& f) {
  auto size = folder.size(f.path);
  if (!size || *size >= f.bytes)
    return false;
  auto lines = folder.read(path::journal);
  auto records = lines ? parse_journal(*lines) : tl::make_unexpected(lines.error());
  if (!records)
    return false;
  auto all = growths_after(*records);
  auto g = all.find(f.path);
  return g != all.end() && folder.digest(f.path) == g->second.back().whole_sha256;
}

} // namespace

gate_evidence collect_evidence(const std::filesystem::path& task_folder, const task_state& s,
                               const keyring& keys, const std::string& config_digest) {
  gate_evidence e;
  e.repo_id = keys.repo_id();
  e.config_digest = config_digest;
  auto folder = tree::open(task_folder, false);
  for (auto& f : inputs_at_gate(s))
    e.inputs.push_back({f, folder ? folder->digest(f.path) : std::string{}});
  if (folder) {
    bool any_stands = s.decisions_ok || s.final_ok || s.human_ok;
    auto journal = any_stands ? folder->read(path::journal).value_or(std::string{}) : std::string{};
    e.decisions = see_contract(*folder, journal, s, contract::decisions, keys);
    e.final = see_contract(*folder, journal, s, contract::final, keys);
    e.human = see_contract(*folder, journal, s, contract::human, keys);
  } else if (folder.error().kind != fault::not_found) {
    e.decisions.bytes = e.final.bytes = e.human.bytes = "(" + folder.error().detail + ")";
  }
  return e;
}

std::vector<std::string> altered_files(const std::filesystem::path& task_folder,
                                       const by_path<file_ref>& files) {
  std::vector<std::string> altered;
  auto folder = tree::open(task_folder, false);
  for (auto& f : files)
    if (!folder || (folder->digest(f.path) != f.sha256 && !lags(*folder, f)))
      altered.push_back(f.path);
  return altered;
}

} // namespace ledger::disk
