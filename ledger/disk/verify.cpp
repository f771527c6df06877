#include "ledger/disk/verify.hpp"

#include "ledger/approving.hpp"
#include "ledger/digest.hpp"
#include "ledger/disk/growing.hpp"
#include "ledger/disk/recovery.hpp"
#include "ledger/disk/tree.hpp"
#include "ledger/gate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>

namespace ledger::disk {

namespace {

constexpr std::string_view contract_folder = "contract";
constexpr std::size_t max_contract_bytes = 4096;

constexpr int looks_max = 10;

bool is_same(const damage& a, const damage& b) {
  return a.task == b.task && a.file == b.file && a.why == b.why;
}

// What files of a task held before its picture was taken, by ledger path;
// nothing: none was there.
struct earlier_look {
  std::map<std::string, std::optional<std::string>, std::less<>> contents;
  std::uint64_t settled_seq = 0;
};

class verification {
public:
  verification(const tree& root, const keyring& keys, const std::string& task,
               const chain_state& chain, const earlier_look* earlier, std::vector<damage>& out,
               const std::filesystem::path& folder)
      : root_(root)
      , folder_(folder)
      , keys_(keys)
      , task_(task)
      , records_(chain.records)
      , earlier_(earlier)
      , settled_seq_(earlier ? std::min(earlier->settled_seq, chain.settled_seq)
                             : chain.settled_seq)
      , expected_(expected_after(chain.records))
      , growths_(growths_after(chain.records))
      , unrecorded_(unrecorded_contract(task, chain.records))
      , out_(out) {}

  void run() {
    owner();
    for (auto& want : expected_)
      file(want);
    for (auto& want : given_up())
      if (!is_contract_path(want.file.path))
        file(want);
      else if (digest(want.file.path).empty())
        hurt(want.file.path, fmt::format("it is missing; record {} names it", want.seq));
    terms();
    strangers();
  }

private:
  void hurt(std::string file, std::string why) {
    damage d{task_, std::move(file), std::move(why)};
    if (std::none_of(out_.begin(), out_.end(), [&](auto& o) { return is_same(o, d); }))
      out_.push_back(std::move(d));
  }

  std::string in_tree(std::string_view ledger_path) const {
    return fmt::format("{}/{}", task_, ledger_path);
  }

  std::optional<std::string> content(std::string_view ledger_path) const {
    if (earlier_)
      if (auto it = earlier_->contents.find(ledger_path); it != earlier_->contents.end())
        return it->second;
    auto text = root_.read(in_tree(ledger_path));
    return text ? std::optional(std::move(*text)) : std::nullopt;
  }

  /// Empty: not there.
  std::string digest(std::string_view ledger_path) const {
    if (!earlier_ || !earlier_->contents.contains(ledger_path))
      return root_.digest(in_tree(ledger_path));
    auto text = content(ledger_path);
    return text ? sha256(*text) : std::string{};
  }

  void owner() {
    for (auto& r : records_)
      if (auto why = not_of_this_task(r, task_, keys_))
        hurt(std::string(path::journal), std::move(*why));
  }

  // A contract that stands must have been given for what is there now, as the
  // gate demands (gate.hpp, 2). What is gone or given up was named already.
  void terms() {
    auto s = fold(task_, records_);
    if (!s)
      return; // Records that no state fits: the caller tells.
    for (auto c : contracts) {
      auto* standing = contract_of(*s, c);
      if (!standing)
        continue;
      auto text = text_behind(c, standing->for_step);
      if (auto* f = file_of(*s, text); f && f->sha256 != standing->text_sha256)
        hurt(std::string(path_of(c)),
             fmt::format("contract-forged: record {} gave it for another text than {}",
                         standing->seq, text));
      bool other_tree = c == contract::final && standing->tree != approved_tree_of(*s);
      bool other_than_approved = standing->for_step == step::deliver && !covers(*standing, s->tree);
      if (other_tree || other_than_approved)
        hurt(std::string(path_of(c)),
             fmt::format("contract-forged: record {} gave it for tree {}, the candidate is {}",
                         standing->seq, standing->tree,
                         other_tree ? approved_tree_of(*s) : s->tree));
    }
  }

  // What a stop found missing or altered, and nobody wrote again since. A
  // contract among it that is there again is a stranger.
  expected_files given_up() const {
    expected_files now, lost;
    for (auto& r : records_) {
      for (auto& name : gone_of(r))
        if (auto* gone = now.find(name))
          lost.put(*gone);
      expect(now, r);
      for (auto& f : r.files)
        lost.erase(f.path);
    }
    return lost;
  }

  // The last appends may not be finished in the folder if the process was
  // killed: the next start finishes them, and nothing is wrong.
  bool is_settling(std::string_view ledger_path, std::string_view sha256) const {
    for (auto i = settled_seq_; i < records_.size(); ++i)
      for (auto& m : moves_of(records_[i]))
        if (m.from == ledger_path && (m.sha256 == sha256 || is_part(ledger_path, m.sha256)))
          return true;
    return false;
  }

  // A file that grew lately may have its last chunks not yet, or one in part; or
  // it moved without them, and this is what it left. That the part is the
  // beginning of its chunk is known to the next start, which has the bytes.
  bool is_part(std::string_view ledger_path, std::string_view whole_sha256) const {
    auto* g = growth_to(growths_, whole_sha256);
    if (!g || settled_chunks(*g, settled_seq_) == g->size())
      return false;
    auto text = content(ledger_path);
    auto p = text ? part_of(*text, *g, settled_seq_) : std::nullopt;
    return p && p->chunks < g->size() && p->rest.size() < (*g)[p->chunks].bytes;
  }

  void file(const expectation& want) {
    auto& name = want.file.path;
    auto found = digest(name);
    bool settling =
        found != want.file.sha256 && (is_settling(name, found) || is_part(name, want.file.sha256));
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
    for (auto c : contracts) {
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
  bool is_unrecorded(std::string_view ledger_path) const {
    if (unrecorded_ == contract::human
        && !is_announced(read_note(folder_, approval_note(task_)), records_))
      return false;
    return unrecorded_ != contract::none && ledger_path == path_of(unrecorded_)
           && root_.digest(in_tree(ledger_path)) == sha256(contract_text(unrecorded_, task_));
  }

  void strangers() {
    auto entries = root_.list(in_tree(contract_folder));
    if (!entries)
      return hurt(std::string(contract_folder), entries.error().detail);
    for (auto& e : *entries) {
      auto name = fmt::format("{}/{}", contract_folder, e.name);
      if (expected_.contains(name) || (e.is == tree::entry::kind::folder && e.name == "old"))
        continue;
      if (is_settling(name, digest(name)) || is_unrecorded(name))
        continue;
      hurt(name, "contract-forged: no signed record stands behind it");
    }
  }

  const tree& root_;
  const std::filesystem::path& folder_; ///< Of root_.
  const keyring& keys_;
  const std::string& task_;
  const std::vector<record>& records_;
  const earlier_look* earlier_;
  std::uint64_t settled_seq_;
  expected_files expected_;
  growths growths_;
  contract unrecorded_;
  std::vector<damage>& out_;
};

earlier_look look(const tree& root, const std::string& task, const std::vector<damage>& named) {
  earlier_look out;
  for (auto& d : named)
    if (is_ledger_path(d.file)) {
      auto text = root.read(task + "/" + d.file);
      out.contents[d.file] = text ? std::optional(std::move(*text)) : std::nullopt;
    }
  return out;
}

// Beside a running scheduler files grow and move while they are looked at. What
// is written is committed before: so what looks wrong is read once more and then
// judged by a picture that is taken after. If that shows no later record it is
// wrong; if it does, every state since the former picture is right.
void look_again(const std::filesystem::path& folder, const tree& root, const keyring& keys,
                const snapshot& found, std::map<std::string, std::vector<damage>>& seen) {
  struct former {
    std::size_t records;
    std::uint64_t settled_seq;
  };
  std::map<std::string, former> open;
  for (auto& [task, all] : seen) {
    auto& chain = found.tasks.at(task);
    open[task] = {chain.records.size(), chain.settled_seq};
  }
  for (int i = 0; i < looks_max && !open.empty(); ++i) {
    std::map<std::string, earlier_look> looks;
    for (auto& [task, before] : open) {
      looks[task] = look(root, task, seen[task]);
      looks[task].settled_seq = before.settled_seq;
    }
    auto newer = read_snapshot(folder, keys);
    if (!newer)
      return;
    for (auto it = open.begin(); it != open.end();) {
      auto& [task, before] = *it;
      auto chain = newer->tasks.find(task);
      bool moved_on = chain != newer->tasks.end() && chain->second.records.size() > before.records;
      if (moved_on) {
        seen[task].clear();
        verification(root, keys, task, chain->second, &looks[task], seen[task], folder).run();
        before = {chain->second.records.size(), chain->second.settled_seq};
      }
      it = moved_on && !seen[task].empty() ? std::next(it) : open.erase(it);
    }
  }
}

} // namespace

std::vector<damage> verify_ledger(const std::filesystem::path& root, const keyring& keys,
                                  const snapshot& found, const std::vector<std::string>& tasks) {
  auto wanted = [&](const std::string& task) {
    return tasks.empty() || std::find(tasks.begin(), tasks.end(), task) != tasks.end();
  };
  std::vector<damage> out;
  if (!keys.trouble().empty())
    out.push_back(damage{"", "keys", keys.trouble()});
  for (auto& d : found.damages)
    if (wanted(d.task))
      out.push_back(d);
  auto t = tree::open(root, false);
  if (!t) {
    out.push_back(damage{"", root.string(), t.error().detail});
    return out;
  }
  std::map<std::string, std::vector<damage>> seen;
  for (auto& [task, chain] : found.tasks)
    if (wanted(task))
      verification(*t, keys, task, chain, nullptr, seen[task], root).run();
  std::erase_if(seen, [](auto& entry) { return entry.second.empty(); });
  look_again(root, *t, keys, found, seen);
  for (auto& [task, all] : seen)
    for (auto& d : all)
      if (std::none_of(out.begin(), out.end(), [&](auto& o) { return is_same(o, d); }))
        out.push_back(std::move(d));
  // Asked for by name, but no record, folder or head knows it.
  for (auto& task : tasks)
    if (!found.tasks.contains(task))
      out.push_back(damage{task, std::string(path::journal), "there is no such task"});
  return out;
}

} // namespace ledger::disk
