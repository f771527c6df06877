#include "providers/cli/failures.hpp"

#include "ledger/step_table.hpp"
#include "ledger/text.hpp"

#include <fmt/format.h>

#include <initializer_list>

namespace providers::cli {
namespace {

using kind = call_failure::kind;

bool says(std::string_view low, std::initializer_list<std::string_view> words) {
  for (const auto w : words)
    if (low.find(w) != low.npos)
      return true;
  return false;
}

/// The status that a text names: "unexpected status 401 Unauthorized", "last
/// status: 429", "API Error: 500".
int status_in(std::string_view low) {
  for (const std::string_view cue :
       {"status code", "status", "api error", "error code", "\"code\""})
    for (auto at = low.find(cue); at != low.npos; at = low.find(cue, at + 1)) {
      const auto rest = low.substr(at + cue.size());
      const auto from = rest.find_first_not_of(" :=(\"");
      if (from == rest.npos)
        continue;
      const auto digits = rest.substr(from, rest.find_first_not_of("0123456789", from) - from);
      if (digits.size() == 3 && (digits[0] == '4' || digits[0] == '5'))
        return (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
    }
  return 0;
}

std::string without_key(std::string_view text, const cli_settings& s) {
  std::string clean(text);
  if (s.api_key.size() < 4) // Too short to be one; it would tear every word apart.
    return clean;
  for (auto at = clean.find(s.api_key); at != clean.npos; at = clean.find(s.api_key, at))
    clean.replace(at, s.api_key.size(), "[key]");
  return clean;
}

std::string key_remedy(const tool& t, const cli_settings& s) {
  if (!s.api_key_env.empty())
    return fmt::format("correct the key in {}", s.api_key_env);
  if (t.login.empty())
    return "set api_key_env to the variable that holds a key";
  return fmt::format("set api_key_env to the variable that holds a key, or {}", t.login_action);
}

} // namespace

bool may_write(const request& r) noexcept {
  return ledger::row_of(r.at).writes_code;
}

double cost_of(const tokens& t, const std::optional<ledger::token_price>& p) {
  return p ? ledger::cost_usd(*p, t.input, t.cached, t.written, t.output) : 0;
}

std::vector<std::string> program_words(const tool& t, const cli_settings& s) {
  if (s.command.empty())
    return {std::string(t.program)};
  return s.command;
}

std::string last_words(std::string_view text, const cli_settings& s) {
  // Before it is cut: half a secret would not be known for one any more.
  auto clean = s.secrets.redact(without_key(text, s));
  while (!clean.empty() && (clean.back() == '\n' || clean.back() == ' '))
    clean.pop_back();
  constexpr std::size_t bytes_max = 360;
  if (clean.size() > bytes_max) {
    auto from = clean.size() - bytes_max;
    // At the start of a line if one is near, and never within a character.
    if (const auto line = clean.find('\n', from); line != clean.npos && line < from + 120)
      from = line + 1;
    while (from < clean.size() && (static_cast<unsigned char>(clean[from]) & 0xC0) == 0x80)
      ++from;
    clean.erase(0, from);
  }
  return clean.empty() ? std::string("nothing") : ledger::excerpt(clean, 400);
}

call_failure make_failure(kind is, std::string code, const tool& t, const cli_settings& s,
                          std::string_view what, std::string_view said) {
  const auto name = s.name.empty() ? t.kind : std::string_view(s.name);
  auto why = fmt::format("{}: {}", name, what);
  if (!said.empty())
    why += "; it said " + last_words(said, s);
  return call_failure(is, std::move(code), std::move(why));
}

call_failure failure_of(const tool& t, const complaint& c, const finished_run& run,
                        const cli_settings& s) {
  const auto low = ledger::lowered_ascii(std::string_view(c.text).substr(0, 16'000));
  const int status = c.status != 0 ? c.status : status_in(low);
  const auto make = [&](kind is, const char* code, const std::string& what) {
    auto f = make_failure(is, code, t, s, what, c.text);
    f.may_be_billed = true;
    return f;
  };
  const auto turned_away = [&](const char* code, const std::string& what) {
    return make_failure(kind::refused, code, t, s, what, c.text);
  };
  // In this order: a service says "429" of an empty purse as well, and "400" of
  // a prompt that is too long.
  if (says(low, {"context window", "context length", "context_length", "prompt is too long",
                 "input is too long", "input token count", "maximum number of tokens",
                 "request_too_large"})
      || status == 413)
    return make(kind::refused, "too-large",
                "the prompt is longer than the model takes; name another model or a smaller task");
  if (says(low, {"insufficient_quota", "credit balance", "billing", "payment required"})
      || status == 402)
    return make(kind::refused, "no-credit", "the account has no credit; top it up");
  if (status == 429
      || says(low, {"usage limit", "session limit", "weekly limit", "hit your limit", "rate limit",
                    "rate_limit", "too many requests", "resource_exhausted", "quota"})) {
    auto f = make(kind::wait, "rate-limited", "the service's limit is reached");
    f.wait = wait_in(c.text, run.now_ms);
    return f;
  }
  if (status == 401 || status == 403
      || says(low, {"invalid api key", "invalid x-api-key", "incorrect api key", "unauthorized",
                    "authentication_error", "api key not valid", "api_key_invalid", "not logged in",
                    "please run /login", "oauth token has expired", "missing bearer", "no api key",
                    "set an auth method", "refresh token"}))
    return turned_away("key-invalid",
                       "the service does not accept the key or login; " + key_remedy(t, s));
  if (status == 404 || says(low, {"model_not_found", "model not found", "not_found_error"}))
    return turned_away(
        "no-such-model",
        fmt::format("the service does not know what was asked for; correct model (`{}`) or "
                    "base_url",
                    s.model));
  if (status >= 500 || status == 408
      || says(low, {"overloaded",
                    "internal server error",
                    "bad gateway",
                    "service unavailable",
                    "gateway timeout",
                    "stream disconnected",
                    "connection refused",
                    "connection reset",
                    "connection error",
                    "econnrefused",
                    "econnreset",
                    "etimedout",
                    "enotfound",
                    "eai_again",
                    "socket hang up",
                    "fetch failed",
                    "request timed out",
                    "timed out",
                    "error sending request",
                    "unavailable"})) {
    auto f = make(kind::outage, "unavailable", "the service could not be reached or failed");
    f.wait = wait_in(c.text, run.now_ms);
    return f;
  }
  if (status >= 400)
    return make(kind::refused, "bad-request",
                fmt::format("the service refused the request with status {}", status));
  return make(kind::spoiled, "failed", fmt::format("the tool failed ({})", run.child.ended()));
}

std::optional<call_failure> ended_badly(const tool& t, const finished_run& run,
                                        const cli_settings& s) {
  const auto& c = run.child;
  const auto said = [&] { return c.err.empty() ? std::string_view(c.output) : c.err; };
  const auto billed = [](call_failure f) {
    f.may_be_billed = true;
    return f;
  };
  switch (c.how) {
    case child_result::end::timed_out:
    case child_result::end::idle:
      // An attempt and not an outage: what hangs has mostly asked its model
      // before, so that each new try costs, and patience has no count.
      return billed(make_failure(
          kind::spoiled, "hung", t, s,
          fmt::format("the tool {} and was ended; raise {} if it needs more", c.ended(),
                      c.how == child_result::end::idle ? "idle_timeout" : "timeout"),
          said()));
    case child_result::end::killed:
      return billed(make_failure(kind::outage, "closing", t, s, "the scheduler is ending"));
    case child_result::end::signalled:
      return billed(make_failure(kind::spoiled, "died", t, s, "the tool was " + c.ended(), said()));
    case child_result::end::exited:
      break;
  }
  constexpr std::string_view of_the_cage = "bwrap: ";
  if (c.exit_code == 0 || c.err.compare(0, of_the_cage.size(), of_the_cage) != 0)
    return std::nullopt;
  if (c.err.find("execvp") != c.err.npos)
    return make_failure(kind::refused, "no-such-tool", t, s,
                        fmt::format("the sandbox does not show the program or what runs it; "
                                    "install it ({}) or name its folder in [sandbox] read_only",
                                    t.install),
                        c.err);
  return make_failure(kind::outage, "sandbox", t, s, "the sandbox could not be made", c.err);
}

} // namespace providers::cli
