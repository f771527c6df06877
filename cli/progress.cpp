#include "cli/progress.hpp"

#include "cli/printable.hpp"
#include "ledger/detail.hpp"
#include "ledger/drafts.hpp"
#include "ledger/state.hpp"
#include "ledger/verdict.hpp"

#include <fmt/format.h>

#include <ctime>

namespace cli {

namespace {

using ledger::event;
using ledger::flag_at;
using ledger::json;
using ledger::number_at;
using ledger::real_at;
using ledger::record;
using ledger::text_at;
using ledger::texts_at;

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string all;
  for (auto& p : parts)
    all += (all.empty() ? std::string{} : std::string(between)) + p;
  return all;
}

/// Digests and ids are told by their first 12 digits.
std::string prefix(const std::string& id) {
  return id.empty() ? "none" : id.substr(0, 12);
}

std::string length(std::int64_t ms) {
  return ms < 10'000 ? fmt::format("{} ms", ms)
                     : fmt::format("{}.{} s", ms / 1000, ms % 1000 / 100);
}

/// "; why", or nothing.
std::string because(const std::string& why) {
  return why.empty() ? std::string{} : ": " + why;
}

std::string player(const json& d) {
  auto model = text_at(d, "model");
  return text_at(d, "provider") + (model.empty() ? "" : "/" + model);
}

/// " (gemini/audit.md, 812 bytes)", or nothing.
std::string files_of(const record& r) {
  std::vector<std::string> all;
  for (auto& f : r.files)
    all.push_back(fmt::format("{}, {} bytes", f.path, f.bytes));
  return all.empty() ? std::string{} : " (" + joined(all, "; ") + ")";
}

/// "; kept as gemini/old/audit.rejected-1.md", or nothing.
std::string kept_as(const record& r) {
  std::vector<std::string> all;
  for (auto& m : ledger::moves_of(r))
    all.push_back(m.to);
  return all.empty() ? std::string{} : "; kept as " + joined(all, ", ");
}

std::string opened(const record& r) {
  auto words = fmt::format("opened on base {}, branch {}", prefix(text_at(r.detail, "base")),
                           text_at(r.detail, "branch"));
  if (auto allow = texts_at(r.detail, "allow"); !allow.empty())
    words += ", lifts protection of " + joined(allow, ", ");
  if (auto before = texts_at(r.detail, "depends_on"); !before.empty())
    words += ", after " + joined(before, ", ");
  if (auto approve = text_at(r.detail, "approve"); !approve.empty())
    words += ", will wait for approval (" + approve + ")";
  return words;
}

std::string reconfigured(const record& r) {
  auto words = fmt::format("the configuration changed ({} to {}): back to step {}",
                           prefix(text_at(r.detail, "from")), prefix(text_at(r.detail, "to")),
                           text_at(r.detail, "back_to"));
  for (auto& m : ledger::moves_of(r))
    if (m.from == ledger::path::final_ok || m.from == ledger::path::decisions_ok
        || m.from == ledger::path::human_ok)
      words += ", " + m.from + " is revoked";
  return words;
}

std::string granted(const record& r) {
  auto it = r.detail.find("evidence");
  auto none = json::object();
  auto& e = it != r.detail.end() && it->is_object() ? *it : none;
  std::string words = "may begin";
  if (auto contract = text_at(e, "contract"); !contract.empty()) {
    words += fmt::format(": {} (record {}, text {}", contract, number_at(e, "record"),
                         prefix(text_at(e, "text_sha256")));
    if (auto tree = text_at(e, "tree"); !tree.empty())
      words += ", tree " + prefix(tree);
    words += ") opened the gate";
  }
  if (auto before = texts_at(r.detail, "waited_for"); !before.empty())
    words += ", after " + joined(before, ", ") + ", which may change the same files";
  if (auto by = e.find("approved"); by != e.end() && by->is_object())
    words += fmt::format("; approved by a person (record {})", number_at(*by, "record"));
  std::vector<std::string> read;
  if (auto files = e.find("files"); files != e.end() && files->is_array())
    for (auto& f : *files)
      if (f.is_object())
        read.push_back(text_at(f, "path") + " " + prefix(text_at(f, "sha256")));
  return read.empty() ? words : words + "; reads " + joined(read, ", ");
}

std::string asked(const record& r) {
  auto words = fmt::format("asking {} ({}, input {}", text_at(r.detail, "role"), player(r.detail),
                           prefix(text_at(r.detail, "input_sha256")));
  if (auto turn = number_at(r.detail, "turn"); turn > 1)
    words += fmt::format(", turn {}", turn);
  if (auto usd = real_at(r.detail, "usd_reserved"); usd > 0)
    words += fmt::format(", ${:.2f} reserved", usd);
  return words + ")";
}

/// ", 12345 tokens in, 678 out, $0.0123", as far as it is known.
std::string cost_of(const record& r) {
  std::string words;
  if (auto it = r.detail.find("usage"); it != r.detail.end() && it->is_object()) {
    auto in = number_at(*it, "input_tokens") + number_at(*it, "cached_tokens")
              + number_at(*it, "cache_write_tokens");
    if (auto out = number_at(*it, "output_tokens"); in + out > 0)
      words += fmt::format(", {} tokens in, {} out", in, out);
  }
  if (auto usd = real_at(r.detail, "usd"); usd > 0)
    words += fmt::format(", ${:.4f}", usd);
  return words;
}

std::string answered(const record& r) {
  auto words = fmt::format("answered by {}{}", player(r.detail), files_of(r));
  if (auto ms = number_at(r.detail, "took_ms"); ms > 0)
    words += " in " + length(ms);
  if (auto tree = text_at(r.detail, "tree"); !tree.empty())
    words += ", candidate tree " + prefix(tree);
  return words + cost_of(r);
}

std::string turned(const record& r) {
  auto calls = joined(texts_at(r.detail, "calls"), ", ");
  return fmt::format("turn {}: calls {}{}{}", number_at(r.detail, "turn"),
                     calls.empty() ? "nothing" : calls, files_of(r), cost_of(r));
}

std::string deferred(const record& r) {
  return fmt::format("{} asks to be left alone until {} ({}){}{}", text_at(r.detail, "provider"),
                     text_at(r.detail, "until"), text_at(r.detail, "code"),
                     because(text_at(r.detail, "why")), cost_of(r));
}

std::string fell_back(const record& r) {
  return fmt::format("{} goes on with {} instead of {}{}", text_at(r.detail, "role"),
                     text_at(r.detail, "to_provider"), text_at(r.detail, "from_provider"),
                     because(text_at(r.detail, "why")));
}

std::string accepted(const record& r) {
  auto word = ledger::verdict_word(r.at);
  return (word.empty() ? std::string("accepted") : std::string(word) + ": YES") + files_of(r);
}

std::string checked(const record& r) {
  std::vector<std::string> each;
  if (auto it = r.detail.find("results"); it != r.detail.end() && it->is_array())
    for (auto& c : *it) {
      if (!c.is_object())
        continue;
      auto ended = text_at(c, "ended");
      if (flag_at(c, "none"))
        each.push_back(text_at(c, "name") + " none");
      else
        each.push_back(
            fmt::format("{} {}, {}", text_at(c, "name"),
                        ended.empty() ? fmt::format("exit {}", number_at(c, "exit")) : ended,
                        length(number_at(c, "took_ms"))));
    }
  return fmt::format("checks {}: {}{}", flag_at(r.detail, "ok") ? "green" : "red",
                     joined(each, "; "), files_of(r));
}

std::string failed(const record& r) {
  auto code = text_at(r.detail, "code");
  return fmt::format("the attempt failed ({}{}){}", text_at(r.detail, "kind"),
                     code.empty() ? "" : ", " + code,
                     because(text_at(r.detail, "why")) + kept_as(r) + cost_of(r));
}

std::string round_opened(const record& r) {
  return fmt::format("round {} because of {}{}{}", r.round + 1, text_at(r.detail, "cause"),
                     because(text_at(r.detail, "why")), kept_as(r));
}

std::string intended(const record& r) {
  auto replaces = text_at(r.detail, "replaces");
  return fmt::format("about to commit tree {} on base {} ({}{})", prefix(text_at(r.detail, "tree")),
                     prefix(text_at(r.detail, "parent")), text_at(r.detail, "contract"),
                     replaces.empty() ? "" : ", replaces commit " + prefix(replaces));
}

std::string built(const record& r) {
  auto ended = text_at(r.detail, "ended");
  return (flag_at(r.detail, "ok") ? "built" : "the build failed") + because(ended) + files_of(r);
}

/// How a task got its place on the landing branch.
std::string placed(const record& r) {
  auto onto = prefix(text_at(r.detail, "onto"));
  auto how = text_at(r.detail, "how");
  std::string words;
  if (how == ledger::placing_as_is)
    words = fmt::format("lands as it is, on {}", onto);
  else if (how == ledger::placing_patch)
    words = fmt::format("lands on {} as the same patch: tree {} instead of the approved {}; checks "
                        "green on tree {}",
                        onto, prefix(text_at(r.detail, "tree")),
                        prefix(text_at(r.detail, "approved_tree")),
                        prefix(text_at(r.detail, "tested_tree")));
  else if (how == ledger::placing_anew)
    words = fmt::format("combined with what landed ({}): candidate tree {}, steps 5 to 7 again",
                        onto, prefix(text_at(r.detail, "tree")));
  else if (how == ledger::placing_conflict)
    words = fmt::format("does not combine with {}", onto);
  else if (how == ledger::placing_fresh)
    words = fmt::format("begins on {}, which landed meanwhile", onto);
  else
    words = "the landing branch holds it already";
  if (auto behind = texts_at(r.detail, "behind"); !behind.empty())
    words += ", behind " + joined(behind, ", ");
  return words + because(text_at(r.detail, "why")) + kept_as(r);
}

/// "ai-gated/T at origin"
std::string remote_branch(const record& r) {
  std::string_view heads = "refs/heads/";
  auto branch = text_at(r.detail, "branch");
  return fmt::format("{} at {}", branch.starts_with(heads) ? branch.substr(heads.size()) : branch,
                     text_at(r.detail, "remote"));
}

std::string requesting(const record& r) {
  auto from = text_at(r.detail, "from");
  auto target = text_at(r.detail, "target");
  return fmt::format("about to push commit {} as {} ({}{}), with a pull request{}",
                     prefix(text_at(r.detail, "commit")), remote_branch(r),
                     text_at(r.detail, "contract"),
                     from.empty() ? "" : ", replaces commit " + prefix(from),
                     target.empty() ? "" : " for " + target);
}

std::string requested(const record& r) {
  return fmt::format("{} {} ({}), commit {} as {}",
                     flag_at(r.detail, "adopted") ? "pull request found as opened before:"
                                                  : "pull request opened:",
                     text_at(r.detail, "pr_url"), text_at(r.detail, "pr_id"),
                     prefix(text_at(r.detail, "commit")), remote_branch(r));
}

std::string landing(const record& r) {
  if (text_at(r.detail, "how") == ledger::by_pull_request)
    return requesting(r);
  auto words = fmt::format("about to land commit {} ({}): {} from {} to {}",
                           prefix(text_at(r.detail, "commit")), text_at(r.detail, "contract"),
                           text_at(r.detail, "branch"), prefix(text_at(r.detail, "from")),
                           prefix(text_at(r.detail, "to")));
  auto push = text_at(r.detail, "push");
  return push.empty() ? words : words + ", pushed to " + push;
}

std::string landed(const record& r) {
  if (text_at(r.detail, "how") == ledger::by_pull_request)
    return requested(r);
  auto words = fmt::format("landed: commit {}", prefix(text_at(r.detail, "commit")));
  if (flag_at(r.detail, "adopted"))
    words += ", found as an earlier run had left it";
  if (flag_at(r.detail, "pushed"))
    words += ", pushed";
  if (text_at(r.detail, "review") == "patch")
    words += fmt::format("; reviewed as the same patch on tree {}, checks green on tree {}",
                         prefix(text_at(r.detail, "approved_tree")),
                         prefix(text_at(r.detail, "tested_tree")));
  return words;
}

std::string deployed(const record& r) {
  auto url = text_at(r.detail, "deploy_url");
  std::string words = "the deploy failed" + because(text_at(r.detail, "ended"));
  if (flag_at(r.detail, "ok") && !flag_at(r.detail, "deployed"))
    words = "nothing to deploy (deploy.kind is none)";
  else if (auto with = text_at(r.detail, "with"); !with.empty())
    words = fmt::format("live already, with the later change of {}: {} ({})", with,
                        url.empty() ? "no address" : url, text_at(r.detail, "deploy_id"));
  else if (flag_at(r.detail, "ok"))
    words = fmt::format("{} {} ({})",
                        flag_at(r.detail, "adopted") ? "found as deployed before:" : "deployed:",
                        url.empty() ? "no address" : url, text_at(r.detail, "deploy_id"));
  return words + files_of(r);
}

std::string ended(const record& r, std::string_view as) {
  return fmt::format("{} ({}){}", as, text_at(r.detail, "reason"),
                     because(text_at(r.detail, "why")));
}

std::string approved(const record& r) {
  auto user = text_at(r.detail, "user");
  return fmt::format("HUMAN_OK: step {} approved by {}uid {}, for tree {}{}{}",
                     text_at(r.detail, "step"), user.empty() ? "" : user + ", ",
                     number_at(r.detail, "uid"), prefix(text_at(r.detail, "tree")), files_of(r),
                     kept_as(r));
}

std::string retried(const record& r) {
  auto words = fmt::format("retried by a person: goes on {} step {}",
                           flag_at(r.detail, "goes_on") ? "at" : "from", text_at(r.detail, "from"));
  return words + (flag_at(r.detail, "note") ? ", with a note" : "") + files_of(r);
}

std::string words_of(const record& r) {
  auto& d = r.detail;
  switch (r.what) {
    case event::opened:
      return opened(r) + files_of(r);
    case event::resumed:
      return "taken up again by a new run";
    case event::reconfigured:
      return reconfigured(r);
    case event::granted:
      return granted(r);
    case event::asked:
      return asked(r);
    case event::answered:
      return answered(r);
    case event::accepted:
      return accepted(r);
    case event::said_no:
      return std::string(ledger::verdict_word(r.at)) + ": NO" + because(text_at(d, "why"));
    case event::rejected:
      return "answer refused" + because(joined(texts_at(d, "reasons"), "; ")) + kept_as(r);
    case event::voided:
      return "void, out of scope" + because(joined(texts_at(d, "reasons"), "; ")) + kept_as(r);
    case event::turned:
      return turned(r);
    case event::failed:
      return failed(r);
    case event::deferred:
      return deferred(r);
    case event::fell_back:
      return fell_back(r);
    case event::restarted:
      return "started again" + because(text_at(d, "why"));
    case event::checked:
      return checked(r);
    case event::round_opened:
      return round_opened(r);
    case event::placed:
      return placed(r);
    case event::landing:
      return landing(r);
    case event::landed:
      return landed(r);
    case event::intended:
      return intended(r);
    case event::committed:
      return fmt::format("committed {} on {}", prefix(text_at(d, "commit")), text_at(d, "branch"));
    case event::built:
      return built(r);
    case event::deploying:
      return fmt::format("about to deploy commit {} as {} ({})", prefix(text_at(d, "commit")),
                         text_at(d, "deploy_id"), text_at(d, "contract"));
    case event::deployed:
      return deployed(r);
    case event::finished:
      return text_at(d, "status") + because(text_at(d, "why")) + files_of(r);
    case event::stopped:
      return ended(r, "stopped");
    case event::parked:
      return ended(r, "parked");
    case event::awaiting:
      return ended(r, "waits for a person");
    case event::cancelled:
      return "cancelled by a person";
    case event::approved:
      return approved(r);
    case event::retried:
      return retried(r);
  }
  return std::string(to_string(r.what));
}

/// The time of day where the reader is; the record's own words if it has none.
std::string local_time(const std::string& utc) {
  auto ms = ledger::parse_time(utc);
  if (!ms)
    return utc;
  auto seconds = static_cast<std::time_t>(*ms / 1000);
  std::tm parts{};
  if (!::localtime_r(&seconds, &parts))
    return utc;
  return fmt::format("{:02}:{:02}:{:02}", parts.tm_hour, parts.tm_min, parts.tm_sec);
}

} // namespace

std::string event_words(const ledger::record& r) {
  auto words = words_of(r);
  if (words.empty()) // A detail that another version wrote.
    words = to_string(r.what);
  if (auto why = text_at(r.detail, "ledger_write_failed"); !why.empty())
    words += "; the ledger could not be written at first: " + why;
  return printable(words);
}

std::string progress_line(const std::string& task, const ledger::record& r, bool as_json,
                          const progress_style& how) {
  if (as_json) {
    json line{{"time", r.time},          {"task", task},     {"event", to_string(r.what)},
              {"step", to_string(r.at)}, {"round", r.round}, {"attempt", r.attempt},
              {"text", event_words(r)}};
    return line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  }
  if (r.what == event::asked || r.what == event::granted || r.what == event::resumed
      || r.what == event::turned)
    return {};
  bool well = flag_at(r.detail, "ok");
  if ((r.what == event::built && well && !how.builds)
      || (r.what == event::deploying && !how.deploys)
      || (r.what == event::deployed && well && !how.deploys))
    return {};
  auto name = printable(task);
  if (auto columns = columns_of(name); columns < how.name_columns)
    name.append(how.name_columns - columns, ' ');
  return fmt::format("{}  {}  {:<9} {}\n", local_time(r.time), name, to_string(r.at),
                     event_words(r));
}

} // namespace cli
