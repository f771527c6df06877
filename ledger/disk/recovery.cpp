#include "ledger/disk/recovery.hpp"

#include "ledger/detail.hpp"
#include "ledger/digest.hpp"
#include "ledger/paths.hpp"
#include "ledger/state.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ledger::disk {

namespace {

std::string range(std::uint64_t first, std::uint64_t last) {
  return first == last ? fmt::format("line {}", first) : fmt::format("lines {} to {}", first, last);
}

// Thrown and caught inside examine() only.
struct damaged {
  damage what;
};

std::vector<std::string_view> lines_of(std::string_view text, std::string_view& torn) {
  std::vector<std::string_view> out;
  for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    out.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  torn = text;
  return out;
}

class examination {
public:
  examination(const copies& e, const circumstances& c, finding& out)
      : e_(e)
      , c_(c)
      , out_(out) {}

  void run() {
    std::string_view torn;
    if (e_.journal)
      folder_ = lines_of(*e_.journal, torn);
    read_database();
    if (!e_.journal)
      return without_journal();
    compare(torn);
  }

private:
  [[noreturn]] void hurt(std::string file, std::string why) const {
    throw damaged{damage{e_.task, std::move(file), std::move(why)}};
  }

  // Appends one line to the chain if it holds; else says why not.
  std::optional<std::string> chain(std::string_view line) {
    auto r = parse_line(line);
    if (!r)
      return r.error().detail;
    if (r->seq != out_.records.size() + 1)
      return fmt::format("its seq is {}, expected {}", r->seq, out_.records.size() + 1);
    if (r->prev != out_.last_line_sha256)
      return "its prev is not the SHA-256 of the line before";
    out_.last_line_sha256 = r->line_sha256;
    out_.journal_bytes += line.size() + 1;
    out_.records.push_back(std::move(*r));
    return std::nullopt;
  }

  void read_database() {
    for (auto& s : e_.stored)
      if (auto why = chain(s.line))
        hurt("ledger.db", fmt::format("record {}: {}", out_.records.size() + 1, *why));
    out_.in_database = out_.records.size();
    out_.missing_in_database = out_.records.size();
  }

  void write_from_database(std::size_t first, std::uint64_t keep, std::string healed) {
    out_.rewrite = true;
    out_.journal_keep = keep;
    for (auto i = first; i < e_.stored.size(); ++i)
      out_.journal_tail += e_.stored[i].line + "\n";
    out_.healed = std::move(healed);
  }

  void without_journal() {
    if (e_.stored.empty()) {
      if (e_.head)
        hurt(std::string(path::journal),
             e_.has_folder ? "it is missing, but this task has signed records"
                           : "the task's folder is gone, but this task has signed records");
      return;
    }
    // No line can have been there only if every record is younger than what settled.
    if (e_.stored.front().id <= c_.settled())
      hurt(std::string(path::journal),
           e_.has_folder ? "it is missing" : "it is missing: the task's folder is gone");
    write_from_database(0, 0, fmt::format("{}: wrote journal.jsonl from the database", e_.task));
  }

  void compare(std::string_view torn) {
    auto common = std::min(folder_.size(), e_.stored.size());
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < common; ++i) {
      if (folder_[i] != e_.stored[i].line)
        return differs(i, bytes);
      bytes += folder_[i].size() + 1;
    }
    if (folder_.size() < e_.stored.size())
      return database_ahead(bytes, torn);
    for (auto i = common; i < folder_.size(); ++i)
      if (auto why = chain(folder_[i]))
        hurt(std::string(path::journal), fmt::format("line {}: {}", i + 1, *why));
    if (folder_.size() > common) {
      out_.only_in_folder = c_.has_database ? common + 1 : 0;
      out_.healed = fmt::format("{}: took {} from journal.jsonl into the database{}", e_.task,
                                range(common + 1, folder_.size()),
                                c_.has_database ? ", which it did not have: it was restored from "
                                                  "an older copy, or they were added by hand"
                                                : "");
    }
    if (torn.empty())
      return;
    // With a database an unfinished line is always one that it knows as well.
    if (c_.has_database && folder_.size() == common)
      hurt(std::string(path::journal), fmt::format("line {}: {} bytes that no record explains",
                                                   folder_.size() + 1, torn.size()));
    out_.rewrite = true;
    out_.journal_keep = out_.journal_bytes;
    out_.healed += fmt::format("{}{}: cut {} bytes of an unfinished line from journal.jsonl",
                               out_.healed.empty() ? "" : "; ", e_.task, torn.size());
  }

  // Both have line i, and they are not the same. Only two whole chains are a
  // fork: anything else is a line that somebody, or a power cut, changed.
  void differs(std::size_t i, std::uint64_t bytes_before) {
    auto wrong = first_broken(i);
    if (!wrong)
      hurt(std::string(path::journal),
           fmt::format("the chains fork at record {}: the database ends in {} ({}), the folder in "
                       "{} ({})",
                       i + 1, e_.stored.size(), out_.last_line_sha256, folder_.size(),
                       sha256(folder_.back())));
    if (c_.rebooted && e_.stored[i].id > c_.at.checkpoint)
      return write_from_database(i, bytes_before,
                                 fmt::format("{}: wrote what the reboot tore off journal.jsonl "
                                             "(from line {}) again",
                                             e_.task, i + 1));
    hurt(std::string(path::journal), fmt::format("line {}: {}", i + 1, *wrong));
  }

  // Why the folder's lines from `i` on are no chain; nothing: they are one.
  std::optional<std::string> first_broken(std::size_t i) const {
    auto prev = i == 0 ? std::string(no_predecessor) : sha256(folder_[i - 1]);
    for (auto n = i; n < folder_.size(); ++n) {
      auto r = parse_line(folder_[n]);
      if (!r && n == i)
        return r.error().detail;
      if (!r || r->seq != n + 1 || r->prev != prev)
        return "it is not the line that was recorded";
      prev = sha256(folder_[n]);
    }
    return std::nullopt;
  }

  void database_ahead(std::uint64_t bytes, std::string_view torn) {
    auto first = folder_.size();
    if (e_.stored[first].id <= c_.settled())
      hurt(std::string(path::journal),
           fmt::format("it is cut off: it ends with line {}, but {} were written; put it back from "
                       "a backup, or write it again from the database: sqlite3 {}/{}/ledger.db "
                       "\"SELECT line FROM records WHERE task = '{}' ORDER BY id\"",
                       first, e_.stored.size(), ledger_root, own_folder, e_.task));
    auto next = std::string_view(e_.stored[first].line);
    bool torn_here = torn.size() <= next.size() && next.substr(0, torn.size()) == torn;
    if (!torn_here && !(c_.rebooted && e_.stored[first].id > c_.at.checkpoint))
      hurt(std::string(path::journal),
           fmt::format("line {}: {} bytes that no record explains", first + 1, torn.size()));
    write_from_database(first, bytes,
                        fmt::format("{}: completed journal.jsonl from the database ({})", e_.task,
                                    range(first + 1, e_.stored.size())));
  }

  const copies& e_;
  const circumstances& c_;
  finding& out_;
  std::vector<std::string_view> folder_;
};

std::string named(const record& r) {
  return fmt::format("record {} ({})", r.seq, to_string(r.what));
}

// Why `r` says of itself that it is of another task or repository.
std::optional<std::string> not_named_as(const record& r, std::string_view task,
                                        const keyring& keys) {
  auto copied = [&](std::string_view whose) {
    return fmt::format("{} is of {}: this folder, or its journal, was copied or renamed; put it "
                       "back where it belongs, or remove it",
                       named(r), whose);
  };
  if (r.what == event::opened) {
    auto branch = text_at(r.detail, "branch");
    if (!branch.empty() && branch != fmt::format("{}{}", branch_prefix, task))
      return copied("branch `" + branch + "`");
  }
  if (r.sig.empty())
    return std::nullopt;
  if (text_at(r.detail, "task") != task)
    return copied("task `" + text_at(r.detail, "task") + "`");
  if (text_at(r.detail, "repo") != keys.repo_id())
    return copied("repository `" + text_at(r.detail, "repo") + "`");
  return std::nullopt;
}

std::optional<std::string> not_signed(const record& r, const keyring& keys) {
  if (r.sig.empty() || keys.trusts(signed_part(r), r.sig))
    return std::nullopt;
  return fmt::format("the signature of {} is not by a trusted key{}{}", named(r),
                     keys.trouble().empty() ? "" : ": ", keys.trouble());
}

// Of the signatures only the last one (invariant 4): to check all of them was most
// of the work of a start.
std::optional<damage> check_owner(const copies& e, const finding& f, const keyring& keys) {
  auto hurt = [&](std::string why) {
    return damage{e.task, std::string(path::journal), std::move(why)};
  };
  for (auto& r : f.records)
    if (auto why = not_named_as(r, e.task, keys))
      return hurt(std::move(*why));
  auto last =
      std::find_if(f.records.rbegin(), f.records.rend(), [](auto& r) { return !r.sig.empty(); });
  if (last != f.records.rend())
    if (auto why = not_signed(*last, keys))
      return hurt(std::move(*why));
  return std::nullopt;
}

std::optional<damage> check_head(const copies& e, const finding& f) {
  if (!e.head)
    return std::nullopt;
  auto& head = *e.head;
  if (head.seq > f.records.size())
    return damage{e.task, std::string(path::journal),
                  fmt::format("it is cut off: record {} was signed, but it ends with {}", head.seq,
                              f.records.size())};
  if (f.records[head.seq - 1].line_sha256 != head.line_sha256)
    return damage{e.task, std::string(path::journal),
                  fmt::format("it was cut off and continued: record {} is not the one that was "
                              "signed",
                              head.seq)};
  return std::nullopt;
}

} // namespace

finding examine(const copies& e, const circumstances& c, const keyring& keys) {
  finding out;
  out.last_line_sha256 = no_predecessor;
  try {
    examination(e, c, out).run();
  } catch (const damaged& d) {
    out.hurt = d.what;
  }
  if (!out.hurt)
    out.hurt = check_owner(e, out, keys);
  if (!out.hurt)
    out.hurt = check_head(e, out);
  auto young =
      std::find_if(e.stored.begin(), e.stored.end(), [&](auto& s) { return s.id > c.settled(); });
  out.settled_seq = young == e.stored.end() ? out.records.size()
                                            : static_cast<std::uint64_t>(young - e.stored.begin());
  return out;
}

circumstances circumstances_of(const std::string& task, const all_marks& m,
                               std::string_view boot_id) {
  circumstances c;
  c.has_database = !m.common.boot_id.empty();
  auto held = m.held.find(task);
  c.at = held == m.held.end() ? m.common : held->second;
  c.rebooted = c.has_database && !boot_id.empty() && c.at.boot_id != boot_id;
  return c;
}

std::string told_of_strange_lines(const finding& f) {
  return fmt::format("{}: only the folder has what the database is given first; if you restored "
                     "the database from an older copy, the next `scheduler --tasks DIR` takes "
                     "them, else find out who added them and take them away",
                     range(f.only_in_folder, f.records.size()));
}

std::optional<std::string> not_of_this_task(const record& r, std::string_view task,
                                            const keyring& keys) {
  auto why = not_named_as(r, task, keys);
  return why ? why : not_signed(r, keys);
}

contract unrecorded_contract(std::string_view task, const std::vector<record>& records) {
  if (records.empty())
    return contract::none;
  if (records.back().what == event::awaiting) {
    auto s = fold(task, records);
    return s && !file_of(*s, path::human_ok) ? contract::human : contract::none;
  }
  auto leave = row_of(records.back().at).leave;
  auto c = leave == gate::decided    ? contract::decisions
           : leave == gate::approved ? contract::final
                                     : contract::none;
  if (c == contract::none)
    return c;
  auto s = fold(task, records);
  return s && s->ph == phase::answered && !file_of(*s, path_of(c)) ? c : contract::none;
}

std::string approval_note(std::string_view task) {
  return fmt::format("approving.{}", task);
}

bool is_announced(const result<std::string>& note, const std::vector<record>& records) {
  return note && *note == std::to_string(records.size());
}

void expect(expected_files& files, const record& r) {
  for (auto& m : moves_of(r)) {
    files.erase(m.from);
    files.put({{m.to, m.sha256, m.bytes}, r.seq, !r.sig.empty(), 0});
  }
  auto added = growths_of(r);
  for (auto& f : r.files) {
    auto g = std::find_if(added.begin(), added.end(), [&](auto& a) { return a.path == f.path; });
    auto* known = files.find(f.path);
    std::uint64_t begun_seq = 0;
    if (g != added.end())
      begun_seq = g->at == 0 ? r.seq : known ? known->begun_seq : 0;
    files.put({f, r.seq, !r.sig.empty(), begun_seq});
  }
  for (auto& lost : gone_of(r))
    files.erase(lost);
}

std::vector<std::string> gone_of(const record& r) {
  return texts_at(r.detail, "gone");
}

expected_files expected_after(const std::vector<record>& records) {
  expected_files out;
  for (auto& r : records)
    expect(out, r);
  return out;
}

result<void> gather_one(const tree& root, const keyring& keys, copies& e,
                        std::vector<damage>& damages) {
  auto head = keys.read_head(e.task);
  if (head)
    e.head = std::move(*head);
  else
    damages.push_back(damage{e.task, std::string(path::journal), head.error().detail});
  if (!e.has_folder)
    return {};
  auto text = root.read(e.task + "/" + std::string(path::journal));
  if (text)
    e.journal = std::move(*text);
  else if (text.error().kind == fault::corrupt || text.error().kind == fault::refused)
    damages.push_back(damage{e.task, std::string(path::journal), text.error().detail});
  else if (text.error().kind != fault::not_found)
    return tl::make_unexpected(text.error());
  return {};
}

result<std::map<std::string, copies>> gather(const tree& root, const keyring& keys, crew& hands,
                                             std::vector<damage>& damages) {
  auto out = tasks_in_sight(root, keys, damages);
  if (!out)
    return out;
  std::vector<copies*> all;
  for (auto& [task, e] : *out)
    all.push_back(&e);
  std::vector<result<void>> done(all.size());
  std::vector<std::vector<damage>> hurt(all.size());
  hands.share_out(all.size(), [&](auto i) { done[i] = gather_one(root, keys, *all[i], hurt[i]); });
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!done[i])
      return tl::make_unexpected(done[i].error());
    damages.insert(damages.end(), hurt[i].begin(), hurt[i].end());
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto& e = *all[i];
    // A folder alone is an orphan of a killed start: no task yet.
    if (!e.journal && !e.has_head && hurt[i].empty())
      out->erase(std::string(e.task));
  }
  return out;
}

result<std::map<std::string, copies>> tasks_in_sight(const tree& root, const keyring& keys,
                                                     std::vector<damage>& damages) {
  std::map<std::string, copies> out;
  auto heads = keys.list_heads();
  if (!heads)
    return tl::make_unexpected(heads.error());
  // Both lists are sorted: where one stood is next to where the next one belongs.
  for (auto& task : *heads) {
    auto& e = out.try_emplace(out.end(), task)->second;
    e.task = task;
    e.has_head = true;
  }
  auto entries = root.list("");
  if (!entries)
    return tl::make_unexpected(entries.error());
  auto place = out.begin();
  for (auto& entry : *entries) {
    if (entry.name.starts_with('.'))
      continue; // Ours, or nobody's: a task's name begins with a letter or digit.
    if (entry.is == tree::entry::kind::link)
      damages.push_back(damage{entry.name, entry.name,
                               "a symbolic link stands in the place of the "
                               "task's folder"});
    if (entry.is != tree::entry::kind::folder)
      continue;
    place = out.try_emplace(place, entry.name);
    place->second.task = entry.name;
    place->second.has_folder = true;
    ++place;
  }
  return out;
}

result<std::string> kernel_boot_id() {
  auto text = read_file("/proc/sys/kernel/random/boot_id", 4096);
  if (!text)
    return tl::make_unexpected(text.error());
  while (!text->empty() && text->back() == '\n')
    text->pop_back();
  if (text->empty())
    return fail(fault::unavailable, "/proc/sys/kernel/random/boot_id is empty; mount /proc");
  return *text;
}

} // namespace ledger::disk
