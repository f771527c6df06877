#include "cli/control_message.hpp"

#include "ledger/detail.hpp"
#include "ledger/prompt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

namespace cli {

namespace {

using ledger::json;
using ledger::person_order;

constexpr int version = 1;
constexpr std::array<std::string_view, 5> request_keys{"version", "order", "task", "step", "note"};

tl::unexpected<ledger::failure> refuse(std::string why) {
  return ledger::fail(ledger::fault::refused, "no request: " + std::move(why), "bad-request");
}

/// An object; null: the line is none.
json object_in(std::string_view line) {
  auto j = json::parse(line, nullptr, false);
  return j.is_object() ? j : json(nullptr);
}

std::string one_line(const json& j) {
  return j.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

ledger::result<person_order::kind> kind_named(const std::string& word) {
  using enum person_order::kind;
  for (auto k : {approve, retry, cancel})
    if (word == to_string(k))
      return k;
  return refuse("`order` is none of approve, retry, cancel");
}

ledger::result<void> take_note(const json& j, person_order& o) {
  if (!j.contains("note"))
    return {};
  auto text = ledger::text_at(j, "note");
  if (o.what != person_order::kind::retry || text.empty() || text.size() > ledger::max_prompt_bytes
      || !ledger::is_text(text, nullptr))
    return refuse("`note` is no text of a retry, or too long");
  o.note = std::make_shared<const std::string>(std::move(text));
  return {};
}

} // namespace

std::string request_line(const person_order& o) {
  json j{{"version", version}, {"order", to_string(o.what)}, {"task", o.task}};
  if (o.at)
    j["step"] = to_string(*o.at);
  if (o.note)
    j["note"] = *o.note;
  return one_line(j);
}

ledger::result<person_order> parse_request(std::string_view line) {
  auto j = object_in(line);
  if (j.is_null())
    return refuse("it is no JSON object");
  for (auto& [key, value] : j.items())
    if (std::find(request_keys.begin(), request_keys.end(), key) == request_keys.end())
      return refuse("it has a key that this version does not know");
  if (ledger::number_at(j, "version") != version)
    return refuse(fmt::format("it is not of version {}: the program was updated while the "
                              "scheduler runs",
                              version));
  person_order o;
  auto kind = kind_named(ledger::text_at(j, "order"));
  if (!kind)
    return tl::make_unexpected(kind.error());
  o.what = *kind;
  o.task = ledger::text_at(j, "task");
  if (!ledger::why_no_task_name(o.task).empty())
    return refuse("`task` cannot name a task");
  if (j.contains("step")) {
    o.at = ledger::step_named(ledger::text_at(j, "step"));
    if (!o.at || o.what == person_order::kind::cancel)
      return refuse("`step` names no step");
  }
  if (auto ok = take_note(j, o); !ok)
    return tl::make_unexpected(ok.error());
  return o;
}

std::string answer_line(const control_answer& a) {
  return one_line(
      {{"exit_code", static_cast<int>(a.code)}, {"text", a.text}, {"ending", a.ending}});
}

ledger::result<control_answer> parse_answer(std::string_view line) {
  auto j = object_in(line);
  if (j.is_null() || !j.contains("exit_code") || !j["exit_code"].is_number_integer())
    return ledger::fail(ledger::fault::refused, "the scheduler's answer cannot be read");
  return control_answer{static_cast<exit_code>(ledger::number_at(j, "exit_code")),
                        ledger::text_at(j, "text"), ledger::flag_at(j, "ending")};
}

} // namespace cli
