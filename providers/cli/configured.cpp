#include "providers/cli/configured.hpp"

#include "ledger/provider_kind.hpp"
#include "providers/api_key.hpp"
#include "providers/cli/cli_provider.hpp"
#include "providers/prompt_book.hpp"
#include "providers/sandbox.hpp"

#include <algorithm>
#include <cstdlib>

namespace providers::cli {

namespace {

/// Whether the role has steps that change code.
bool writes(ledger::role r) {
  return std::any_of(ledger::step_table.begin(), ledger::step_table.end(),
                     [&](auto& row) { return row.by == r && row.writes_code; });
}

std::string as_one_text(const prompt& p) {
  auto text = p.system;
  for (auto& part : p.parts)
    text += "\n\n" + part;
  return text;
}

} // namespace

ledger::result<std::unique_ptr<provider>> make_configured(const provider_context& c,
                                                          const std::string& name,
                                                          const ledger::provider_config& p) {
  auto& role = c.config.roles.at(c.plays);
  auto book = open_book(c);
  if (!book)
    return tl::make_unexpected(book.error());
  auto shown = shown_folders(c.config.sandbox);
  if (!shown)
    return tl::make_unexpected(shown.error());
  cli_settings s;
  s.name = name;
  s.model = role.provider == name && !role.model.empty() ? role.model : p.model;
  s.base_url = p.base_url;
  s.api_key_env = ledger::key_variable_of(p);
  // The vendor's own variable may be unset: then the tool's login is used. One
  // that somebody named may not, or another account would be used than was meant.
  bool is_needed = !p.api_key_env.empty() || std::getenv(s.api_key_env.c_str()) != nullptr;
  auto key = api_key_of(name, is_needed ? s.api_key_env : std::string{});
  if (!key)
    return tl::make_unexpected(key.error());
  s.api_key = std::move(*key);
  if (c.secrets)
    s.secrets = *c.secrets;
  s.command = p.command;
  s.env = p.env;
  s.timeout = p.timeout.value_or(s.timeout);
  s.idle_timeout = p.idle_timeout.value_or(s.idle_timeout);
  s.longest_wait = p.longest_wait.value_or(s.longest_wait);
  s.concurrency = p.concurrency.value_or(s.concurrency);
  s.sandbox_kind = c.config.sandbox.kind;
  s.accept_unsandboxed = c.config.sandbox.accept_unsandboxed;
  s.writes = writes(c.plays);
  s.read_only = std::move(*shown);
  s.price = p.price;
  s.max_usd = p.max_usd;
  s.max_turns = c.config.limits.turns;
  s.full_prompt = [book = std::make_shared<prompt_book>(std::move(*book))](const request& r) {
    return as_one_text(prompt_for(*book, r, {}));
  };
  return make(p.kind, c.children, std::move(s));
}

} // namespace providers::cli
