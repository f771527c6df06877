#include "providers/api_provider.hpp"

#include "ledger/provider_kind.hpp"
#include "ledger/redact.hpp"
#include "providers/api_key.hpp"
#include "providers/dialect.hpp"
#include "providers/prompt_book.hpp"
#include "providers/tools.hpp"
#include "providers/version.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <map>
#include <utility>
#include <vector>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;
using ledger::result;

/// What a kind means where the configuration says nothing.
struct kind_address {
  std::string_view kind, base_url;
};
constexpr std::array<kind_address, 4> addresses{{
    {"gemini", "https://generativelanguage.googleapis.com"},
    {"anthropic", "https://api.anthropic.com"},
    {"openai", "https://api.openai.com/v1"},
    {"openai-chat", ""},
}};

constexpr rate_limits default_rates{16, 0, 0};

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

struct settings {
  std::string name, kind;
  model_settings model;
  ledger::token_price price;
  rate_limits rates;
  std::chrono::milliseconds timeout = std::chrono::minutes(10);
  std::chrono::milliseconds idle_timeout = std::chrono::minutes(10);
  std::chrono::milliseconds longest_wait = std::chrono::hours(1);
  bool plain_http = false;
};

constexpr std::uint64_t envelope_bytes = 400; ///< Around each part, at most.

/// How all prompts of a step begin: worked out once, not for each request.
struct beginning {
  const std::vector<tool_spec>* tools = nullptr;
  std::string cache_key;
  std::uint64_t bytes = 0; ///< At most.
};

std::map<ledger::step, beginning> beginnings_of(const prompt_book& book) {
  std::map<ledger::step, beginning> all;
  for (auto& row : ledger::step_table) {
    auto& tools = tools_for(row.id);
    beginning b{&tools, cache_key_for(book, row.id, tools),
                book.system_text(row.id).size() + 4 * envelope_bytes};
    for (auto& t : tools)
      b.bytes += envelope_bytes + t.description.size() + t.parameters.dump().size();
    all.emplace(row.id, std::move(b));
  }
  return all;
}

/// What every call of a provider shares; it may outlive the provider.
struct desk {
  settings set;
  prompt_book book;
  std::map<ledger::step, beginning> begins;
  std::unique_ptr<const dialect> speaks;
  http& web;
  executor& blocking;
};

double cost_of(const ledger::token_price& p, const tokens& t) {
  return ledger::cost_usd(p, t.input, t.cached, t.written, t.output);
}

call_failure of_http(const settings& s, const http_failure& f) {
  using kind = call_failure::kind;
  auto is = f.what.kind == fault::refused ? kind::refused : kind::outage;
  if (f.what.code == "too-large")
    is = kind::spoiled; // It would be as large again, and is paid for.
  call_failure out{is, f.what.code, fmt::format("{}: {}", s.name, f.what.detail)};
  out.may_be_billed = f.may_have_arrived;
  return out;
}

tl::expected<answer, call_failure> read_answer(const desk& d, http_response response) {
  auto hint = d.speaks->limits(response, now_ms());
  auto said = d.speaks->read(response, now_ms());
  if (!said) {
    // Services quote the key that they refuse. What we quote of them is cut, and
    // half a key would not be known for one any more.
    response.body = ledger::redactor({d.set.model.api_key}).redact(std::move(response.body));
    said = d.speaks->read(response, now_ms());
  }
  if (!said) {
    auto f = std::move(said.error());
    f.why = fmt::format("{}: {}", d.set.name, f.why);
    f.usd = cost_of(d.set.price, f.used);
    f.hint = hint;
    return tl::make_unexpected(std::move(f));
  }
  answer a;
  a.text = std::move(said->text);
  a.calls = std::move(said->calls);
  a.raw = std::move(said->raw);
  a.used = said->used;
  a.usd = cost_of(d.set.price, said->used);
  a.hint = hint;
  return a;
}

/// The edge: whatever libraries throw becomes a failure here. `asked`: the service
/// was.
template <class F>
void contained(const answer_callback& done, bool asked, F&& f) noexcept {
  try {
    f();
  } catch (const std::exception& x) {
    call_failure bug{call_failure::kind::outage, "",
                     std::string{"a bug in this program: "} + x.what()};
    bug.may_be_billed = asked;
    done(tl::make_unexpected(std::move(bug)));
  }
}

class api_provider final : public provider {
public:
  explicit api_provider(std::shared_ptr<desk> d)
      : desk_(std::move(d)) {}

  identity who() const override {
    return {desk_->set.name, desk_->set.model.model,
            fmt::format("{} {}", desk_->set.kind, program_version)};
  }

  std::optional<rate_limits> limits() const override { return desk_->set.rates; }
  std::chrono::milliseconds longest_wait() const override { return desk_->set.longest_wait; }

  void ask(std::shared_ptr<const request> r, answer_callback done) override {
    desk_->blocking.run([d = desk_, r = std::move(r), done = std::move(done)] {
      contained(done, false, [&] { send(d, *r, done); });
    });
  }

  call_bound bound(const request& r) const override {
    auto& s = desk_->set;
    auto known = r.turns.empty() ? 0 : r.turns.back().used.all();
    auto bytes = known == 0 ? bytes_of_all(r) : bytes_of_results(r.turns.back());
    auto dearest = std::max({s.price.input, s.price.cached_input, s.price.cache_write});
    call_bound b;
    b.usd = ledger::cost_usd({dearest, dearest, dearest, s.price.output}, known + bytes, 0, 0,
                             s.model.max_output_tokens);
    // What it is likely to use: about four bytes a token, and a short answer.
    b.tokens = known + bytes / 4 + std::min<std::uint64_t>(s.model.max_output_tokens, 4'000);
    return b;
  }

private:
  /// Of a conversation of which the service did not say what it used so far.
  std::uint64_t bytes_of_all(const request& r) const {
    auto bytes = desk_->begins.at(r.at).bytes + told_bytes(r);
    for (auto& t : r.turns)
      bytes +=
          envelope_bytes + t.raw.dump(-1, ' ', false, replace_bad).size() + bytes_of_results(t);
    return bytes;
  }

  static constexpr auto replace_bad = ledger::json::error_handler_t::replace;

  static std::uint64_t bytes_of_results(const turn& t) {
    std::uint64_t bytes = 0;
    for (auto& r : t.results)
      bytes += envelope_bytes + r.content.size();
    return bytes;
  }

  static void send(const std::shared_ptr<desk>& d, const request& r, const answer_callback& done) {
    auto& begins = d->begins.at(r.at);
    auto p = prompt_for(d->book, r, *begins.tools);
    p.cache_key = begins.cache_key;
    auto wire = d->speaks->write(d->set.model, p, r.turns);
    wire.total_timeout = d->set.timeout;
    wire.idle_timeout = d->set.idle_timeout;
    wire.plain_http_anywhere = d->set.plain_http;
    d->web.send(std::move(wire), [d, done](tl::expected<http_response, http_failure> got) {
      if (!got)
        return done(tl::make_unexpected(of_http(d->set, got.error())));
      auto response = std::make_shared<http_response>(std::move(*got));
      d->blocking.run([d, done, response] {
        contained(done, true, [&] { done(read_answer(*d, std::move(*response))); });
      });
    });
  }

  std::shared_ptr<desk> desk_;
};

std::string in_table(const std::string& name) {
  return fmt::format("scheduler.toml, [providers.{}]", name);
}

result<settings> settings_of(const provider_context& c, const std::string& name,
                             const ledger::provider_config& p) {
  auto known =
      std::find_if(addresses.begin(), addresses.end(), [&](auto& a) { return a.kind == p.kind; });
  auto& role = c.config.roles.at(c.plays);
  settings s;
  s.name = name;
  s.kind = p.kind;
  s.model.base_url = p.base_url.empty() ? std::string{known->base_url} : p.base_url;
  while (!s.model.base_url.empty() && s.model.base_url.back() == '/')
    s.model.base_url.pop_back();
  s.model.model = role.provider == name && !role.model.empty() ? role.model : p.model;
  s.plain_http = p.plain_http;
  if (s.model.model.empty())
    return fail(fault::refused, in_table(name) + ": \"model\" is missing; name the service's model",
                "model-missing");
  if (s.model.base_url.empty())
    return fail(fault::refused,
                in_table(name) + ": \"base_url\" is missing; kind \"" + p.kind
                    + "\" has none of "
                      "its own",
                "base-url-missing");
  if (auto why = why_no_base_url(s.model.base_url, s.plain_http); !why.empty())
    return fail(fault::refused, in_table(name) + ": base_url: " + why, "base-url");
  if (!p.price)
    return fail(fault::refused,
                in_table(name)
                    + ": \"price\" is missing; add price = { input = …, output = … } in "
                      "US dollars for a million tokens, or 0 for both where it is free",
                "price-missing");
  s.price = *p.price;
  auto key = api_key_of(name, ledger::key_variable_of(p));
  if (!key)
    return tl::make_unexpected(key.error());
  s.model.api_key = std::move(*key);
  s.model.max_output_tokens = p.max_output_tokens.value_or(s.model.max_output_tokens);
  s.rates = default_rates;
  s.rates.concurrency = p.concurrency.value_or(s.rates.concurrency);
  s.rates.requests_per_minute = p.requests_per_minute.value_or(0);
  s.rates.tokens_per_minute = p.tokens_per_minute.value_or(0);
  s.timeout = p.timeout.value_or(s.timeout);
  s.idle_timeout = p.idle_timeout.value_or(s.idle_timeout);
  s.longest_wait = p.longest_wait.value_or(s.longest_wait);
  return s;
}

} // namespace

result<std::unique_ptr<provider>> make_api_provider(const provider_context& c,
                                                    const std::string& name,
                                                    const ledger::provider_config& p) {
  if (!c.web)
    return fail(fault::refused, in_table(name) + ": nothing can be asked from here", "no-web");
  auto s = settings_of(c, name, p);
  if (!s)
    return tl::make_unexpected(s.error());
  auto book = open_book(c);
  if (!book)
    return tl::make_unexpected(book.error());
  auto begins = beginnings_of(*book);
  return std::make_unique<api_provider>(std::make_shared<desk>(desk{
      std::move(*s), std::move(*book), std::move(begins), dialect_of(p.kind), *c.web, c.blocking}));
}

} // namespace providers
