#include "ledger/provider_kind.hpp"

#include <algorithm>
#include <array>

namespace ledger {

namespace {

constexpr std::array kinds{
    provider_kind{"offline", kind_sort::none},
    provider_kind{"gemini", kind_sort::http, "GEMINI_API_KEY"},
    provider_kind{"anthropic", kind_sort::http, "ANTHROPIC_API_KEY"},
    provider_kind{"openai", kind_sort::http, "OPENAI_API_KEY"},
    provider_kind{"openai-chat", kind_sort::http, "OPENAI_API_KEY"},
    provider_kind{"gemini-cli", kind_sort::tool, {}, "gemini", ".gemini/oauth_creds.json"},
    provider_kind{"claude-code", kind_sort::tool, {}, "claude", ".claude/.credentials.json"},
    provider_kind{"codex-cli", kind_sort::tool, {}, "codex", ".codex/auth.json"},
    provider_kind{"command", kind_sort::program},
    provider_kind{"replay", kind_sort::replay},
};

} // namespace

std::span<const provider_kind> provider_kinds() noexcept {
  return kinds;
}

const provider_kind* provider_kind_named(std::string_view name) noexcept {
  auto it = std::find_if(kinds.begin(), kinds.end(), [&](auto& k) { return k.name == name; });
  return it == kinds.end() ? nullptr : &*it;
}

provider_config provider_named(const config& c, const std::string& name) {
  auto it = c.providers.find(name);
  return it == c.providers.end() ? provider_config{name} : it->second;
}

std::string key_variable_of(const provider_config& p) {
  if (!p.api_key_env.empty())
    return p.api_key_env;
  auto* kind = provider_kind_named(p.kind);
  return kind == nullptr || !p.base_url.empty() ? std::string() : std::string(kind->key_variable);
}

} // namespace ledger
