#include "ledger/judge.hpp"

#include "ledger/markdown.hpp"
#include "ledger/text.hpp"
#include "ledger/validators.hpp"
#include "ledger/verdict.hpp"

#include <fmt/format.h>

namespace ledger {

namespace {

/// Most reasons that are kept: they are told to a model and stand in a record.
constexpr std::size_t reasons_max = 20;

judgement judgement_of(judged as, std::vector<std::string> reasons) {
  if (reasons.size() > reasons_max) {
    auto more = reasons.size() - reasons_max;
    reasons.resize(reasons_max);
    reasons.push_back(fmt::format("There are {} more reasons of this kind.", more));
  }
  return {as, std::move(reasons)};
}

judgement accepted_unless(faults wrong) {
  auto as = wrong.empty() ? judged::accepted : judged::rejected;
  return judgement_of(as, std::move(wrong));
}

/// A reader that stops at NUL, or mends bad bytes, would see another text.
void demand_text(std::string_view answer, faults& out) {
  auto nul = answer.find('\0') != answer.npos;
  if (nul || !is_utf8(answer))
    out.push_back(fmt::format("The answer {}; write plain UTF-8 text.",
                              nul ? "holds a NUL byte" : "is not valid UTF-8"));
}

/// `text` before its last non-empty line.
std::string_view without_last_line(std::string_view text) {
  auto end = text.find_last_not_of(" \t\r\n");
  if (end == text.npos)
    return {};
  auto start = text.find_last_of('\n', end);
  return start == text.npos ? std::string_view{} : text.substr(0, start + 1);
}

/// What a NO gives as its reason, on one line: the section where each verdict
/// says it, or what stands before the verdict. For people; nobody parses it.
std::string why_no(step s, std::string_view answer) {
  auto text = without_last_line(answer);
  auto title = s == step::decide   ? "What changes"
               : s == step::review ? "Requested changes"
                                   : "Consistency";
  auto sections = sections_of(text);
  auto* said = find_section(sections, title);
  auto body = trimmed(said ? said->body : text);
  std::string line;
  for (auto& l : lines_of(body)) {
    auto words = trimmed(l.text);
    if (!words.empty())
      line += (line.empty() ? "" : " ") + std::string{words};
  }
  if (line.empty())
    return "it gives no reason";
  auto quoted = excerpt(line, 400);
  return quoted.substr(1, quoted.size() - 2); // A sentence of its own: no back ticks around it.
}

judgement judge_review(std::string_view text, faults wrong) {
  switch (requested_changes(text)) {
    case requested::something:
      return {judged::said_no,
              {"The audit says YES, but its section *Requested changes* holds something other "
               "than `none`: that is a NO."}};
    case requested::unsaid:
      wrong.push_back("The section *Requested changes* is missing or empty; write it, with "
                      "`none` as its only text if nothing is to be changed.");
      break;
    case requested::nothing:
      break;
  }
  return accepted_unless(std::move(wrong));
}

judgement judge_verdict(step s, std::string_view answer, const case_file& c) {
  auto word = verdict_word(s);
  auto said = read_verdict(answer, word);
  if (!said)
    return {judged::rejected, {said.error().detail}};
  if (*said == verdict::no)
    return {judged::said_no, {why_no(s, answer)}};
  faults wrong;
  demand_text(answer, wrong);
  auto text = without_last_line(answer);
  if (s == step::review)
    return judge_review(text, std::move(wrong));
  auto more = s == step::decide ? decisions_faults(text, c) : final_verify_faults(text);
  wrong.insert(wrong.end(), more.begin(), more.end());
  return accepted_unless(std::move(wrong));
}

/// The scope's breaches of `c.changes`, `reports` naming files beside the plan.
result<std::vector<breach>> breaches_of(const case_file& c,
                                        const std::vector<std::string_view>& reports) {
  auto allowed = read_allowance(c.decisions);
  if (!allowed)
    return tl::make_unexpected(allowed.error());
  scope_question q{c.changes, c.hidden, c.base_paths, planned_files(c.plan)};
  for (auto report : reports)
    for (auto& path : planned_files(report))
      q.planned.push_back(path);
  return judge_scope(q, *allowed, c.guard, c.schema_globs);
}

/// What the candidate tree does that it may not.
faults tree_faults(step s, std::string_view answer, const case_file& c) {
  faults out;
  for (auto& fault : c.faults)
    out.push_back(fault);
  std::vector<std::string_view> reports;
  if (s == step::test) {
    reports.assign(c.earlier_fixes.begin(), c.earlier_fixes.end());
    reports.push_back(answer);
  }
  auto breaches = breaches_of(c, reports);
  if (!breaches) {
    out.push_back("The decisions cannot be read, so nothing may change: "
                  + breaches.error().detail);
    return out;
  }
  for (auto& b : *breaches)
    out.push_back(fmt::format("The change of {} breaks the scope: it {}. Undo it and keep to the "
                              "files that the decisions allow and the plan names.",
                              excerpt(b.path, 400), b.why));
  return out;
}

judgement judge_writing(step s, std::string_view answer, const case_file& c) {
  faults wrong;
  demand_text(answer, wrong);
  auto more = report_faults(answer, c, s == step::test);
  wrong.insert(wrong.end(), more.begin(), more.end());
  auto breaches = tree_faults(s, answer, c);
  if (breaches.empty())
    return accepted_unless(std::move(wrong));
  breaches.insert(breaches.end(), wrong.begin(), wrong.end());
  return judgement_of(judged::voided, std::move(breaches));
}

judgement judge_reading(step s, std::string_view answer, const case_file& c) {
  faults wrong;
  demand_text(answer, wrong);
  auto more = s == step::audit ? audit_faults(answer, c) : plan_faults(answer, c);
  wrong.insert(wrong.end(), more.begin(), more.end());
  return accepted_unless(std::move(wrong));
}

} // namespace

judgement judge(step s, std::string_view answer, const case_file& c) {
  switch (s) {
    case step::audit:
    case step::plan:
      return judge_reading(s, answer, c);
    case step::decide:
    case step::review:
    case step::verify:
      return judge_verdict(s, answer, c);
    case step::implement:
    case step::test:
      return judge_writing(s, answer, c);
    case step::ingest:
    case step::deliver:
      break;
  }
  return {judged::rejected, {fmt::format("No AI answers in step {}.", to_string(s))}};
}

result<std::vector<breach>> judge_candidate(const case_file& c) {
  std::vector<std::string_view> reports(c.earlier_fixes.begin(), c.earlier_fixes.end());
  return breaches_of(c, reports);
}

result<allowance> read_allowance(std::string_view decisions) {
  auto reading = read_allowance_closely(decisions);
  if (!reading.wrong.empty())
    return fail(fault::refused, reading.wrong.front());
  return std::move(reading.value);
}

} // namespace ledger
