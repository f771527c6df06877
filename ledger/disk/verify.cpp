#include "ledger/disk/verify.hpp"

#include "ledger/disk/recovery.hpp"
#include "ledger/disk/tree.hpp"
#include "ledger/gate.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ledger::disk {

namespace {

constexpr std::string_view contract_folder = "contract";
constexpr std::size_t max_contract_bytes = 4096;

class verification {
public:
  verification(const tree& root, const keyring& keys, const std::string& task,
               const std::vector<record>& records, std::vector<damage>& out)
      : root_(root)
      , keys_(keys)
      , task_(task)
      , records_(records)
      , expected_(expected_after(records))
      , out_(out) {}

  void run() {
    signatures();
    for (auto& [name, want] : expected_)
      file(want);
    for (auto& [name, want] : given_up())
      if (name != path::decisions_ok && name != path::final_ok)
        file(want);
      else if (root_.digest(in_tree(name)).empty())
        hurt(name, fmt::format("it is missing; record {} names it", want.seq));
    strangers();
  }

private:
  void hurt(std::string file, std::string why) {
    damage d{task_, std::move(file), std::move(why)};
    auto same = [&](auto& o) { return o.task == d.task && o.file == d.file && o.why == d.why; };
    if (std::none_of(out_.begin(), out_.end(), same))
      out_.push_back(std::move(d));
  }

  std::string in_tree(std::string_view ledger_path) const {
    return fmt::format("{}/{}", task_, ledger_path);
  }

  void signatures() {
    for (auto& r : records_)
      if (!r.sig.empty() && !keys_.trusts(signed_part(r), r.sig))
        hurt(std::string(path::journal),
             fmt::format("the signature of record {} ({}) is not by a trusted key", r.seq,
                         to_string(r.what)));
  }

  // What a stop found missing or altered, and nobody wrote again since. A
  // contract among it that is there again is a stranger.
  expected_files given_up() const {
    expected_files now, lost;
    for (auto& r : records_) {
      for (auto& name : gone_of(r))
        if (auto it = now.find(name); it != now.end())
          lost.insert_or_assign(name, it->second);
      expect(now, r);
      for (auto& f : r.files)
        lost.erase(f.path);
    }
    return lost;
  }

  // The last append may not be finished in the folder if the process was
  // killed: the next start finishes it, and nothing is wrong. Its records
  // share one time.
  bool is_settling(std::string_view ledger_path, std::string_view sha256) const {
    for (auto r = records_.rbegin(); r != records_.rend() && r->time == records_.back().time; ++r)
      for (auto& m : moves_of(*r))
        if (m.from == ledger_path && m.sha256 == sha256)
          return true;
    return false;
  }

  void file(const expectation& want) {
    auto& name = want.file.path;
    auto found = root_.digest(in_tree(name));
    bool settling = found != want.file.sha256 && is_settling(name, found);
    if (found.empty())
      return hurt(name,
                  fmt::format("it is missing (or no regular file); record {} names it", want.seq));
    if (found != want.file.sha256 && !settling)
      hurt(name, fmt::format("it was altered: its SHA-256 is {}, record {} names {}", found,
                             want.seq, want.file.sha256));
    if (!settling)
      contract_file(want);
  }

  void contract_file(const expectation& want) {
    for (auto c : {contract::decisions, contract::final}) {
      if (want.file.path != path_of(c))
        continue;
      if (!want.is_signed)
        hurt(want.file.path,
             fmt::format("contract-forged: record {} behind it is not signed", want.seq));
      auto bytes = root_.read(in_tree(want.file.path), max_contract_bytes);
      if (!bytes || *bytes != contract_text(c, task_))
        hurt(want.file.path, fmt::format("contract-forged: its bytes are not `{}:{}` and a newline",
                                         to_string(c), task_));
    }
  }

  // Put, but its record never became durable: the next start puts it again.
  bool is_orphan_contract(std::string_view ledger_path) const {
    if (records_.empty() || records_.back().what != event::answered)
      return false;
    auto at = records_.back().at;
    auto c = at == step::decide   ? contract::decisions
             : at == step::review ? contract::final
                                  : contract::none;
    if (c == contract::none || ledger_path != path_of(c))
      return false;
    auto bytes = root_.read(in_tree(ledger_path), max_contract_bytes);
    return bytes && *bytes == contract_text(c, task_);
  }

  void strangers() {
    auto entries = root_.list(in_tree(contract_folder));
    if (!entries)
      return hurt(std::string(contract_folder), entries.error().detail);
    for (auto& e : *entries) {
      auto name = fmt::format("{}/{}", contract_folder, e.name);
      if (expected_.contains(name) || (e.is == tree::entry::kind::folder && e.name == "old"))
        continue;
      if (is_settling(name, root_.digest(in_tree(name))) || is_orphan_contract(name))
        continue;
      hurt(name, "contract-forged: no signed record stands behind it");
    }
  }

  const tree& root_;
  const keyring& keys_;
  const std::string& task_;
  const std::vector<record>& records_;
  expected_files expected_;
  std::vector<damage>& out_;
};

} // namespace

std::vector<damage> verify_ledger(const std::filesystem::path& root, const keyring& keys,
                                  const snapshot& found, const std::vector<std::string>& tasks) {
  auto wanted = [&](const std::string& task) {
    return tasks.empty() || std::find(tasks.begin(), tasks.end(), task) != tasks.end();
  };
  std::vector<damage> out;
  for (auto& d : found.damages)
    if (wanted(d.task))
      out.push_back(d);
  auto t = tree::open(root, false);
  if (!t) {
    out.push_back(damage{"", root.string(), t.error().detail});
    return out;
  }
  for (auto& [task, chain] : found.tasks)
    if (wanted(task))
      verification(*t, keys, task, chain.records, out).run();
  // Asked for by name, but no record, folder or head knows it.
  for (auto& task : tasks)
    if (!found.tasks.contains(task))
      out.push_back(damage{task, std::string(path::journal), "there is no such task"});
  return out;
}

} // namespace ledger::disk
