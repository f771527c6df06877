#include "ledger/disk/projection.hpp"

#include "ledger/digest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

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

// Of ten thousand tasks that wait nearly all have nothing late and nothing growing.
template <class Map>
void forget(sparse<Map>& all, std::string_view ledger_path) {
  auto it = all->find(ledger_path);
  if (it == all->end())
    return;
  all.edit().erase(it);
  if (all->empty())
    all.clear();
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
    note_standing();
    return std::move(out_);
  }

private:
  // Where the task stands after it, if that is at rest and the caller knew where it stood
  // before: what somebody would else read, check and fold once more.
  void note_standing() {
    if (!a_.before || a_.before->task != a_.task || a_.before->seq != a_.after_seq
        || !may_rest_after(out_.records->back().what))
      return;
    auto state = fold(*a_.before, *out_.records);
    if (state && state->at_rest()) // Who reads records that do not fit tells why.
      out_.standing = to_text(standing_of(*state));
  }

  // Durable records want this file, or appends of this group that may become
  // durable without this one.
  bool is_wanted_before(std::string_view ledger_path) const {
    return durable_.contains(ledger_path) || before_.expected.contains(ledger_path);
  }

  tl::unexpected<failure> refuse(std::string why, std::string code) const {
    return fail(fault::refused, fmt::format("append {}: {}", a_.task, why), std::move(code));
  }

  result<void> add(const draft& d) {
    if (!d.detail.is_object() || d.detail.contains("moved") || d.detail.contains("appended"))
      return refuse("its detail is no object, or holds `moved` or `appended` already", "malformed");
    if (auto twice = named_twice(d))
      return refuse(fmt::format("{} is written twice by one record", *twice), "malformed");
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
    auto appended = json::array();
    for (auto& f : d.appends) {
      auto g = extend(f, r);
      if (!g)
        return tl::make_unexpected(g.error());
      appended.push_back(
          json{{"path", g->path}, {"at", g->at}, {"sha256", g->sha256}, {"bytes", g->bytes}});
    }
    if (!appended.empty())
      r.detail["appended"] = std::move(appended);
    return seal(d, std::move(r));
  }

  static std::optional<std::string> named_twice(const draft& d) {
    for (auto& f : d.appends) {
      auto is_it = [&](auto& other) { return other.path == f.path; };
      if (std::count_if(d.appends.begin(), d.appends.end(), is_it) > 1
          || std::any_of(d.files.begin(), d.files.end(), is_it))
        return f.path;
    }
    return std::nullopt;
  }

  result<void> seal(const draft& d, record r) {
    if (d.sign && !w_.keys.can_sign())
      return refuse("its record must be signed, but there is no signing key", "no-key");
    if (d.sign)
      r.sig = w_.keys.sign(signed_part(r));
    // Pair assertion: a line that we could not read again must never be written.
    auto line = readable_line(r);
    if (!line)
      return refuse(fmt::format("its record cannot be written: {}", line.error().detail),
                    "malformed");
    out_.tip.seq = r.seq;
    r.line_sha256 = out_.tip.line_sha256 = sha256(*line);
    // Of these gates ask. Whether it becomes durable is another question.
    auto is_contract = [](auto& f) { return is_contract_path(f.path); };
    if (d.sign && std::any_of(d.files.begin(), d.files.end(), is_contract))
      w_.keys.vouch_for(r.line_sha256);
    for (auto& lost : gone_of(r)) {
      out_.tip.expected.erase(lost);
      forget(out_.tip.late, lost);
      forget(out_.tip.growing, lost);
    }
    out_.lines.push_back(std::move(*line));
    out_.records->push_back(std::move(r));
    return {};
  }

  result<void> move(const file_move& m) {
    auto& expected = out_.tip.expected;
    auto* from = expected.find(m.from);
    if (!is_ledger_path(m.from) || !is_ledger_path(m.to))
      return refuse(fmt::format("a move names no ledger path: {} to {}", m.from, m.to),
                    "malformed");
    if (!from || from->file.sha256 != m.sha256 || from->file.bytes != m.bytes)
      return refuse(fmt::format("{} is to be moved, but no record expects it so", m.from),
                    "malformed");
    // A link cannot be staged as a new file can: its name must be free already.
    if (expected.contains(m.to) || is_wanted_before(m.to))
      return refuse(fmt::format("{} is to be moved to {}, which a record expects", m.from, m.to),
                    "occupied");
    auto late = out_.tip.late->find(m.from);
    auto growing = out_.tip.growing->find(m.from);
    if (growing != out_.tip.growing->end()
        && (late != out_.tip.late->end() || !growing->second.waiting.empty())) {
      if (auto done = write_out(m, growing->second); !done)
        return done;
    } else if (late != out_.tip.late->end()) {
      // Not in its place yet: its predecessor is. Never linked, written again.
      if (auto done = w_.root.put(in_tree(a_.task, m.to), *late->second, durability::none); !done)
        return done;
    } else {
      if (w_.root.digest(in_tree(a_.task, m.from)) != m.sha256)
        return refuse(fmt::format("{} is missing or not what was recorded", m.from), "tampered");
      if (auto done = w_.root.link(in_tree(a_.task, m.from), in_tree(a_.task, m.to)); !done)
        return done;
    }
    forget(out_.tip.late, m.from);
    forget(out_.tip.growing, m.from);
    auto is_signed = from->is_signed;
    expected.erase(m.from);
    expected.put({{m.to, m.sha256, m.bytes}, out_.tip.seq + 1, is_signed, 0});
    out_.originals.push_back(m.from);
    return {};
  }

  // What moves while its end is still in memory. Synced: what a checkpoint saw of
  // it will have no other name.
  result<void> write_out(const file_move& m, const open_file& f) {
    std::string whole;
    if (auto late = out_.tip.late->find(m.from); late != out_.tip.late->end()) {
      whole = *late->second;
    } else {
      auto there = w_.root.read(in_tree(a_.task, m.from));
      if (!there && there.error().kind == fault::unavailable)
        return tl::make_unexpected(there.error());
      if (there)
        whole = std::move(*there);
    }
    for (auto& c : f.waiting)
      whole += *c;
    if (sha256(whole) != m.sha256)
      return refuse(fmt::format("{} is missing or not what was recorded", m.from), "tampered");
    return w_.root.put(in_tree(a_.task, m.to), whole, durability::synced);
  }

  result<void> put(const file_write& f, record& r) {
    if (!f.content || !is_ledger_path(f.path))
      return refuse(fmt::format("`{}` is no ledger path, or has no content", f.path), "malformed");
    if (out_.tip.expected.contains(f.path))
      return refuse(
          fmt::format("{} would replace a recorded file; it must move to old/ first", f.path),
          "occupied");
    file_ref ref{f.path, sha256(*f.content), f.content->size()};
    bool is_large = f.content->size() > w_.sync_directly_bytes;
    auto is_late = place(f, ref.sha256, is_large ? durability::synced : durability::none, 0);
    if (!is_late)
      return tl::make_unexpected(is_late.error());
    // A late file has no name yet that could be synced: the database holds it.
    if (*is_late || !is_large)
      out_.pending.push_back(pending_bytes{out_.records->size(), ref.sha256, f.content});
    out_.tip.expected.put({ref, r.seq, false, 0});
    r.files.push_back(std::move(ref));
    return {};
  }

  // Puts a new file, or stages it where a recorded one still stands: true then.
  result<bool> place(const file_write& f, const std::string& digest, durability d,
                     std::uint64_t begun_seq) {
    auto name = in_tree(a_.task, f.path);
    if (w_.hooks.before_put)
      if (auto done = w_.hooks.before_put(name); !done)
        return tl::make_unexpected(done.error());
    if (!is_wanted_before(f.path)) {
      if (auto done = w_.root.put(name, *f.content, d); !done)
        return tl::make_unexpected(done.error());
      return false;
    }
    auto temp = w_.root.stage(*f.content, durability::none, name);
    if (!temp)
      return tl::make_unexpected(temp.error());
    out_.staged.push_back(staged_file{f.path, *temp, digest, begun_seq});
    out_.tip.late.edit()[f.path] = f.content;
    return true;
  }

  // Always in the database too, whatever the size: growing.hpp, 1.
  result<file_growth> extend(const file_append& f, record& r) {
    if (!f.content || f.content->empty() || !is_ledger_path(f.path))
      return refuse(fmt::format("`{}` is no ledger path, or nothing is appended to it", f.path),
                    "malformed");
    auto* known = out_.tip.expected.find(f.path);
    bool begins = !known;
    if (known && known->begun_seq == 0)
      return refuse(fmt::format("{} would change a recorded file: only what an append began, and "
                                "where it began, can be continued",
                                f.path),
                    "occupied");
    file_growth g{f.path, begins ? 0 : known->file.bytes, sha256(*f.content), f.content->size()};
    auto begun_seq = begins ? r.seq : known->begun_seq;
    if (begins) {
      if (auto is_late = place({f.path, f.content}, g.sha256, durability::none, begun_seq);
          !is_late)
        return tl::make_unexpected(is_late.error());
      out_.tip.growing.edit().insert_or_assign(f.path, open_file{{}, g.bytes, {}});
    } else if (auto done = stands(known->file); !done) {
      return tl::make_unexpected(done.error());
    }
    auto& open = out_.tip.growing.edit().at(f.path);
    open.sum.update(*f.content);
    if (!begins) {
      open.waiting.push_back(f.content);
      out_.chunks.push_back(waiting_chunk{f.path, begun_seq, g.at, f.content});
    }
    file_ref ref{f.path, open.sum.so_far(), g.at + g.bytes};
    out_.pending.push_back(pending_bytes{out_.records->size(), g.sha256, f.content});
    out_.tip.expected.put({ref, r.seq, false, begun_seq});
    r.files.push_back(std::move(ref));
    return g;
  }

  // Whether a file that is to be continued is what was recorded (projection.hpp, 4).
  result<void> stands(const file_ref& want) {
    auto name = in_tree(a_.task, want.path);
    auto open = out_.tip.growing->find(want.path);
    if (open != out_.tip.growing->end()) {
      if (out_.tip.late->contains(want.path) || w_.root.size(name) == open->second.on_disk)
        return {};
    } else {
      auto content = w_.root.read(name);
      if (!content && content.error().kind == fault::unavailable)
        return tl::make_unexpected(content.error());
      open_file found{{}, want.bytes, {}};
      found.sum.update(content.value_or(""));
      if (content && content->size() == want.bytes && found.sum.so_far() == want.sha256) {
        out_.tip.growing.edit().emplace(want.path, std::move(found));
        return {};
      }
    }
    return refuse(fmt::format("{} is missing or not what was recorded", want.path), "tampered");
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
      out.head = signed_head{r.seq, r.line_sha256};
  }
  out.staged = std::move(p.staged);
  out.chunks = std::move(p.chunks);
  out.originals = std::move(p.originals);
  return out;
}

namespace {

// Somebody else's file, or none, where ours was.
result<void> write_behind(const tree& root, const std::string& name, std::uint64_t size,
                          std::string_view text) {
  auto done = root.write_tail(name, {size, size}, text);
  if (!done && done.error().kind == fault::not_found)
    return fail(fault::corrupt, done.error().detail);
  return done;
}

result<void> project_chunks(const tree& root, chain& c, projection& p) {
  for (; !p.chunks.empty(); p.chunks.erase(p.chunks.begin())) {
    auto& add = p.chunks.front();
    auto* want = c.tip.expected.find(add.path);
    if (!want || want->begun_seq != add.begun_seq)
      continue; // It moved, with this chunk, or was given up.
    if (auto done = write_behind(root, in_tree(p.task, add.path), add.at, *add.content); !done)
      return done;
    if (c.tip.growing->contains(add.path)) {
      auto& open = c.tip.growing.edit().find(add.path)->second;
      open.on_disk += add.content->size();
      open.waiting.erase(open.waiting.begin());
    }
  }
  return {};
}

} // namespace

result<void> project(const tree& root, const keyring& keys, chain& c, projection& p) {
  for (; !p.staged.empty(); p.staged.erase(p.staged.begin())) {
    auto& s = p.staged.front();
    auto* want = c.tip.expected.find(s.path);
    if (!want || want->begun_seq != s.begun_seq
        || (s.begun_seq == 0 && want->file.sha256 != s.sha256))
      root.discard(s.temp); // Moved on in the same group.
    else if (auto done = root.place(s.temp, in_tree(p.task, s.path)); !done)
      return done;
    else
      forget(c.tip.late, s.path);
  }
  if (auto done = project_chunks(root, c, p); !done)
    return done;
  if (!p.lines.empty()) {
    if (auto done = write_behind(root, in_tree(p.task, path::journal), c.journal_bytes, p.lines);
        !done)
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

} // namespace ledger::disk
