// common.hpp -- what the four dialects share.
//
// A *finding* is what a response came to if it is no turn; it decides kind and
// code of the call_failure and what a person can do. A *trouble* is a finding
// with the words of the service. *Meanings* are a vendor's table from its words
// (error types, error codes, stop reasons) to findings.
//
//   1. A word that stands in no table decides nothing: of an error the status
//      does then, and of a stop it is `unexpected_stop`. Neither is an answer.
//   2. What services say is quoted without what looks like a key.
//   3. Where a response says what was used, the failure says it too; where it
//      does not and the model may have run, the failure may be billed.
//
// Pure.

#pragma once

#include "ledger/record.hpp"
#include "providers/conversation.hpp"
#include "providers/dialect.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace providers::dialects {

using ledger::json;

enum class finding : std::uint8_t {
  rate_limited,
  quota_used_up,
  overloaded,
  service_error,
  timed_out,
  not_json,
  wrong_shape,
  empty_body,
  redirected,
  cut_off,
  empty_answer,
  malformed_call,
  filtered,
  unexpected_stop,
  bad_request,
  key_invalid,
  key_forbidden,
  no_credit,
  no_such_model,
  too_large,
  refusal,
};

struct meaning {
  std::string_view word;
  finding is;
};
using meanings = std::span<const meaning>;

std::optional<finding> meaning_of(meanings all, std::string_view word);

struct trouble {
  finding is = finding::service_error;
  std::string reason = {};                            ///< The vendor's word for it.
  std::string message = {};                           ///< What the service said.
  std::optional<std::chrono::milliseconds> wait = {}; ///< The body's own hint.
};

using reading = tl::expected<turn, trouble>;

inline tl::unexpected<trouble> no_turn(finding f, std::string reason = {},
                                       std::string message = {}) {
  return tl::make_unexpected(trouble{f, std::move(reason), std::move(message)});
}

/// The turn, unless nothing was said in it.
reading if_said(turn t);

/// What a dialect does alike for every vendor: judge status and errors, add
/// what headers and usage say.
class vendor : public dialect {
public:
  vendor(std::string_view kind, meanings errors)
      : kind_(kind)
      , errors_(errors) {}
  tl::expected<turn, call_failure> read(const http_response& r, std::int64_t now_ms) const final;
  rate_hint limits(const http_response& r, std::int64_t now_ms) const final;

protected:
  /// Of a JSON object that came with status 2xx and holds no error.
  virtual reading turn_in(const json& body) const = 0;
  virtual tokens used_in(const json& body) const = 0;
  /// What only this vendor writes into its error objects.
  virtual void look_closer(const json& /*error*/, trouble& /*t*/) const {}
  /// Of an error as the vendors write them: an object or a text.
  trouble trouble_in(const json& error, long status) const;

private:
  trouble trouble_of(const http_response& r, const json& body) const;
  call_failure failure_of(trouble t, const http_response& r, const tokens& used,
                          std::int64_t now_ms) const;

  std::string_view kind_;
  meanings errors_;
};

// JSON of others, read without surprises.

/// The member, or null where there is none.
const json& member(const json& object, const char* key);
/// A count of tokens: absent, negative or no number reads as 0, an absurd one
/// as the largest that is believed.
std::uint64_t count_at(const json& object, const char* key);
/// The arguments of a call: an object, or the text of one; nothing is an empty one.
std::optional<json> arguments_in(const json& value);
bool is_blank_text(std::string_view text);

// Requests.

/// The parts that say something: vendors refuse empty texts.
std::vector<std::string_view> said_parts(const prompt& p);
/// One for each call, in order. A call that was never run says so: a
/// conversation with a hole in it is refused by every vendor.
std::vector<tool_result> results_of(const turn& t);
/// Where a vendor has no field for "could not be done".
std::string marked_content(const tool_result& r);

std::unique_ptr<const dialect> make_gemini();
std::unique_ptr<const dialect> make_anthropic();
std::unique_ptr<const dialect> make_openai_responses();
std::unique_ptr<const dialect> make_openai_chat();

} // namespace providers::dialects
