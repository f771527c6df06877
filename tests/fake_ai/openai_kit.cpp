#include "tests/fake_ai/openai_kit.hpp"

#include <cmath>

#include <fmt/format.h>

namespace fake_ai {

namespace {

json type_of(const refusal& r) {
  if (!r.which.empty())
    return r.which;
  if (r.word == "insufficient_quota")
    return r.word;
  if (r.status == 429)
    return "requests";
  return r.status >= 500 ? "server_error" : "invalid_request_error";
}

json code_of(const refusal& r) {
  if (!r.word.empty())
    return r.word;
  if (r.status == 429)
    return "rate_limit_exceeded";
  return nullptr;
}

} // namespace

json openai_error(const refusal& r) {
  json inner = {{"message", r.message}, {"type", type_of(r)}};
  inner["param"] = nullptr;
  inner["code"] = code_of(r);
  json out = json::object();
  out["error"] = inner;
  return out;
}

header_list openai_limit_headers(const limits_state& s) {
  header_list out;
  auto add = [&](std::string_view what, const limit_state& l) {
    if (l.limit == 0)
      return;
    out.emplace_back(fmt::format("x-ratelimit-limit-{}", what), std::to_string(l.limit));
    out.emplace_back(fmt::format("x-ratelimit-remaining-{}", what), std::to_string(l.left));
    out.emplace_back(fmt::format("x-ratelimit-reset-{}", what), short_duration(l.reset_s));
  };
  add("requests", s.requests);
  add("tokens", s.tokens);
  return out;
}

header_list openai_refusal_headers(const refusal& r) {
  if (!r.retry_after_s)
    return {};
  return {{"retry-after", fmt::format("{:.0f}", std::ceil(*r.retry_after_s))},
          {"retry-after-ms", fmt::format("{:.0f}", std::ceil(*r.retry_after_s * 1000))}};
}

refusal openai_wrong_key(const std::string& key) {
  if (key.empty())
    return {401,
            {},
            "You didn't provide an API key. You need to provide your API key in an Authorization "
            "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."};
  return {401, "invalid_api_key", "Incorrect API key provided: " + key + "."};
}

std::optional<refusal> openai_refusal_of(const std::string& stop) {
  if (stop != "context")
    return std::nullopt;
  return refusal{400, "context_length_exceeded",
                 "Your input exceeds the context window of this model. Please adjust your input "
                 "and try again."};
}

} // namespace fake_ai
