#include "tests/fake_ai/script.hpp"

#include "ledger/detail.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

namespace fake_ai {

namespace {

namespace fs = std::filesystem;
using ledger::fault;

constexpr std::array<std::string_view, 14> known_faults{
    "chunked",  "stall", "silence", "cut",   "drop",         "dribble",         "big-headers",
    "big-body", "html",  "empty",   "reset", "slow-headers", "endless-headers", "not-http"};

ledger::failure wrong(std::string why) {
  return ledger::failure{fault::refused, std::move(why), "script"};
}

std::string why_not_typed(const json& j) {
  static const std::map<std::string, json::value_t> types{
      {"text", json::value_t::string},     {"calls", json::value_t::array},
      {"usage", json::value_t::object},    {"status", json::value_t::number_unsigned},
      {"raw_body", json::value_t::string}, {"headers", json::value_t::object},
      {"fault", json::value_t::string},    {"delay_ms", json::value_t::number_unsigned},
      {"stop", json::value_t::string},     {"times", json::value_t::number_unsigned},
      {"error", json::value_t::string},    {"error_word", json::value_t::string},
      {"details", json::value_t::array},
  };
  for (auto& [key, value] : j.items()) {
    if (key == "retry_after_s" && value.is_number())
      continue;
    auto type = types.find(key);
    if (type == types.end())
      return fmt::format("it has the unknown key \"{}\"", key);
    if (value.type() != type->second)
      return fmt::format("\"{}\" is of the wrong type", key);
  }
  return {};
}

usage usage_of(const json& j) {
  auto number = [&](const char* key) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, ledger::number_at(j, key)));
  };
  return {number("input"), number("cached"), number("written"), number("output"),
          number("thought")};
}

std::string with_task(std::string text, const std::string& task) {
  constexpr std::string_view place = "{{task}}";
  for (auto at = text.find(place); at != text.npos; at = text.find(place, at + task.size()))
    text.replace(at, place.size(), task);
  return text;
}

} // namespace

ledger::result<reply> reply_of(std::string_view text) {
  auto j = json::parse(text, nullptr, false);
  if (!j.is_object())
    return tl::unexpected(wrong("it is no JSON object"));
  if (auto why = why_not_typed(j); !why.empty())
    return tl::unexpected(wrong(why));
  reply r;
  r.text = ledger::text_at(j, "text");
  r.stop = ledger::text_at(j, "stop");
  r.fault = ledger::text_at(j, "fault");
  if (!r.fault.empty()
      && std::find(known_faults.begin(), known_faults.end(), r.fault) == known_faults.end())
    return tl::unexpected(wrong(fmt::format("\"{}\" is no fault that is known", r.fault)));
  if (j.contains("status"))
    r.status = static_cast<int>(ledger::number_at(j, "status"));
  r.error.status = r.status;
  r.error.message = j.contains("error") ? ledger::text_at(j, "error") : "As the script says.";
  r.error.word = ledger::text_at(j, "error_word");
  if (j.contains("details"))
    r.error.details = j["details"];
  if (j.contains("retry_after_s"))
    r.error.retry_after_s = ledger::real_at(j, "retry_after_s");
  if (j.contains("raw_body"))
    r.raw_body = ledger::text_at(j, "raw_body");
  if (j.contains("delay_ms"))
    r.delay_ms = static_cast<int>(ledger::number_at(j, "delay_ms"));
  if (j.contains("usage"))
    r.used = usage_of(j["usage"]);
  if (j.contains("headers"))
    for (auto& [key, value] : j["headers"].items())
      r.headers.emplace_back(key, value.is_string() ? value.get<std::string>() : value.dump());
  if (j.contains("calls"))
    for (auto& call : j["calls"]) {
      auto name = ledger::text_at(call, "name");
      if (name.empty())
        return tl::unexpected(wrong("one of its calls has no name"));
      r.calls.push_back({name, call.contains("arguments") ? call["arguments"] : json::object()});
    }
  return r;
}

ledger::result<script> script::read(const fs::path& folder) {
  script out;
  std::error_code e;
  fs::recursive_directory_iterator files(folder, e);
  if (e)
    return tl::unexpected(
        wrong(fmt::format("cannot read the script {}: {}", folder.string(), e.message())));
  for (auto& file : files) {
    auto extension = file.path().extension();
    if (!file.is_regular_file(e) || (extension != ".json" && extension != ".md"))
      continue;
    std::ifstream in(file.path(), std::ios::binary);
    entry one{extension == ".json", {std::istreambuf_iterator<char>(in), {}}, {}};
    if (!in)
      return tl::unexpected(wrong("cannot read " + file.path().string()));
    if (one.is_json) {
      if (auto reply = reply_of(one.text); !reply)
        return tl::unexpected(
            wrong(fmt::format("{}: {}", file.path().string(), reply.error().detail)));
      auto j = json::parse(one.text, nullptr, false);
      if (j.contains("times"))
        one.times_left = static_cast<std::uint64_t>(ledger::number_at(j, "times"));
    }
    out.entries_[file.path().lexically_relative(folder).generic_string()] = std::move(one);
  }
  return out;
}

std::optional<reply> script::next(const std::string& task, const std::string& step,
                                  std::size_t conversation, std::size_t turn) {
  if (entries_.empty())
    return std::nullopt;
  const std::array<std::string, 4> names{fmt::format("{}.r{}.{}", step, conversation, turn),
                                         fmt::format("{}.r{}", step, conversation),
                                         fmt::format("{}.{}", step, turn), step};
  for (auto& folder : {task + "/", std::string("default/"), std::string{}})
    for (auto& name : names)
      for (auto extension : {".json", ".md"})
        if (auto r = use(folder + name + extension, task))
          return r;
  return std::nullopt;
}

std::optional<reply> script::use(const std::string& name, const std::string& task) {
  auto found = entries_.find(name);
  if (found == entries_.end())
    return std::nullopt;
  auto& one = found->second;
  if (one.times_left && *one.times_left == 0)
    return std::nullopt;
  if (one.times_left)
    --*one.times_left;
  reply r;
  if (!one.is_json) {
    r.text = with_task(one.text, task);
    return r;
  }
  // Checked when the script was read; a task's name needs no escapes.
  return reply_of(with_task(one.text, task)).value_or(r);
}

} // namespace fake_ai
