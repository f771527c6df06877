#include "cli/config_providers.hpp"

#include "cli/config_words.hpp"
#include "ledger/glob.hpp"
#include "ledger/provider_kind.hpp"
#include "ledger/redact.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

namespace cli {

namespace {

using ledger::config;
using ledger::kind_sort;
using ledger::milliseconds;
using ledger::provider_config;

constexpr auto http = static_cast<unsigned>(kind_sort::http);
constexpr auto tool = static_cast<unsigned>(kind_sort::tool);
constexpr auto program = static_cast<unsigned>(kind_sort::program);
constexpr auto replay = static_cast<unsigned>(kind_sort::replay);

struct key_row {
  std::string_view name;
  unsigned sorts; ///< Of the kinds that have it.
};

constexpr key_row provider_keys[] = {
    {"model", http | tool | program},
    {"base_url", http | tool},
    {"api_key_env", http | tool | program},
    {"plain_http", http},
    {"command", tool | program},
    {"env", tool | program},
    {"ledger", replay},
    {"concurrency", http | tool | program},
    {"requests_per_minute", http},
    {"tokens_per_minute", http},
    {"max_output_tokens", http},
    {"timeout", http | tool | program},
    {"idle_timeout", http | tool | program},
    {"longest_wait", http | tool},
    {"price", http | tool | program},
    {"max_usd", tool | program},
};

/// The kinds that the design knows, and those that have a key of these sorts.
words kinds_with(unsigned sorts) {
  words all;
  for (auto& k : ledger::provider_kinds())
    if ((static_cast<unsigned>(k.sort) & sorts) != 0)
      all.push_back(k.name);
  return all;
}

words designed_kinds() {
  words all;
  for (auto& k : ledger::provider_kinds())
    all.push_back(k.name);
  return all;
}

words names_of(const config& c, const words& kinds) {
  auto all = kinds;
  for (auto& [table, unused] : c.providers)
    all.emplace_back(table);
  return all;
}

/// Null: no kind has such a key.
const key_row* row_of(std::string_view key) {
  auto* row = std::find_if(std::begin(provider_keys), std::end(provider_keys),
                           [&](auto& r) { return r.name == key; });
  return row == std::end(provider_keys) ? nullptr : row;
}

/// Complains about keys that no kind has, or not this one; gives those that it
/// has. An empty kind was complained about, and one that the design does not
/// know is a test build's: both may have every key.
words judge_keys(const section& s, const std::string& kind) {
  auto* known = ledger::provider_kind_named(kind);
  words own{"kind"}, others;
  for (auto& row : provider_keys)
    if (known == nullptr || (row.sorts & static_cast<unsigned>(known->sort)) != 0)
      own.push_back(row.name);
    else
      others.push_back(row.name);
  for (auto key : s.keys())
    if (has_word(others, key))
      s.complain(key, fmt::format("\"{}\" is no key of kind \"{}\", but of {}; remove it", key,
                                  kind, one_of(kinds_with(row_of(key)->sorts))));
  if (known != nullptr || kind.empty())
    s.allow_only(own, {}, others);
  return own;
}

/// A name that begins with "-" would be an option of a tool's.
bool is_model(std::string_view name) {
  return !name.empty() && name.front() != '-' && std::none_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7f';
  });
}

void read_model(const section& s, std::string& out) {
  if (s.text("model", out) && !is_model(out))
    s.complain("model", "\"model\" is no model's name; write it as the vendor does, without "
                        "blanks, or remove the key");
}

/// What can be said of an address without its kind: whether it is sound for
/// http and for a host providers::why_no_base_url() says, when it is used. What
/// is wrong is never shown, it may hold a password.
std::string_view why_no_address(std::string_view url) {
  std::string_view rest = url;
  for (std::string_view scheme : {"https://", "http://"})
    if (url.substr(0, scheme.size()) == scheme)
      rest = url.substr(scheme.size());
  if (rest.size() == url.size())
    return "does not begin with https:// or http://; write the whole address, such as "
           "\"https://api.example.com\"";
  if (std::any_of(url.begin(), url.end(),
                  [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; }))
    return "holds blanks or control characters; remove them";
  auto host = rest.substr(0, rest.find_first_of("/?#\\"));
  if (host.find('@') != host.npos)
    return "holds a name or a password; remove them, and name the variable that holds the key "
           "with api_key_env";
  if (host.empty() || host.front() == ':')
    return "names no host; write the whole address, such as \"https://api.example.com\"";
  if (rest.find_first_of("?#") != rest.npos)
    return "holds a query or a fragment, but paths are added to it; end it before the \"?\" or "
           "\"#\"";
  return {};
}

void read_command(const section& s, provider_config& out) {
  if (!s.texts("command", out.command))
    return;
  if (out.command.empty() || is_blank(out.command.front()))
    s.complain("command", "\"command\" names no program; write [\"program\", \"argument\", …]");
  // A relative path would be one of the worktree's, where models write.
  else if (auto& name = out.command.front(); name.find('/') != name.npos && name.front() != '/')
    s.complain("command", "\"command\" begins with a relative path; write an absolute one, or the "
                          "name of a program in PATH");
}

void read_variables(const section& s, provider_config& out) {
  if (!s.table_of_texts("env", out.env))
    return;
  auto t = s.below("env");
  for (auto& [name, value] : out.env)
    if (!is_variable_name(name))
      t.complain(name, "a key of \"env\" is no name of an environment variable; write names of "
                       "letters, digits and \"_\"");
    else if (ledger::names_secret(name, {}))
      t.complain(name, fmt::format("\"{}\" is a secret by its name, and no secret belongs into a "
                                   "file; write api_key_env = \"the variable's name\" instead",
                                   name));
}

void read_price(const section& s, provider_config& out) {
  auto t = s.below("price");
  if (!t.present())
    return;
  t.allow_only({"input", "output", "cached_input", "cache_write"}, {});
  ledger::token_price p;
  for (std::string_view key : {"input", "output"})
    if (!t.has(key))
      t.complain(fmt::format("\"{}\" is missing; add {} = US dollars for a million tokens, or 0 "
                             "where they are free",
                             key, key));
  t.dollars("input", true, p.input);
  t.dollars("output", true, p.output);
  p.cached_input = p.cache_write = p.input;
  t.dollars("cached_input", true, p.cached_input);
  t.dollars("cache_write", true, p.cache_write);
  out.price = p;
}

void read_limits_of(const section& s, const words& own, provider_config& out) {
  auto count = [&](std::string_view key, auto max, auto& into) {
    decltype(max) n = 0;
    if (has_word(own, key) && s.count(key, decltype(max){1}, max, n))
      into = n;
  };
  count("concurrency", std::uint32_t{10'000}, out.concurrency);
  count("requests_per_minute", std::uint32_t{1'000'000}, out.requests_per_minute);
  count("max_output_tokens", std::uint32_t{10'000'000}, out.max_output_tokens);
  count("tokens_per_minute", std::uint64_t{1'000'000'000'000}, out.tokens_per_minute);
  auto duration = [&](std::string_view key, auto& into) {
    milliseconds d{};
    if (has_word(own, key) && s.duration(key, longest_timeout, d))
      into = d;
  };
  duration("timeout", out.timeout);
  duration("idle_timeout", out.idle_timeout);
  duration("longest_wait", out.longest_wait);
}

/// What a kind cannot do without.
void want_keys(const section& s, const ledger::provider_kind& kind) {
  auto want = [&](kind_sort sort, std::string_view key, std::string_view remedy) {
    if (kind.sort == sort && !s.has(key))
      s.complain(fmt::format("\"{}\" is missing{}", key, remedy));
  };
  want(kind_sort::http, "price",
       ": nobody could say what a call costs; add price = { input = …, output = … } in US dollars "
       "for a million tokens, or 0 for both where it is free");
  if (kind.name == "openai-chat" && !s.has("base_url"))
    s.complain("\"base_url\" is missing: many servers speak this API, so there is no default; add "
               "base_url = \"the server's address\"");
  want(kind_sort::program, "command", "; add command = [\"program\", \"argument\", …]");
  want(kind_sort::replay, "ledger", "; add ledger = \"the .ai-stack-trace of an earlier run\"");
}

void read_provider(const section& s, const words& kinds, provider_config& out) {
  if (!s.present())
    return;
  if (!s.has("kind"))
    s.complain(fmt::format("\"kind\" is missing; add kind = {}", one_of(kinds)));
  else
    choose(s, "kind", kinds, designed_kinds(), out.kind);
  auto own = judge_keys(s, out.kind);
  auto mine = [&](std::string_view key) { return has_word(own, key); };
  if (mine("model"))
    read_model(s, out.model);
  if (mine("base_url") && s.text("base_url", out.base_url))
    if (auto why = why_no_address(out.base_url); !why.empty())
      s.complain("base_url", fmt::format("\"base_url\" {}", why));
  // A key written here by mistake must not be shown again.
  if (mine("api_key_env") && s.text("api_key_env", out.api_key_env)
      && !is_variable_name(out.api_key_env))
    s.complain("api_key_env", "\"api_key_env\" is no name of an environment variable; write the "
                              "variable's name, never its value");
  if (mine("plain_http"))
    s.flag("plain_http", out.plain_http);
  if (mine("command"))
    read_command(s, out);
  if (mine("env"))
    read_variables(s, out);
  if (mine("ledger") && s.text("ledger", out.ledger) && is_blank(out.ledger))
    s.complain("ledger", "\"ledger\" is empty; write where the .ai-stack-trace of an earlier run "
                         "is");
  read_limits_of(s, own, out);
  if (mine("price"))
    read_price(s, out);
  if (double usd = 0; mine("max_usd") && s.dollars("max_usd", false, usd))
    out.max_usd = usd;
  if (auto* known = ledger::provider_kind_named(out.kind))
    want_keys(s, *known);
  else if (!out.kind.empty())
    for (auto key : s.keys())
      if (key != "kind" && row_of(key) == nullptr)
        s.scalar(key, out.options[std::string(key)]);
}

/// Reading [roles.X], with what is known of the rest.
class role_reader {
public:
  role_reader(const section& s, const words& kinds, const config& all, ledger::role_config& out)
      : s_(s)
      , kinds_(kinds)
      , all_(all)
      , out_(out) {}

  void read();

private:
  bool is_known(std::string_view key, const std::string& provider) const;
  void read_fallback();
  void judge_player(std::string_view key, const std::string& name, bool first) const;
  void judge_model(std::string_view key, const std::string& name, const provider_config& p,
                   const ledger::provider_kind& kind, bool first) const;

  const section& s_;
  const words& kinds_;
  const config& all_;
  ledger::role_config& out_;
};

void role_reader::read() {
  s_.allow_only({"provider", "model", "fallback", "prompts"}, {});
  read_model(s_, out_.model);
  if (s_.text("prompts", out_.prompts) && !ledger::is_repository_path(out_.prompts))
    s_.complain("prompts", fmt::format("\"prompts\" is \"{}\"; write a folder below the "
                                       "repository's root, such as \"docs/prompts\"",
                                       out_.prompts));
  if (!s_.has("provider"))
    s_.complain(fmt::format("\"provider\" is missing; add provider = {}", one_of(kinds_)));
  else if (s_.text("provider", out_.provider) && is_known("provider", out_.provider))
    judge_player("provider", out_.provider, true);
  read_fallback();
}

bool role_reader::is_known(std::string_view key, const std::string& provider) const {
  auto known = names_of(all_, kinds_);
  if (has_word(known, provider))
    return true;
  if (has_word(designed_kinds(), provider))
    s_.complain(key, fmt::format("{} \"{}\" is not in this version; write {}", key, provider,
                                 one_of(known)));
  else
    s_.complain(key, fmt::format("unknown {} \"{}\"{} Known: {}, or a table [providers.{}] of "
                                 "your own",
                                 key == "provider" ? "provider" : "provider in \"fallback\"",
                                 provider, near_words(provider, known), one_of(known), provider));
  return false;
}

void role_reader::read_fallback() {
  if (!s_.texts("fallback", out_.fallback))
    return;
  std::set<std::string_view> seen;
  for (auto& name : out_.fallback) {
    if (name == out_.provider)
      s_.complain("fallback", fmt::format("\"{}\" of \"fallback\" is the role's own provider; "
                                          "remove it there",
                                          name));
    else if (!seen.insert(name).second)
      s_.complain("fallback", fmt::format("\"{}\" stands twice in \"fallback\"; remove one", name));
    else if (is_known("fallback", name))
      judge_player("fallback", name, false);
  }
}

/// Whether whoever plays the role can be asked as the file stands. What is
/// missing in its own table was complained about there.
void role_reader::judge_player(std::string_view key, const std::string& name, bool first) const {
  auto p = ledger::provider_named(all_, name);
  auto* kind = ledger::provider_kind_named(p.kind);
  if (kind == nullptr)
    return; // Complained about, or a test build's own.
  bool table = all_.providers.count(name) != 0;
  std::string_view needs = kind->sort == kind_sort::http      ? "model and price"
                           : kind->sort == kind_sort::program ? "command"
                           : kind->sort == kind_sort::replay  ? "ledger"
                                                              : "";
  if (!table && !needs.empty()) {
    s_.complain(key, fmt::format("\"{}\" cannot be asked without a table of its own; add "
                                 "[providers.{}] with kind = \"{}\", {}",
                                 name, name, name, needs));
    return;
  }
  judge_model(key, name, p, *kind, first);
  // A limit that some calls do not count against would be none.
  bool counted = all_.budget.run_usd || all_.budget.task_usd;
  bool asks = kind->sort == kind_sort::tool || kind->sort == kind_sort::program;
  if (!counted || !asks)
    return;
  if (!p.price)
    s_.complain(key, fmt::format("\"{0}\" has no price, and [budget] cannot hold what nobody can "
                                 "count; add price = {{ input = …, output = … }} to "
                                 "[providers.{0}], or 0 for both where it is paid otherwise",
                                 name));
  else if (!p.max_usd && ledger::costs_something(*p.price))
    s_.complain(key, fmt::format("nobody knows what a run of \"{0}\" will cost, so [budget] could "
                                 "be overshot; add max_usd = the most that one run may cost to "
                                 "[providers.{0}]: it is put aside before each",
                                 name));
}

void role_reader::judge_model(std::string_view key, const std::string& name,
                              const provider_config& p, const ledger::provider_kind& kind,
                              bool first) const {
  bool has_model = kind.sort == kind_sort::http || kind.sort == kind_sort::tool
                   || kind.sort == kind_sort::program;
  if (first && s_.has("model") && !has_model)
    s_.complain("model", fmt::format("\"model\" has no effect: kind \"{}\" has no models; remove "
                                     "it",
                                     kind.name));
  if (kind.sort != kind_sort::http || !p.model.empty() || (first && s_.has("model")))
    return;
  s_.complain(key, fmt::format("\"{}\" has no model; add model = \"the vendor's name of it\" to "
                               "[providers.{}]{}",
                               name, name, first ? fmt::format(" or to [{}]", s_.name()) : ""));
}

} // namespace

void read_budget(const section& s, config& out) {
  s.allow_only({"run_usd", "task_usd"}, {});
  double usd = 0;
  if (s.dollars("run_usd", false, usd))
    out.budget.run_usd = usd;
  if (s.dollars("task_usd", false, usd))
    out.budget.task_usd = usd;
}

void read_providers(const section& s, const words& kinds, config& out) {
  for (auto name : s.keys()) // Each is there also if it is wrong: roles may name it.
    read_provider(s.below(name), kinds, out.providers[std::string(name)]);
}

void read_roles(const section& s, const words& kinds, config& out) {
  s.allow_only({"gemini", "claude", "codex"}, {});
  for (auto r : {ledger::role::gemini, ledger::role::claude, ledger::role::codex}) {
    auto name = to_string(r);
    if (!s.has(name)) {
      s.complain(name, fmt::format("\"{}\" is missing: nobody plays it; add [roles.{}] with "
                                   "provider = \"{}\"",
                                   name, name, kinds.empty() ? "offline" : kinds.front()));
      continue;
    }
    auto below = s.below(name);
    if (below.present()) // Else its type was complained about.
      role_reader(below, kinds, out, out.roles[r]).read();
  }
}

} // namespace cli
