#include "ledger/standing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <optional>
#include <span>
#include <vector>

namespace ledger {

namespace {

constexpr std::size_t plain_fields = 14;
constexpr std::size_t fields_of_spending = 6;

constexpr std::array rests{status::waiting, status::done,   status::no_change,
                           status::stopped, status::parked, status::cancelled};

// A tab or newline of a sentence must not end its field or line.
void add(std::string& text, std::string_view field) {
  if (!text.empty())
    text += '\t';
  for (auto c : field)
    switch (c) {
      case '\\':
        text += "\\\\";
        break;
      case '\t':
        text += "\\t";
        break;
      case '\n':
        text += "\\n";
        break;
      default:
        text += c;
    }
}

std::optional<std::string> unescaped(std::string_view field) {
  if (field.find('\\') == std::string_view::npos)
    return std::string(field);
  std::string out;
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] != '\\') {
      out += field[i];
      continue;
    }
    if (++i == field.size())
      return std::nullopt;
    if (field[i] != '\\' && field[i] != 't' && field[i] != 'n')
      return std::nullopt;
    out += field[i] == 't' ? '\t' : field[i] == 'n' ? '\n' : '\\';
  }
  return out;
}

std::vector<std::string_view> fields_of(std::string_view text) {
  std::vector<std::string_view> out;
  out.reserve(plain_fields + 8 * fields_of_spending);
  for (auto tab = text.find('\t'); tab != std::string_view::npos; tab = text.find('\t')) {
    out.push_back(text.substr(0, tab));
    text.remove_prefix(tab + 1);
  }
  out.push_back(text);
  return out;
}

std::optional<status> status_named(std::string_view name) {
  if (name == to_string(status::running))
    return status::running;
  auto found =
      std::find_if(rests.begin(), rests.end(), [&](auto s) { return to_string(s) == name; });
  return found == rests.end() ? std::nullopt : std::optional(*found);
}

// Takes one field after the other; what does not fit is remembered.
class reader {
public:
  explicit reader(std::span<const std::string_view> fields)
      : left_(fields) {}

  bool is_sound() const noexcept { return sound_; }
  bool is_at_end() const noexcept { return left_.empty(); }

  std::string_view raw() {
    if (left_.empty()) {
      sound_ = false;
      return {};
    }
    auto field = left_.front();
    left_ = left_.subspan(1);
    return field;
  }
  std::string text() { return take(unescaped(raw())); }
  step at() { return take(step_named(raw())); }
  status is() { return take(status_named(raw())); }
  template <class Number>
  Number number() {
    auto field = raw();
    Number n{};
    auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), n);
    sound_ = sound_ && error == std::errc{} && end == field.data() + field.size();
    return n;
  }

private:
  template <class Maybe>
  auto take(Maybe value) -> std::decay_t<decltype(*value)> {
    sound_ = sound_ && value.has_value();
    return value ? std::move(*value) : std::decay_t<decltype(*value)>{};
  }

  std::span<const std::string_view> left_;
  bool sound_ = true;
};

} // namespace

standing standing_of(const task_state& s) {
  standing out;
  out.task = s.task;
  out.is = s.is;
  out.at = s.at;
  out.round = s.round;
  out.reason = s.reason;
  out.why = s.why;
  out.remedy = s.remedy;
  out.last_time = s.last_time;
  out.commit = s.out->commit;
  out.branch = s.branch;
  out.branch_commit = s.branch_commit;
  if (s.out->deployed)
    out.deploy_url = s.out->deploy_url;
  if (s.request)
    out.pr_url = s.request->url;
  out.usd = s.usd;
  out.spent = *s.spent;
  return out;
}

bool may_rest_after(event e) noexcept {
  return e == event::finished || e == event::stopped || e == event::parked || e == event::awaiting
         || e == event::cancelled;
}

std::string to_text(const standing& s) {
  std::string text;
  add(text, s.task);
  add(text, to_string(s.is));
  add(text, to_string(s.at));
  add(text, fmt::to_string(s.round));
  for (auto* field : {&s.reason, &s.why, &s.remedy, &s.last_time, &s.commit, &s.branch,
                      &s.branch_commit, &s.deploy_url, &s.pr_url})
    add(text, *field);
  add(text, fmt::to_string(s.usd));
  for (auto& [by, sum] : s.spent) {
    add(text, to_string(by.first));
    add(text, by.second);
    add(text, fmt::to_string(sum.calls));
    add(text, fmt::to_string(sum.usd));
    add(text, fmt::to_string(sum.input_tokens));
    add(text, fmt::to_string(sum.output_tokens));
  }
  return text;
}

result<standing> standing_in(std::string_view text) {
  auto fields = fields_of(text);
  reader r(fields);
  standing s;
  s.task = r.text();
  s.is = r.is();
  s.at = r.at();
  s.round = r.number<std::uint32_t>();
  for (auto* field : {&s.reason, &s.why, &s.remedy, &s.last_time, &s.commit, &s.branch,
                      &s.branch_commit, &s.deploy_url, &s.pr_url})
    *field = r.text();
  s.usd = r.number<double>();
  while (r.is_sound() && !r.is_at_end()) {
    auto at = r.at();
    auto& sum = s.spent[{at, r.text()}];
    sum.calls = r.number<std::uint32_t>();
    sum.usd = r.number<double>();
    sum.input_tokens = r.number<std::uint64_t>();
    sum.output_tokens = r.number<std::uint64_t>();
  }
  if (!r.is_sound() || s.task.empty())
    return fail(fault::corrupt, "is no standing of a task");
  return s;
}

} // namespace ledger
