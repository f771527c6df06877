#include "ledger/disk/projection.hpp"

#include "ledger/digest.hpp"
#include "ledger/gate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace ledger::disk {

namespace {

std::string in_tree(std::string_view task, std::string_view ledger_path) {
  return fmt::format("{}/{}", task, ledger_path);
}

std::int64_t now_ms(const journal_hooks& hooks) {
  using namespace std::chrono;
  return hooks.now_ms ? hooks.now_ms()
                      : duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// Turns one append into records, file by file. See the head of projection.hpp.
class preparation {
public:
  preparation(const workshop& w, const append& a, const chain_tip& before,
              const expected_files& durable)
      : w_(w)
      , a_(a)
      , before_(before)
      , durable_(durable) {
    out_.task = a.task;
    out_.tip = before;
    // A clock that was set back must not make a chain go back.
    out_.tip.time_ms = std::max(before.time_ms, now_ms(w.hooks));
  }

  result<prepared> run() {
    if (before_.seq == 0)
      for (auto folder : task_folders)
        if (auto made = w_.root.make_folder(in_tree(a_.task, folder)); !made)
          return tl::make_unexpected(made.error());
    for (auto& d : a_.drafts)
      if (auto done = add(d); !done) {
        for (auto& s : out_.staged)
          w_.root.discard(s.temp);
        return tl::make_unexpected(done.error());
      }
    return std::move(out_);
  }

private:
  // Durable records want this file, or appends of this group that may become
  // durable without this one.
  bool is_wanted_before(std::string_view ledger_path) const {
    return durable_.contains(ledger_path) || before_.expected.contains(ledger_path);
  }

  tl::unexpected<failure> refuse(std::string why, std::string code) const {
    return fail(fault::refused, fmt::format("append {}: {}", a_.task, why), std::move(code));
  }

  result<void> add(const draft& d) {
    if (!d.detail.is_object() || d.detail.contains("moved"))
      return refuse("its detail is no object, or holds `moved` already", "malformed");
    record r;
    r.seq = out_.tip.seq + 1;
    r.time = format_time(out_.tip.time_ms);
    r.what = d.what;
    r.at = d.at;
    r.round = d.round;
    r.attempt = d.attempt;
    r.detail = d.detail;
    r.prev = out_.tip.line_sha256;
    auto moved = json::array();
    for (auto& m : d.moves) {
      if (auto done = move(m); !done)
        return done;
      moved.push_back(
          json{{"from", m.from}, {"to", m.to}, {"sha256", m.sha256}, {"bytes", m.bytes}});
    }
    if (!moved.empty())
      r.detail["moved"] = std::move(moved);
    for (auto& f : d.files)
      if (auto done = put(f, r); !done)
        return done;
    return seal(d, std::move(r));
  }

  result<void> seal(const draft& d, record r) {
    if (d.sign && !w_.keys.can_sign())
      return refuse("its record must be signed, but there is no signing key", "no-key");
    if (d.sign)
      r.sig = w_.keys.sign(signed_part(r));
    auto line = to_line(r);
    // Pair assertion: a line that we could not read again must never be written.
    if (auto again = parse_line(line); !again)
      return refuse(fmt::format("its record cannot be written: {}", again.error().detail),
                    "malformed");
    out_.tip.seq = r.seq;
    out_.tip.line_sha256 = sha256(line);
    for (auto& lost : gone_of(r))
      out_.tip.expected.erase(lost);
    out_.lines.push_back(std::move(line));
    out_.records->push_back(std::move(r));
    return {};
  }

  result<void> move(const file_move& m) {
    auto& expected = out_.tip.expected;
    auto from = expected.find(m.from);
    if (!is_ledger_path(m.from) || !is_ledger_path(m.to))
      return refuse(fmt::format("a move names no ledger path: {} to {}", m.from, m.to),
                    "malformed");
    if (from == expected.end() || from->second.file.sha256 != m.sha256
        || from->second.file.bytes != m.bytes)
      return refuse(fmt::format("{} is to be moved, but no record expects it so", m.from),
                    "malformed");
    // A link cannot be staged as a new file can: its name must be free already.
    if (expected.contains(m.to) || is_wanted_before(m.to))
      return refuse(fmt::format("{} is to be moved to {}, which a record expects", m.from, m.to),
                    "occupied");
    auto late = out_.tip.late.find(m.from);
    if (late != out_.tip.late.end()) {
      // Not in its place yet: its predecessor is. Never linked, written again.
      if (auto done = w_.root.put(in_tree(a_.task, m.to), *late->second, durability::none); !done)
        return done;
      out_.tip.late.erase(late);
    } else {
      if (w_.root.digest(in_tree(a_.task, m.from)) != m.sha256)
        return refuse(fmt::format("{} is missing or not what was recorded", m.from), "tampered");
      if (auto done = w_.root.link(in_tree(a_.task, m.from), in_tree(a_.task, m.to)); !done)
        return done;
    }
    auto is_signed = from->second.is_signed;
    expected.erase(from);
    expected[m.to] = expectation{file_ref{m.to, m.sha256, m.bytes}, out_.tip.seq + 1, is_signed};
    out_.originals.push_back(m.from);
    return {};
  }

  result<void> put(const file_write& f, record& r) {
    if (!f.content || !is_ledger_path(f.path))
      return refuse(fmt::format("`{}` is no ledger path, or has no content", f.path), "malformed");
    if (out_.tip.expected.contains(f.path))
      return refuse(
          fmt::format("{} would replace a recorded file; it must move to old/ first", f.path),
          "occupied");
    auto name = in_tree(a_.task, f.path);
    if (w_.hooks.before_put)
      if (auto done = w_.hooks.before_put(name); !done)
        return done;
    file_ref ref{f.path, sha256(*f.content), f.content->size()};
    bool is_late = is_wanted_before(f.path);
    bool is_large = f.content->size() > w_.sync_directly_bytes;
    if (is_late) {
      auto temp = w_.root.stage(*f.content, durability::none, name);
      if (!temp)
        return tl::make_unexpected(temp.error());
      out_.staged.push_back(staged_file{f.path, *temp, ref.sha256});
      out_.tip.late[f.path] = f.content;
    } else if (auto done =
                   w_.root.put(name, *f.content, is_large ? durability::synced : durability::none);
               !done) {
      return done;
    }
    // A late file has no name yet that could be synced: the database holds it.
    if (is_late || !is_large)
      out_.pending.push_back(pending_bytes{out_.records->size(), ref.sha256, f.content});
    out_.tip.expected[f.path] = expectation{ref, r.seq, false};
    r.files.push_back(std::move(ref));
    return {};
  }

  const workshop& w_;
  const append& a_;
  const chain_tip& before_;
  const expected_files& durable_;
  prepared out_;
};

} // namespace

result<prepared> prepare(const workshop& w, const append& a, const chain_tip& before,
                         const expected_files& durable) {
  auto first = static_cast<unsigned char>(a.task.empty() ? '.' : a.task.front());
  if (first == '.' || a.task.find('/') != std::string::npos || !is_ledger_path(a.task)
      || a.task.size() > 128)
    return fail(fault::refused, fmt::format("append: `{}` cannot name a task", a.task),
                "malformed");
  if (a.drafts.empty())
    return fail(fault::refused, fmt::format("append {}: it holds no record", a.task), "malformed");
  if (a.after_seq != before.seq)
    return fail(fault::refused,
                fmt::format("append {}: it follows record {}, but the last one is {}", a.task,
                            a.after_seq, before.seq),
                "stale");
  return preparation(w, a, before, durable).run();
}

projection projection_of(prepared& p, std::uint64_t first_id) {
  projection out;
  out.task = p.task;
  out.first_id = first_id;
  for (std::size_t i = 0; i < p.lines.size(); ++i) {
    out.lines += p.lines[i] + "\n";
    auto& r = (*p.records)[i];
    if (!r.sig.empty())
      out.head =
          signed_head{r.seq, i + 1 < p.lines.size() ? (*p.records)[i + 1].prev : p.tip.line_sha256};
  }
  out.staged = std::move(p.staged);
  out.originals = std::move(p.originals);
  return out;
}

result<void> project(const tree& root, const keyring& keys, chain& c, projection& p) {
  for (; !p.staged.empty(); p.staged.erase(p.staged.begin())) {
    auto& s = p.staged.front();
    auto want = c.tip.expected.find(s.path);
    if (want == c.tip.expected.end() || want->second.file.sha256 != s.sha256)
      root.discard(s.temp); // Moved on in the same group.
    else if (auto done = root.place(s.temp, in_tree(p.task, s.path)); !done)
      return done;
    else
      c.tip.late.erase(s.path);
  }
  if (!p.lines.empty()) {
    auto done = root.write_tail(in_tree(p.task, path::journal), {c.journal_bytes, c.journal_bytes},
                                p.lines);
    // A journal that was there and is gone was removed by somebody.
    if (!done && done.error().kind == fault::not_found)
      return fail(fault::corrupt, done.error().detail);
    if (!done)
      return done;
    c.journal_bytes += p.lines.size();
    p.lines.clear();
  }
  for (; !p.originals.empty(); p.originals.pop_back())
    if (!c.tip.expected.contains(p.originals.back()))
      if (auto done = root.remove(in_tree(p.task, p.originals.back())); !done)
        return done;
  // A head may lag, but not for good: it is what a cut-off journal is seen by.
  if (p.head)
    if (auto done = keys.remember_head(p.task, *p.head); !done)
      return done;
  p.head.reset();
  return {};
}

namespace {

class healing {
public:
  healing(const tree& root, const database& db, const copies& e, const finding& f,
          const circumstances& c)
      : root_(root)
      , db_(db)
      , e_(e)
      , f_(f)
      , c_(c)
      , expected_(expected_after(f.records)) {}

  result<std::vector<std::string>> run() {
    for (auto i = f_.settled_seq; i < f_.records.size(); ++i)
      for (auto& m : moves_of(f_.records[i]))
        moves_.push_back(m);
    if (auto done = moves_again(); !done)
      return tl::make_unexpected(done.error());
    for (auto& [name, want] : expected_)
      if (want.seq > f_.settled_seq && want.seq <= e_.stored.size())
        if (auto done = file(want); !done)
          return tl::make_unexpected(done.error());
    for (auto& m : moves_)
      if (auto done = original(m); !done)
        return tl::make_unexpected(done.error());
    return std::move(said_);
  }

private:
  bool is_at(std::string_view ledger_path, std::string_view sha256) const {
    return root_.digest(in_tree(e_.task, ledger_path)) == sha256;
  }

  // A power cut may have taken the second name of what moved; the first is then
  // the only one, until new content takes its place.
  result<void> moves_again() {
    bool any = false;
    for (auto& m : moves_) {
      auto want = expected_.find(m.to);
      if (!c_.rebooted || want == expected_.end() || want->second.file.sha256 != m.sha256
          || is_at(m.to, m.sha256))
        continue;
      // It may have moved on: any of its names will do.
      auto source = std::find_if(moves_.begin(), moves_.end(), [&](auto& n) {
        return n.sha256 == m.sha256 && is_at(n.from, m.sha256);
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

  // Within one boot: only a name that has not changed hands yet. Its old
  // content still being there proves that nobody but us is at work.
  bool may_put(const file_ref& want) const {
    return c_.rebooted || std::any_of(moves_.begin(), moves_.end(), [&](auto& m) {
             return m.from == want.path && is_at(m.from, m.sha256);
           });
  }

  result<void> file(const expectation& want) {
    if (is_at(want.file.path, want.file.sha256) || !may_put(want.file))
      return {};
    auto name = in_tree(e_.task, want.file.path);
    auto bytes = db_.pending(e_.task, want.file.sha256);
    if (!bytes)
      return tl::make_unexpected(bytes.error());
    // A digest again: what the database holds must be what was recorded.
    if (*bytes && sha256(**bytes) == want.file.sha256) {
      if (auto done = root_.put(name, **bytes, durability::none); !done)
        return done;
      said_.push_back(fmt::format("{}: restored {} from the database", e_.task, want.file.path));
      return {};
    }
    return {}; // Missing or altered: gates and verify name it.
  }

  // A moved file's original goes only if it is what moved, and has arrived.
  result<void> original(const file_move& m) {
    if (expected_.contains(m.from) || !is_at(m.from, m.sha256))
      return {};
    auto target = expected_.find(m.to);
    if (target != expected_.end() && !is_at(m.to, target->second.file.sha256))
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
  std::vector<file_move> moves_;
  std::vector<std::string> said_;
};

} // namespace

result<std::vector<std::string>> heal_files(const tree& root, const database& db, const copies& e,
                                            const finding& f, const circumstances& c) {
  if (e.stored.empty() || e.stored.back().id <= c.settled())
    return std::vector<std::string>{};
  return healing(root, db, e, f, c).run();
}

result<std::vector<std::string>> drop_unrecorded_contract(const tree& root, const copies& e,
                                                          const finding& f) {
  std::vector<std::string> said;
  auto c = unrecorded_contract(e.task, f.records);
  if (c == contract::none)
    return said;
  auto name = in_tree(e.task, path_of(c));
  if (root.digest(name) != sha256(contract_text(c, e.task)))
    return said; // Nothing there, or not ours: gates and verify name it.
  if (auto done = root.remove(name); !done)
    return tl::make_unexpected(done.error());
  said.push_back(fmt::format("{}: removed {}, put before a kill and never recorded: its answer is "
                             "judged again",
                             e.task, path_of(c)));
  return said;
}

} // namespace ledger::disk
