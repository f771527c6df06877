#include "providers/provider.hpp"

#include "ledger/digest.hpp"
#include "providers/checks.hpp"

namespace providers {
namespace {

/// tests/run.log, or one of an earlier round in tests/old/.
bool is_run_log(std::string_view path) {
  constexpr std::string_view folder = "tests/", ending = ".log";
  return path.substr(0, folder.size()) == folder && path.size() > ending.size()
         && path.substr(path.size() - ending.size()) == ending;
}

// Logs of checks alone among the ledger's files hold durations of ours: hashed
// as they are, two runs on the same tree would never ask the same question.
std::string digest_of_input(const input& i) {
  std::string_view text = i.text ? std::string_view{*i.text} : std::string_view{};
  if (is_run_log(i.path))
    return ledger::sha256(run_log_for_hashing(text));
  return ledger::sha256(text);
}

ledger::json digests_of(const std::vector<input>& inputs) {
  auto all = ledger::json::array();
  for (auto& i : inputs) {
    auto one = ledger::json::object();
    one["path"] = i.path;
    one["sha256"] = digest_of_input(i);
    all.push_back(std::move(one));
  }
  return all;
}

} // namespace

std::string_view input_text(const request& r, std::string_view path) {
  for (auto& i : r.inputs)
    if (i.path == path && i.text)
      return *i.text;
  return {};
}

ledger::json usage_of(const tokens& t) {
  return {{"input_tokens", t.input},
          {"cached_tokens", t.cached},
          {"cache_write_tokens", t.written},
          {"output_tokens", t.output}};
}

std::string input_digest(const request& r) {
  auto all = ledger::json::object();
  all["task"] = r.task;
  all["step"] = std::string{to_string(r.at)};
  all["round"] = r.round;
  all["inputs"] = digests_of(r.inputs);
  all["evidence"] = digests_of(r.evidence);
  // Complaints may quote any bytes; their digests are always text.
  auto complaints = ledger::json::array();
  for (auto& c : r.complaints)
    complaints.push_back(ledger::sha256(c));
  all["complaints"] = std::move(complaints);
  all["base_tree"] = r.base_tree;
  all["tree"] = r.tree;
  all["allow"] = r.allow;
  return ledger::sha256(all.dump(-1, ' ', false, ledger::json::error_handler_t::replace));
}

} // namespace providers
