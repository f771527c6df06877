// What a start completes in a task's files: recovery.hpp, invariants 2 and 3.

#include "ledger/digest.hpp"
#include "ledger/disk/growing.hpp"
#include "ledger/disk/projection.hpp"
#include "ledger/gate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace ledger::disk {

namespace {

std::string in_tree(std::string_view task, std::string_view ledger_path) {
  return fmt::format("{}/{}", task, ledger_path);
}

class healing {
public:
  healing(const tree& root, const database& db, const copies& e, const finding& f,
          const circumstances& c)
      : root_(root)
      , db_(db)
      , e_(e)
      , f_(f)
      , c_(c)
      , expected_(expected_after(f.records))
      , growths_(growths_after(f.records)) {
    for (auto i = f_.settled_seq; i < f_.records.size(); ++i)
      for (auto& m : moves_of(f_.records[i]))
        moves_.push_back(m);
  }

  result<std::vector<std::string>> files() {
    if (auto done = moves_again(); !done)
      return tl::make_unexpected(done.error());
    for (auto& want : expected_)
      if (want.seq > f_.settled_seq && want.seq <= e_.stored.size())
        if (auto done = file(want); !done)
          return tl::make_unexpected(done.error());
    return std::move(said_);
  }

  result<std::vector<std::string>> originals() {
    for (auto& m : moves_)
      if (auto done = original(m); !done)
        return tl::make_unexpected(done.error());
    return std::move(said_);
  }

private:
  bool is_at(std::string_view ledger_path, std::string_view sha256) const {
    return root_.digest(in_tree(e_.task, ledger_path)) == sha256;
  }

  std::string content_at(std::string_view ledger_path) const {
    return root_.read(in_tree(e_.task, ledger_path)).value_or("");
  }

  // The digest of what moved, or, if it had grown shortly before, what a power
  // cut could not take from it: the rest is in the database.
  bool has_what_settled(std::string_view ledger_path, std::string_view sha256) const {
    if (is_at(ledger_path, sha256))
      return true;
    auto* g = growth_to(growths_, sha256);
    return g && settled_chunks(*g, f_.settled_seq) > 0
           && part_of(content_at(ledger_path), *g, f_.settled_seq);
  }

  // A power cut may have taken the second name of what moved; the first is then
  // the only one, until new content takes its place.
  result<void> moves_again() {
    bool any = false;
    for (auto& m : moves_) {
      auto* want = expected_.find(m.to);
      if (!c_.rebooted || !want || want->file.sha256 != m.sha256
          || has_what_settled(m.to, m.sha256))
        continue;
      // It may have moved on: any of its names will do.
      auto source = std::find_if(moves_.begin(), moves_.end(), [&](auto& n) {
        return n.sha256 == m.sha256 && has_what_settled(n.from, m.sha256);
      });
      if (source == moves_.end())
        continue;
      if (auto done = root_.link(in_tree(e_.task, source->from), in_tree(e_.task, m.to)); !done)
        return done;
      said_.push_back(fmt::format("{}: moved {} to {} again", e_.task, source->from, m.to));
      any = true;
    }
    // Durable before its first name goes: another power cut may follow.
    return any ? root_.sync_file_system() : result<void>{};
  }

  bool has_moved_away(std::string_view ledger_path) const {
    return std::any_of(moves_.begin(), moves_.end(),
                       [&](auto& m) { return m.from == ledger_path; });
  }

  // What moved still stands where it was. It may have moved before its last
  // chunks were written there: they are in its new place.
  bool is_original(const file_move& m) const {
    if (is_at(m.from, m.sha256))
      return true;
    auto* g = growth_to(growths_, m.sha256);
    return g && is_part(content_at(m.from), *g);
  }

  // Within one boot: only a name that has not changed hands yet. Its old
  // content still being there proves that nobody but us is at work.
  bool may_put(const file_ref& want) const {
    return c_.rebooted || std::any_of(moves_.begin(), moves_.end(), [&](auto& m) {
             return m.from == want.path && is_original(m);
           });
  }

  result<void> file(const expectation& want) {
    if (auto g = growths_.find(want.file.path); g != growths_.end())
      return grown(want.file, g->second);
    if (is_at(want.file.path, want.file.sha256) || !may_put(want.file))
      return {};
    auto name = in_tree(e_.task, want.file.path);
    auto bytes = stored(want.file.sha256);
    if (!bytes)
      return tl::make_unexpected(bytes.error());
    if (!*bytes)
      return {}; // Missing or altered: gates and verify name it.
    if (auto done = root_.put(name, **bytes, durability::none); !done)
      return done;
    said_.push_back(fmt::format("{}: restored {} from the database", e_.task, want.file.path));
    return {};
  }

  // A digest again: what the database holds must be what was recorded.
  result<std::optional<std::string>> stored(const std::string& digest) const {
    auto bytes = db_.pending(e_.task, digest);
    if (bytes && *bytes && sha256(**bytes) != digest)
      bytes->reset();
    return bytes;
  }

  // The chunks from number `first` on; nothing if the database has not all of them.
  result<std::optional<std::string>> stored_from(const growth& g, std::size_t first) const {
    std::string out;
    for (auto i = first; i < g.size(); ++i) {
      auto bytes = stored(g[i].sha256);
      if (!bytes || !*bytes)
        return bytes;
      out += **bytes;
    }
    return std::optional(std::move(out));
  }

  // Whether a killed process may have left this (growing.hpp, 2).
  bool is_part(std::string_view content, const growth& g) const {
    auto p = part_of(content, g, f_.settled_seq);
    if (!p || p->chunks == g.size())
      return p && p->rest.empty();
    auto next = stored(g[p->chunks].sha256);
    return next && *next && std::string_view(**next).starts_with(p->rest);
  }

  // All of it anew, even if it looks whole: what stands there may be its
  // predecessor, whose bytes have a second name in old/ and must never grow.
  result<void> put_grown(const file_ref& want, const growth& g, bool is_whole) {
    auto all = stored_from(g, 0);
    if (!all)
      return tl::make_unexpected(all.error());
    if (!*all)
      return {};
    if (!is_whole)
      said_.push_back(fmt::format("{}: restored {} from the database", e_.task, want.path));
    return root_.put(in_tree(e_.task, want.path), **all, durability::none);
  }

  result<void> grown(const file_ref& want, const growth& g) {
    auto name = in_tree(e_.task, want.path);
    auto content = root_.read(name);
    bool is_whole = content && sha256(*content) == want.sha256;
    auto settled = settled_chunks(g, f_.settled_seq);
    bool moved = has_moved_away(want.path);
    if (settled == 0 && (moved ? is_whole || may_put(want) : c_.rebooted && !is_whole))
      return put_grown(want, g, is_whole);
    if (is_whole || !content || (!c_.rebooted && !is_part(*content, g)))
      return {};
    auto p = part_of(*content, g, f_.settled_seq);
    // What a checkpoint saw is not there, or it saw all of it: gates and verify
    // name what is wrong.
    if (!p || settled == g.size())
      return {};
    auto tail = stored_from(g, p->chunks);
    if (!tail)
      return tl::make_unexpected(tail.error());
    if (!*tail)
      return {};
    if (auto done = root_.write_tail(name, {content->size(), g[p->chunks - 1].end()}, **tail);
        !done)
      return done;
    said_.push_back(fmt::format("{}: completed {} from the database", e_.task, want.path));
    return {};
  }

  // A moved file's original goes only if it is what moved, and has arrived.
  result<void> original(const file_move& m) {
    if (expected_.contains(m.from) || !is_original(m))
      return {};
    auto* target = expected_.find(m.to);
    if (target && !is_at(m.to, target->file.sha256))
      return {};
    if (auto done = root_.remove(in_tree(e_.task, m.from)); !done)
      return done;
    said_.push_back(fmt::format("{}: finished moving {} to {}", e_.task, m.from, m.to));
    return {};
  }

  const tree& root_;
  const database& db_;
  const copies& e_;
  const finding& f_;
  const circumstances& c_;
  expected_files expected_;
  growths growths_;
  std::vector<file_move> moves_;
  std::vector<std::string> said_;
};

} // namespace

result<std::vector<std::string>> heal_files(const tree& root, const database& db, const copies& e,
                                            const finding& f, const circumstances& c) {
  if (e.stored.empty() || e.stored.back().id <= c.settled())
    return std::vector<std::string>{};
  return healing(root, db, e, f, c).files();
}

result<std::vector<std::string>> heal_originals(const tree& root, const database& db,
                                                const copies& e, const finding& f,
                                                const circumstances& c) {
  if (e.stored.empty() || e.stored.back().id <= c.settled())
    return std::vector<std::string>{};
  return healing(root, db, e, f, c).originals();
}

result<std::vector<std::string>> cut_unrecorded_tails(const tree& root, const copies& e,
                                                      const finding& f, const circumstances& c) {
  std::vector<std::string> said;
  if (c.has_database && f.only_in_folder == 0)
    return said;
  for (auto& [path, g] : growths_after(f.records)) {
    auto name = in_tree(e.task, path);
    auto size = root.size(name);
    if (!size || *size <= g.back().end())
      continue;
    auto content = root.read(name);
    if (!content || chunks_in(*content, g) != g.size())
      continue; // Altered: gates and verify name it.
    if (auto done = root.write_tail(name, {content->size(), g.back().end()}, {}); !done)
      return tl::make_unexpected(done.error());
    said.push_back(fmt::format("{}: cut {} bytes that no record tells of from {}", e.task,
                               content->size() - g.back().end(), path));
  }
  return said;
}

result<std::vector<std::string>> drop_unrecorded_contract(const tree& root, const database& db,
                                                          const copies& e, const finding& f) {
  std::vector<std::string> said;
  auto c = unrecorded_contract(e.task, f.records);
  if (c == contract::none)
    return said;
  if (c == contract::human && !is_announced(db.note(approval_note(e.task)), f.records))
    return said; // By another hand.
  auto name = in_tree(e.task, path_of(c));
  if (root.digest(name) != sha256(contract_text(c, e.task)))
    return said; // Nothing there, or not ours: gates and verify name it.
  if (auto done = root.remove(name); !done)
    return tl::make_unexpected(done.error());
  said.push_back(
      fmt::format("{}: removed {}, put before a kill and never recorded: {}", e.task, path_of(c),
                  c == contract::human ? "approve again" : "its answer is judged again"));
  return said;
}

} // namespace ledger::disk
