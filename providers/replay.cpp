#include "providers/replay.hpp"

#include "ledger/decide.hpp"
#include "ledger/detail.hpp"
#include "ledger/disk/files.hpp"
#include "ledger/state.hpp"
#include "providers/version.hpp"
#include "providers/worktree_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace providers {

namespace {

namespace fs = std::filesystem;
using ledger::event;
using ledger::fail;
using ledger::fault;
using ledger::result;

struct recording {
  std::optional<ledger::file_ref> text, diff; ///< Where they lie now.
  std::string tree;
  std::optional<call_failure> failure;
  fs::path folder; ///< The task's.
};

using recordings = std::map<std::string, std::vector<recording>>;

constexpr std::size_t journal_bytes_max = std::size_t{1} << 30;

/// Where the content with this digest lies at the end: answers move to old/.
std::map<std::string, std::string> places_of(const std::vector<ledger::record>& records) {
  std::map<std::string, std::string> place;
  for (auto& r : records) {
    for (auto& m : ledger::moves_of(r))
      place[m.sha256] = m.to;
    for (auto& f : r.files)
      place[f.sha256] = f.path;
  }
  return place;
}

recording answer_in(const ledger::record& r, const std::map<std::string, std::string>& place) {
  recording a;
  a.tree = ledger::text_at(r.detail, "tree");
  for (auto& f : r.files) {
    auto now = f;
    now.path = place.at(f.sha256);
    (f.path == ledger::path::changes ? a.diff : a.text) = now;
  }
  return a;
}

std::optional<recording> failure_in(const ledger::record& r) {
  auto kind = ledger::text_at(r.detail, "kind");
  bool spoiled = kind == ledger::spoiled_kind;
  auto code = ledger::text_at(r.detail, "code");
  if (code == ledger::run_budget_code || code == ledger::task_budget_code)
    return std::nullopt; // That was the purse, and replaying costs nothing.
  if (!spoiled && kind != to_string(fault::refused))
    return std::nullopt;
  recording a;
  a.failure = call_failure{spoiled ? call_failure::kind::spoiled : call_failure::kind::refused,
                           std::move(code), ledger::text_at(r.detail, "why")};
  return a;
}

/// Adds what the records of one task say. An input counts from the first turn on.
/// A refusal that another provider made good is nobody's answer.
void add_task(const fs::path& folder, const std::vector<ledger::record>& records,
              recordings& into) {
  auto place = places_of(records);
  std::string input, refused;
  for (auto& r : records) {
    std::optional<recording> a;
    if (r.what == event::fell_back && !refused.empty())
      into[std::exchange(refused, {})].pop_back();
    else if (r.what == event::asked) {
      refused.clear();
      input = ledger::text_at(r.detail, "input_sha256");
    } else if (r.what == event::answered)
      a = answer_in(r, place);
    else if (r.what == event::failed)
      a = failure_in(r);
    if (!a || input.empty())
      continue;
    a->folder = folder;
    refused = a->failure ? input : std::string{};
    into[std::exchange(input, {})].push_back(std::move(*a));
  }
}

result<recordings> read_recordings(const fs::path& root) {
  recordings all;
  std::error_code e;
  fs::directory_iterator entries(root, e);
  if (e)
    return fail(fault::refused, fmt::format("{}: {}", root.string(), e.message()), "no-ledger");
  for (auto& entry : entries) {
    if (entry.path().filename() == ledger::own_folder || !entry.is_directory(e))
      continue;
    auto file = entry.path() / ledger::path::journal;
    auto text = ledger::disk::read_file(file, journal_bytes_max);
    if (!text && text.error().kind == fault::not_found)
      continue;
    if (!text)
      return tl::make_unexpected(text.error());
    auto records = ledger::parse_journal(*text);
    if (!records)
      return fail(fault::refused, fmt::format("{}: {}", file.string(), records.error().detail),
                  "no-ledger");
    add_task(entry.path(), *records, all);
  }
  if (all.empty())
    return fail(fault::refused,
                root.string()
                    + " holds no answers; name the .ai-stack-trace of an "
                      "earlier run",
                "no-ledger");
  return all;
}

result<std::string> content_of(const recording& a, const ledger::file_ref& f) {
  return ledger::disk::read_recorded(a.folder, f.path, f.sha256);
}

class replay final : public provider {
public:
  replay(const git& repository, executor& blocking, std::string name, recordings all)
      : state_(std::make_shared<shared>(repository, std::move(name), std::move(all)))
      , blocking_(blocking) {}

  identity who() const override { return {state_->name, "none", std::string{program_version}}; }

  void ask(std::shared_ptr<const request> r, answer_callback done) override {
    blocking_.run([s = state_, r = std::move(r), done = std::move(done)] {
      try {
        done(s->say(*r));
      } catch (const std::exception& x) {
        done(tl::make_unexpected(call_failure{call_failure::kind::outage, "", x.what()}));
      }
    });
  }

private:
  using said = tl::expected<answer, call_failure>;

  struct shared {
    shared(const git& g, std::string n, recordings r)
        : repository(g)
        , name(std::move(n))
        , all(std::move(r)) {}

    said say(const request& r) {
      auto found = next_for(r);
      if (!found)
        return tl::make_unexpected(call_failure{
            call_failure::kind::refused, "not-recorded",
            fmt::format("{}: the earlier ledger has no answer of step {} to this input ({}); it "
                        "was made from another base, prompt, configuration or answer",
                        name, to_string(r.at), input_digest(r).substr(0, 12))});
      if (found->failure)
        return tl::make_unexpected(*found->failure);
      if (!r.worktree.empty() && !found->tree.empty())
        if (auto ok = write_change(r, *found); !ok)
          return tl::make_unexpected(call_failure{ok.error()});
      auto text = found->text ? content_of(*found, *found->text)
                              : result<std::string>{fail(fault::corrupt, "an answer without text")};
      if (!text)
        return tl::make_unexpected(call_failure{text.error()});
      return answer{std::move(*text)};
    }

    std::optional<recording> next_for(const request& r) {
      const std::lock_guard lock(mutex);
      auto digest = input_digest(r);
      auto it = all.find(digest);
      if (it == all.end())
        return std::nullopt;
      auto& n = told[digest];
      auto& chosen = it->second[std::min(n, it->second.size() - 1)];
      ++n;
      return chosen;
    }

    /// Makes the worktree, which is the candidate so far, what it was made then.
    result<void> write_change(const request& r, const recording& a) const {
      if (!a.diff)
        return fail(fault::refused, name + ": the change held a secret then and was not filed",
                    "not-recorded");
      auto diff = content_of(a, *a.diff);
      if (!diff)
        return tl::make_unexpected(diff.error());
      auto tree = diff->empty() ? result<std::string>{r.base_tree}
                                : repository.tree_with(r.base_tree, *diff);
      if (!tree)
        return tl::make_unexpected(tree.error());
      auto changes = repository.changes(r.tree.empty() ? r.base_tree : r.tree, *tree);
      if (!changes)
        return tl::make_unexpected(changes.error());
      return write_changes(repository, r.worktree, *changes);
    }

    const git& repository;
    std::string name;
    const recordings all;
    std::mutex mutex;
    std::map<std::string, std::size_t> told; ///< By input: how many answers were given.
  };

  std::shared_ptr<shared> state_;
  executor& blocking_;
};

} // namespace

result<std::unique_ptr<provider>> make_replay(const provider_context& c, const std::string& name,
                                              const ledger::provider_config& p) {
  if (p.ledger.empty())
    return fail(fault::refused,
                fmt::format("scheduler.toml, [providers.{}]: \"ledger\" is missing; name the "
                            ".ai-stack-trace of an earlier run",
                            name),
                "no-ledger");
  auto all = read_recordings(c.repository.top() / p.ledger);
  if (!all)
    return fail(fault::refused,
                fmt::format("scheduler.toml, [providers.{}]: {}", name, all.error().detail),
                all.error().code);
  return std::make_unique<replay>(c.repository, c.blocking, name, std::move(*all));
}

} // namespace providers
