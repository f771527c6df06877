#include "cli/preflight.hpp"

#include "cli/printable.hpp"
#include "cli/read_config.hpp"
#include "cli/secrets.hpp"
#include "ledger/paths.hpp"
#include "providers/deploy.hpp"
#include "providers/pull_request.hpp"
#include "providers/sandbox.hpp"

#include <algorithm>
#include <filesystem>
#include <thread>

namespace cli {

namespace {

using ledger::fault;
using ledger::result;

/// The role that offline plays asks nobody.
constexpr std::string_view offline_kind = "offline";

result<void> find_base(preflight& p, const std::string& name) {
  auto& git = *p.place.repository;
  auto base = git.resolve_commit(name);
  if (!base)
    return tl::make_unexpected(base.error());
  auto tree = git.tree_of(*base);
  if (!tree)
    return tl::make_unexpected(tree.error());
  p.base = std::move(*base);
  p.base_tree = std::move(*tree);
  return {};
}

/// A batch of nothing is a mistake, most likely in the folder's name or a glob.
result<void> find_prompts(preflight& p, const batch_options& o) {
  auto folder = o.tasks.empty() ? p.place.repository->top() / p.config.repo.prompts
                                : std::filesystem::path{o.tasks};
  auto found = read_prompt_folder(folder, o.only, p.secrets);
  if (!found)
    return tl::make_unexpected(found.error());
  std::string globs;
  for (auto& glob : found->unmatched)
    globs += (globs.empty() ? "" : ", ") + printable(glob);
  if (!globs.empty())
    return ledger::fail(fault::refused, "--only " + globs + ": no prompt in " + folder.string()
                                            + " has such a name; look with --dry-run");
  if (found->prompts.empty() && found->left_out.empty())
    return ledger::fail(fault::not_found,
                        folder.string()
                            + " holds no prompt: a task is a file NAME.md directly "
                              "in it");
  p.tasks_folder = folder;
  p.only = o.only;
  p.prompts = std::move(*found);
  return {};
}

void take_errand(preflight& p, const errand& e) {
  for (auto& [who, role] : p.config.roles)
    role = {std::string{offline_kind}, {}, {}, {}};
  p.config.providers.erase(std::string{offline_kind});
  p.config.approve = {};
  p.only = {e.prompt.task};
  p.prompts.prompts = {e.prompt};
  p.prompts.names = {e.prompt.task};
}

/// git keeps branches as files: with a branch `ai-gated` there is no
/// ai-gated/<TASK>.
result<void> find_room_for_branches(const preflight& p) {
  auto blocking = ledger::branch_prefix.substr(0, ledger::branch_prefix.size() - 1);
  auto tip = p.place.repository->ref(blocking);
  if (!tip)
    return tl::make_unexpected(tip.error());
  if (*tip)
    return ledger::fail(fault::refused,
                        "there is a branch `ai-gated`, so git cannot make the tasks' "
                        "branches ai-gated/<TASK>; rename it: `git branch -m "
                        "ai-gated NEW-NAME`");
  return {};
}

result<void> find_players(preflight& p, const seams& s) {
  providers::provider_context context{p.config, *p.place.repository, *p.place.children, *p.quick,
                                      p.web.get()};
  context.secrets = &p.secrets;
  for (auto& [who, role] : p.config.roles) {
    context.plays = who;
    auto made = providers::make_players(s.kinds, context);
    if (!made)
      return tl::make_unexpected(made.error());
    p.players[who] = std::move(*made);
  }
  return {};
}

} // namespace

std::size_t quick_threads() {
  return std::clamp<std::size_t>(2 * std::thread::hardware_concurrency(), 4, 16);
}

result<std::unique_ptr<preflight>> prepare_batch(const batch_options& o, const seams& s,
                                                 const errand* e) {
  auto p = std::make_unique<preflight>();
  auto here = find_place(o.repo);
  if (!here)
    return tl::make_unexpected(here.error());
  p->place = std::move(*here);
  if (auto ok = may_write(p->place); !ok)
    return tl::make_unexpected(ok.error());
  auto c = read_config(o.config, p->place, s.kinds);
  if (!c)
    return tl::make_unexpected(c.error());
  p->config = std::move(*c);
  if (o.in_flight)
    p->config.limits.tasks_in_flight = *o.in_flight;
  p->config_digest = ledger::digest_of(p->config);
  if (e)
    take_errand(*p, *e);
  if (auto ok = find_base(*p, e ? e->base : p->config.repo.base); !ok)
    return tl::make_unexpected(ok.error());
  if (auto ok = find_room_for_branches(*p); !ok)
    return tl::make_unexpected(ok.error());
  auto secrets = known_secrets(p->place, &p->config);
  if (!secrets)
    return tl::make_unexpected(secrets.error());
  p->secrets = std::move(*secrets);
  if (auto ok = e ? result<void>{} : find_prompts(*p, o); !ok)
    return tl::make_unexpected(ok.error());
  if (auto ok = providers::sandbox_works(*p->place.children, p->config.sandbox); !ok)
    return tl::make_unexpected(ok.error());
  if (auto ok = providers::deploy_is_ready(p->config); !ok)
    return tl::make_unexpected(ok.error());
  if (auto ok = providers::pull_requests_are_ready(p->config, *p->place.repository); !ok)
    return tl::make_unexpected(ok.error());
  p->quick = std::make_shared<providers::thread_pool>(quick_threads());
  p->web = std::make_shared<providers::http_engine>();
  if (auto ok = find_players(*p, s); !ok)
    return tl::make_unexpected(ok.error());
  return p;
}

} // namespace cli
