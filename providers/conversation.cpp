#include "providers/conversation.hpp"

#include "ledger/detail.hpp"
#include "providers/bounded_json.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace providers {

using ledger::json;

namespace {

// What a line puts around the answer of a service or the arguments of a call.
constexpr std::size_t max_line_depth = max_json_depth + 16;

json results_in(const std::vector<tool_result>& results) {
  json all = json::array();
  for (auto& r : results)
    all.push_back({{"content", r.content}, {"is_error", r.is_error}});
  return all;
}

json calls_in(const std::vector<tool_call>& calls) {
  json all = json::array();
  for (auto& c : calls)
    all.push_back({{"id", c.id}, {"name", c.name}, {"arguments", c.arguments}});
  return all;
}

const json& member(const json& object, const char* key) {
  static const json none;
  auto it = object.find(key);
  return it == object.end() ? none : *it;
}

std::uint64_t count_at(const json& object, const char* key) {
  auto& v = member(object, key);
  return v.is_number_unsigned() ? v.get<std::uint64_t>() : 0;
}

struct read_line {
  std::vector<tool_result> results_before;
  turn said;
};

/// Takes what it finds; that nothing else was there shows the line that it
/// makes again.
read_line taken_from(const json& line) {
  read_line r;
  for (auto& one : member(line, "results"))
    r.results_before.push_back({ledger::text_at(one, "content"), ledger::flag_at(one, "is_error")});
  auto& answer = member(line, "answer");
  r.said.raw = member(answer, "raw");
  r.said.text = ledger::text_at(answer, "text");
  for (auto& one : member(answer, "calls"))
    r.said.calls.push_back(
        {ledger::text_at(one, "id"), ledger::text_at(one, "name"), member(one, "arguments")});
  auto& used = member(answer, "used");
  r.said.used = {count_at(used, "input"), count_at(used, "cached"), count_at(used, "written"),
                 count_at(used, "output")};
  return r;
}

bool is_digest(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// Why `text` is no line of ours after `before`; empty: it is, and `r` holds it.
std::string why_no_line(std::string_view text, const std::vector<turn>& before, read_line& r) {
  auto line = parse_bounded(text, max_line_depth);
  if (!line)
    return line.error().detail;
  auto digest = ledger::text_at(*line, "request_sha256");
  if (!is_digest(digest))
    return "its request_sha256 is no SHA-256";
  r = taken_from(*line);
  for (auto& c : r.said.calls)
    if (c.name.empty() || !c.arguments.is_object())
      return "it holds a call without a name or an object of arguments";
  if (line_of(r.said, r.results_before, digest).dump() != text)
    return "it is not spelled as this program writes turns (missing, unknown, repeated or "
           "reordered keys, values of another type, or spaces)";
  auto called = before.empty() ? 0 : before.back().calls.size();
  if (r.results_before.size() != called)
    return fmt::format("it holds {} results for {} calls of the turn before",
                       r.results_before.size(), called);
  return {};
}

} // namespace

json line_of(const turn& t, const std::vector<tool_result>& results_before,
             std::string_view request_sha256) {
  json line;
  line["request_sha256"] = request_sha256;
  line["results"] = results_in(results_before);
  auto& answer = line["answer"];
  answer["raw"] = t.raw;
  answer["text"] = t.text;
  answer["calls"] = calls_in(t.calls);
  answer["used"] = {{"input", t.used.input},
                    {"cached", t.used.cached},
                    {"written", t.used.written},
                    {"output", t.used.output}};
  // Files that tools read may hold any bytes. They are replaced here as they are
  // in the request, so that the request after a restart is the same.
  return json::parse(dump_valid(line), nullptr, false);
}

ledger::result<std::vector<turn>> turns_of(std::string_view jsonl) {
  std::vector<turn> all;
  for (std::size_t number = 1; !jsonl.empty(); ++number) {
    auto end = std::min(jsonl.find('\n'), jsonl.size());
    read_line r;
    if (auto why = why_no_line(jsonl.substr(0, end), all, r); !why.empty())
      return ledger::fail(ledger::fault::corrupt, fmt::format("turns, line {}: {}", number, why));
    if (!all.empty())
      all.back().results = std::move(r.results_before);
    all.push_back(std::move(r.said));
    jsonl.remove_prefix(std::min(end + 1, jsonl.size()));
  }
  return all;
}

} // namespace providers
