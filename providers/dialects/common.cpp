#include "providers/dialects/common.hpp"

#include "ledger/detail.hpp"
#include "ledger/text.hpp"
#include "providers/bounded_json.hpp"
#include "providers/dialects/hints.hpp"
#include "providers/dialects/quoted.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace providers::dialects {

namespace {

using ckind = call_failure::kind;

struct consequence {
  finding of;
  ckind is;
  std::string_view code;   ///< See call_failure::code.
  std::string_view what;   ///< "openai: the key is not valid (status 401 …"
  std::string_view remedy; ///< A sentence.
};

constexpr std::array consequences{
    consequence{finding::rate_limited, ckind::wait, "rate-limited",
                "more requests or tokens than its limits allow",
                "It is left alone until the limit resets; a lower concurrency, requests_per_minute "
                "or tokens_per_minute of the provider makes this rarer."},
    consequence{finding::quota_used_up, ckind::wait, "quota-used-up",
                "the quota of the day is used up",
                "Wait until the vendor resets it, have it raised, or name another provider."},
    consequence{finding::overloaded, ckind::wait, "overloaded", "the service is overloaded",
                "It is left alone for a while; nothing is to be done here."},
    consequence{finding::service_error, ckind::outage, "service-error", "the service failed",
                "It is asked again; if this lasts, see the vendor's status page."},
    consequence{finding::timed_out, ckind::outage, "timed-out",
                "the service gave up before it had an answer",
                "It is asked again; if this lasts, make the task smaller or see the vendor's "
                "status page."},
    consequence{finding::not_json, ckind::outage, "not-json",
                "the response is no JSON that this program reads",
                "Something between here and the service may have answered in its place: check "
                "base_url and the proxy."},
    consequence{finding::wrong_shape, ckind::outage, "wrong-shape",
                "the response has not the shape of this API",
                "Check that base_url and the kind of the provider belong together."},
    consequence{finding::empty_body, ckind::outage, "empty-body", "the response is empty",
                "It is asked again; if this lasts, check base_url and the proxy."},
    consequence{finding::redirected, ckind::refused, "redirected",
                "the service sent the request somewhere else",
                "No redirect is followed, because the key would go along: set base_url to the "
                "final address."},
    consequence{finding::cut_off, ckind::spoiled, "cut-off",
                "the answer was cut off at the output limit",
                "Raise max_output_tokens of the provider, or make the task smaller."},
    consequence{finding::empty_answer, ckind::spoiled, "empty-answer", "the model said nothing",
                "It is asked again."},
    consequence{finding::malformed_call, ckind::spoiled, "malformed-call",
                "the model called a tool in a way that cannot be read",
                "It is asked again; if this lasts, name another model."},
    consequence{finding::filtered, ckind::spoiled, "filtered",
                "a filter of the service stopped the answer",
                "It is asked again; if this lasts, reword the prompt or name another provider."},
    consequence{finding::unexpected_stop, ckind::spoiled, "unexpected-stop",
                "the model stopped for a reason that ends no answer",
                "It is asked again; if this lasts, name another model."},
    consequence{finding::bad_request, ckind::refused, "bad-request",
                "the service does not accept the request",
                "Check model, max_output_tokens and the kind of the provider against what the "
                "service said."},
    consequence{finding::key_invalid, ckind::refused, "key-invalid", "the key is not valid",
                "Set the variable that api_key_env of the provider names to a valid key."},
    consequence{finding::key_forbidden, ckind::refused, "key-forbidden", "the key may not do this",
                "Give it access to the model at the vendor, or use another key or model."},
    consequence{finding::no_credit, ckind::refused, "no-credit",
                "the account has no credit, quota or budget for this",
                "See the billing page and the spend limits of the vendor, or name another "
                "provider."},
    consequence{finding::no_such_model, ckind::refused, "no-such-model",
                "the service does not know the model, or the address",
                "Check model and base_url of the provider."},
    consequence{finding::too_large, ckind::refused, "too-large",
                "the conversation is too large for the model or for the account",
                "Make the task smaller, lower max_output_tokens, or name a model with a larger "
                "context."},
    consequence{finding::refusal, ckind::refused, "refusal", "the model or a filter refused",
                "Reword the prompt, or name another provider for this role."},
};

static_assert(
    [] {
      for (std::size_t i = 0; i < consequences.size(); ++i)
        if (static_cast<std::size_t>(consequences[i].of) != i)
          return false;
      return static_cast<std::size_t>(finding::refusal) + 1 == consequences.size();
    }(),
    "every finding has one consequence, in the order of the enumerators");

/// What a status says where the body says nothing better. RFC 9110, and the
/// error pages of the three vendors; 409 is "retry" at Anthropic, 499 and 504
/// are Gemini's CANCELLED and DEADLINE_EXCEEDED, 529 is Anthropic's.
finding finding_of_status(long status) {
  switch (status) {
    case 401:
      return finding::key_invalid;
    case 402:
      return finding::no_credit;
    case 403:
      return finding::key_forbidden;
    case 404:
    case 410:
      return finding::no_such_model;
    case 408:
    case 499:
    case 504:
      return finding::timed_out;
    case 409:
    case 425:
      return finding::service_error;
    case 413:
      return finding::too_large;
    case 429:
      return finding::rate_limited;
    case 529:
      return finding::overloaded;
    default:
      if (status >= 300 && status < 400)
        return finding::redirected;
      return status >= 400 && status < 500 ? finding::bad_request : finding::service_error;
  }
}

bool says_any(const std::string& lowered, std::span<const std::string_view> phrases) {
  return std::any_of(phrases.begin(), phrases.end(),
                     [&](std::string_view p) { return lowered.find(p) != std::string::npos; });
}

/// Some things have no word of their own, only a sentence. A sentence that
/// changes makes the advice worse, not the decision: all of these are refused,
/// but the last.
finding refined(finding f, const std::string& message) {
  // Anthropic; OpenAI and vLLM; llama.cpp; Gemini.
  static constexpr std::array<std::string_view, 7> large{
      "prompt is too long", "maximum context length", "context window",
      "context size",       "context length",         "exceeds the maximum number of tokens",
      "input is too long"};
  // Anthropic, "Errors": a spend limit and an empty balance are status 400.
  static constexpr std::array<std::string_view, 3> poor{
      "credit balance is too low", "specified api usage limits", "spend limit"};
  // OpenAI: one request larger than the limit of a minute never fits.
  static constexpr std::array<std::string_view, 1> never_fits{"request too large for"};
  static constexpr std::array<std::string_view, 2> daily{"requests per day", "tokens per day"};
  auto lowered = ledger::lowered_ascii(message.substr(0, 4'000));
  if (f == finding::bad_request && says_any(lowered, large))
    return finding::too_large;
  if (f == finding::bad_request && says_any(lowered, poor))
    return finding::no_credit;
  if (f == finding::rate_limited && says_any(lowered, never_fits))
    return finding::too_large;
  if (f == finding::rate_limited && says_any(lowered, daily))
    return finding::quota_used_up;
  return f;
}

bool is_ok(long status) {
  return status >= 200 && status < 300;
}

/// The model may have run, and nobody knows how much. That a service had no
/// room is said before it runs.
bool may_be_billed(const consequence& c, long status, const tokens& used) {
  if (used.all() > 0 || c.is == ckind::wait)
    return false;
  return status < 300 || status >= 500 || status == 408 || status == 499;
}

const json& error_in(const json& body) {
  // Google's gateways wrap an error in a list at times.
  if (body.is_array() && body.size() == 1)
    return member(body.front(), "error");
  return member(body, "error");
}

} // namespace

std::optional<finding> meaning_of(meanings all, std::string_view word) {
  for (auto& m : all)
    if (m.word == word)
      return m.is;
  return std::nullopt;
}

const json& member(const json& object, const char* key) {
  static const json none;
  auto it = object.find(key);
  return it == object.end() ? none : *it;
}

std::uint64_t count_at(const json& object, const char* key) {
  // More than any call can use, small enough that sums of it cannot overflow.
  constexpr std::uint64_t most = 1'000'000'000'000;
  auto& v = member(object, key);
  if (v.is_number_unsigned())
    return std::min(v.get<std::uint64_t>(), most);
  if (v.is_number_integer())
    return static_cast<std::uint64_t>(
        std::clamp<std::int64_t>(v.get<std::int64_t>(), 0, static_cast<std::int64_t>(most)));
  if (v.is_number_float() && v.get<double>() > 0)
    return static_cast<std::uint64_t>(std::min(v.get<double>(), static_cast<double>(most)));
  return 0;
}

std::optional<json> arguments_in(const json& value) {
  if (value.is_object())
    return value;
  // So some servers write the call of a tool that needs no arguments.
  if (value.is_null() || (value.is_string() && is_blank_text(value.get_ref<const std::string&>())))
    return json::object();
  if (!value.is_string())
    return std::nullopt;
  auto parsed = parse_bounded(value.get_ref<const std::string&>());
  if (!parsed || !parsed->is_object())
    return std::nullopt;
  return std::move(*parsed);
}

bool is_blank_text(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

reading if_said(turn t) {
  if (t.calls.empty() && is_blank_text(t.text))
    return no_turn(finding::empty_answer);
  return t;
}

std::vector<std::string_view> said_parts(const prompt& p) {
  std::vector<std::string_view> all;
  for (auto& part : p.parts)
    if (!is_blank_text(part))
      all.push_back(part);
  return all;
}

std::vector<tool_result> results_of(const turn& t) {
  auto all = t.results;
  all.resize(t.calls.size(), tool_result{"This call was not run.", true});
  return all;
}

std::string marked_content(const tool_result& r) {
  return r.is_error ? "Error: " + r.content : r.content;
}

trouble vendor::trouble_in(const json& error, long status) const {
  trouble t;
  std::vector<std::string> words;
  if (error.is_string())
    t.message = error.get<std::string>();
  else
    t.message = ledger::text_at(error, "message");
  // The narrower word first: OpenAI's code says more than its type.
  for (auto* key : {"code", "type", "status"})
    if (auto word = ledger::text_at(error, key); !word.empty())
      words.push_back(std::move(word));
  // OpenRouter, "Errors": what fails after the status was sent has its own in
  // `code`. Ours and Google's repeat the status there.
  if (auto& code = member(error, "code"); code.is_number_integer() && is_ok(status))
    if (auto own = count_at(error, "code"); own >= 400 && own < 600)
      status = static_cast<long>(own);
  t.is = finding_of_status(status);
  for (auto& word : words)
    if (auto found = meaning_of(errors_, word)) {
      t.is = *found;
      t.reason = word;
      break;
    }
  if (t.reason.empty() && !words.empty())
    t.reason = words.front();
  // Gemini's word for an empty purse is the one for a limit that passes.
  if (status == 402)
    t.is = finding::no_credit;
  look_closer(error, t);
  t.is = refined(t.is, t.message);
  return t;
}

trouble vendor::trouble_of(const http_response& r, const json& body) const {
  if (auto& error = error_in(body); error.is_object() || error.is_string())
    return trouble_in(error, r.status);
  // vLLM has message, type and code at the top; FastAPI has `detail`.
  auto t = trouble_in(body, r.status);
  if (t.message.empty())
    t.message = ledger::text_at(body, "detail");
  if (t.message.empty())
    t.message = r.body.substr(0, 4'000);
  return t;
}

call_failure vendor::failure_of(trouble t, const http_response& r, const tokens& used,
                                std::int64_t now_ms) const {
  auto hint = limits_in(r, now_ms);
  auto wait = retry_after(r, now_ms);
  if (!wait)
    wait = t.wait;
  if (!wait && t.is == finding::rate_limited)
    wait = until_reset(hint);
  // A service that names the time for a next try has no fault, but no room.
  if (t.is == finding::service_error && r.status == 503 && wait)
    t.is = finding::overloaded;
  auto& c = consequences[static_cast<std::size_t>(t.is)];
  auto why = fmt::format("{}: {} (status {}", kind_, c.what, r.status);
  if (!t.reason.empty())
    why += ", " + quoted(t.reason, 60);
  why += ")";
  if (!is_blank_text(t.message))
    why += ": " + quoted(t.message, 370);
  call_failure f{c.is, std::string(c.code), fmt::format("{}. {}", why, c.remedy)};
  if (c.is == ckind::wait || c.is == ckind::outage)
    f.wait = wait;
  f.may_be_billed = may_be_billed(c, r.status, used);
  f.used = used;
  f.hint = hint;
  return f;
}

tl::expected<turn, call_failure> vendor::read(const http_response& r, std::int64_t now_ms) const {
  tokens used;
  auto failed = [&](trouble t) {
    return tl::make_unexpected(failure_of(std::move(t), r, used, now_ms));
  };
  if (r.status >= 300 && r.status < 400) {
    auto to = header_in(r, "location");
    return failed({finding::redirected, {}, std::string(to.substr(0, to.find('?')))});
  }
  auto body = parse_bounded(r.body);
  if (!is_ok(r.status))
    return failed(trouble_of(r, body ? *body : json{}));
  if (is_blank_text(r.body))
    return failed({finding::empty_body});
  if (!body)
    return failed({finding::not_json, body.error().detail, r.body.substr(0, 200)});
  used = used_in(*body);
  if (auto& error = error_in(*body); error.is_object() || error.is_string())
    return failed(trouble_of(r, *body));
  if (!body->is_object())
    return failed({finding::wrong_shape, {}, r.body.substr(0, 200)});
  auto said = turn_in(*body);
  if (!said) {
    auto t = std::move(said.error());
    if (t.is == finding::wrong_shape && t.message.empty())
      t.message = r.body.substr(0, 200);
    return failed(std::move(t));
  }
  said->used = used;
  return std::move(*said);
}

rate_hint vendor::limits(const http_response& r, std::int64_t now_ms) const {
  return limits_in(r, now_ms);
}

} // namespace providers::dialects
