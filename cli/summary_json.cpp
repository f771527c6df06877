// The machine's side of summary.hpp. docs/JSON.md describes what is written here.

#include "cli/summary.hpp"

#include "ledger/paths.hpp"

namespace cli {

namespace {

using json = nlohmann::ordered_json;

json text_or_null(const std::string& text) {
  return text.empty() ? json(nullptr) : json(text);
}

} // namespace

json spent_json(const ledger::standing& t) {
  auto all = json::array();
  for (auto& [by, sum] : t.spent)
    all.push_back({{"step", to_string(by.first)},
                   {"provider", by.second},
                   {"calls", sum.calls},
                   {"input_tokens", sum.input_tokens},
                   {"output_tokens", sum.output_tokens},
                   {"usd", sum.usd}});
  return all;
}

json task_json(const ledger::standing& t, const std::filesystem::path& ledger_root) {
  return {{"task", t.task},
          {"state", to_string(t.is)},
          {"step", to_string(t.at)},
          {"reason", text_or_null(t.reason)},
          {"commit", text_or_null(t.commit)},
          {"deploy_url", text_or_null(t.deploy_url)},
          {"pr_url", text_or_null(t.pr_url)},
          {"usd", t.usd},
          {"spent", spent_json(t)},
          {"round", t.round},
          {"why", text_or_null(t.why)},
          {"remedy", text_or_null(t.remedy)},
          {"branch", text_or_null(t.branch)},
          {"branch_commit", text_or_null(t.branch_commit)},
          {"folder", (ledger_root / t.task).string()}};
}

void add_lists(json& j, const batch_summary& s) {
  j["left_out"] = json::array();
  for (auto& l : s.left_out)
    j["left_out"].push_back({{"file", l.file_name}, {"reason", l.reason}, {"why", l.why}});
  j["not_in_batch"] = json::array();
  for (auto& a : s.absent)
    j["not_in_batch"].push_back({{"task", a.task}, {"why", a.why}});
  j["damaged"] = json::array();
  for (auto& [name, why] : s.damaged)
    j["damaged"].push_back(
        {{"task", name}, {"why", why}, {"remedy", damage_remedy(s.traces, name)}});
}

std::string summary_json(const batch_summary& s) {
  json j;
  j["tasks"] = json::array();
  for (auto& t : s.tasks)
    j["tasks"].push_back(task_json(standing_of(t), s.traces.ledger_root));
  add_lists(j, s);
  if (s.ended_early)
    j["error"] = s.ended_early->why;
  if (!s.lost.empty())
    j["lost"] = s.lost; // Nothing else would say why the run ended.
  j["exit_code"] = static_cast<int>(exit_code_of(s));
  return json_line(j);
}

std::string json_line(const json& j) {
  return j.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace cli
