#include "ledger/disk/evidence.hpp"

#include "ledger/detail.hpp"
#include "ledger/disk/files.hpp"

#include <algorithm>
#include <system_error>

namespace ledger::disk {

namespace {

/// The record with sequence `seq` in the task's journal.jsonl.
std::optional<record> recorded_line(const std::filesystem::path& task_folder, std::uint64_t seq) {
  auto text = read_file(task_folder / path::journal);
  if (!text)
    return std::nullopt;
  std::string_view rest = *text;
  for (std::uint64_t n = 1; !rest.empty(); ++n) {
    auto end = rest.find('\n');
    if (end == std::string_view::npos)
      return std::nullopt;
    if (n == seq) {
      auto r = parse_line(rest.substr(0, end));
      return r && r->seq == seq ? std::optional<record>{*r} : std::nullopt;
    }
    rest.remove_prefix(end + 1);
  }
  return std::nullopt;
}

contract_seen see_contract(const std::filesystem::path& task_folder, const task_state& s,
                           contract c, const keyring& keys) {
  contract_seen seen;
  seen.bytes = contract_bytes(task_folder, c);
  auto* standing = contract_of(s, c);
  if (!standing)
    return seen;
  auto r = recorded_line(task_folder, standing->seq);
  if (!r)
    return seen;
  bool wrote_it = std::any_of(r->files.begin(), r->files.end(), [&](const file_ref& f) {
    return f.path == path_of(c) && f.sha256 == standing->file_sha256;
  });
  bool same_terms = text_at(r->detail, "contract") == to_string(c)
                    && text_at(r->detail, "text_sha256") == standing->text_sha256
                    && text_at(r->detail, "tree") == standing->tree
                    && text_at(r->detail, "config_digest") == standing->config_digest;
  seen.signature_ok = wrote_it && same_terms && keys.trusts(signed_part(*r), r->sig);
  seen.signed_repo_id = text_at(r->detail, "repo");
  seen.signed_task = text_at(r->detail, "task");
  return seen;
}

} // namespace

std::optional<std::string> contract_bytes(const std::filesystem::path& task_folder, contract c) {
  auto file = task_folder / path_of(c);
  std::error_code ec;
  auto kind = std::filesystem::symlink_status(file, ec).type();
  if (kind == std::filesystem::file_type::not_found)
    return std::nullopt;
  if (kind != std::filesystem::file_type::regular)
    return std::string{"(not a regular file)"};
  return read_file(file, 4096).value_or("(unreadable)");
}

gate_evidence collect_evidence(const std::filesystem::path& task_folder, const task_state& s,
                               const keyring& keys, const std::string& config_digest) {
  gate_evidence e;
  auto inputs = inputs_of(s, s.at);
  if (s.fixing && s.at == step::test)
    inputs.insert(inputs.end(), s.cause.evidence.begin(), s.cause.evidence.end());
  for (auto& f : inputs)
    e.inputs.push_back({f, digest_of_file(task_folder / f.path)});
  e.decisions = see_contract(task_folder, s, contract::decisions, keys);
  e.final = see_contract(task_folder, s, contract::final, keys);
  e.repo_id = keys.repo_id();
  e.config_digest = config_digest;
  return e;
}

void drop_interrupted_contract(const std::filesystem::path& task_folder, const task_state& s) {
  if (s.ph != phase::answered)
    return;
  auto c = row_of(s.at).leave == gate::decided    ? contract::decisions
           : row_of(s.at).leave == gate::approved ? contract::final
                                                  : contract::none;
  if (c == contract::none || contract_of(s, c)
      || contract_bytes(task_folder, c) != contract_text(c, s.task))
    return;
  std::error_code ec;
  std::filesystem::remove(task_folder / path_of(c), ec);
}

} // namespace ledger::disk
