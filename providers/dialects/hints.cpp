#include "providers/dialects/hints.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace providers::dialects {

using std::chrono::milliseconds;

namespace {

std::string_view trimmed(std::string_view text) {
  auto from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos)
    return {};
  return text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Digits with at most one point between them, as far as they go; the rest
/// stays in `text`. Written out because from_chars also reads "inf" and "1e9".
std::optional<double> take_number(std::string_view& text) {
  double value = 0;
  double scale = 0;
  std::size_t digits = 0;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    if (text[i] == '.' && scale == 0 && digits > 0) {
      scale = 1;
    } else if (is_digit(text[i])) {
      ++digits;
      if (scale == 0) {
        value = value * 10 + (text[i] - '0');
      } else {
        scale /= 10;
        value += (text[i] - '0') * scale;
      }
    } else {
      break;
    }
  }
  if (digits == 0 || text[i - 1] == '.')
    return std::nullopt;
  text.remove_prefix(i);
  return value;
}

milliseconds wait_of(double ms) {
  auto most = static_cast<double>(max_wait.count());
  return milliseconds{static_cast<std::int64_t>(std::clamp(ms, 0.0, most))};
}

milliseconds wait_until(std::int64_t then_ms, std::int64_t now_ms) {
  return wait_of(static_cast<double>(then_ms) - static_cast<double>(now_ms));
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  text = trimmed(text);
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

/// `count` digits at `at`, as a number.
std::optional<int> digits_at(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size())
    return std::nullopt;
  int value = 0;
  for (auto c : text.substr(at, count)) {
    if (!is_digit(c))
      return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

struct moment {
  std::optional<int> year, month, day, hour, minute, second;
};

std::optional<std::int64_t> unix_ms(const moment& m) {
  using namespace std::chrono;
  if (!m.year || !m.month || !m.day || !m.hour || !m.minute || !m.second)
    return std::nullopt;
  year_month_day date{year{*m.year}, month{static_cast<unsigned>(*m.month)},
                      day{static_cast<unsigned>(*m.day)}};
  // 60: a leap second.
  if (!date.ok() || *m.hour > 23 || *m.minute > 59 || *m.second > 60)
    return std::nullopt;
  auto since =
      sys_days{date}.time_since_epoch() + hours{*m.hour} + minutes{*m.minute} + seconds{*m.second};
  return duration_cast<milliseconds>(since).count();
}

/// `Z`, `+01:00`, `-0530`; in milliseconds.
std::optional<std::int64_t> offset_ms(std::string_view text) {
  if (text == "Z" || text == "z")
    return 0;
  if (text.size() < 5 || (text[0] != '+' && text[0] != '-'))
    return std::nullopt;
  bool colon = text[3] == ':';
  auto hour = digits_at(text, 1, 2);
  auto minute = digits_at(text, colon ? 4 : 3, 2);
  if (!hour || !minute || text.size() != (colon ? 6U : 5U) || *hour > 23 || *minute > 59)
    return std::nullopt;
  std::int64_t ms = (*hour * 60 + *minute) * 60'000LL;
  return text[0] == '-' ? -ms : ms;
}

} // namespace

std::string_view header_in(const http_response& r, std::string_view name) {
  for (auto& [key, value] : r.headers)
    if (key == name)
      return trimmed(value);
  return {};
}

std::optional<milliseconds> duration_in(std::string_view text) {
  struct unit {
    std::string_view name;
    double ms;
  };
  // Longer names first: "ms" is no "m".
  static constexpr std::array units{unit{"ms", 1},        unit{"us", 0.001},    unit{"µs", 0.001},
                                    unit{"ns", 0.000001}, unit{"s", 1'000},     unit{"m", 60'000},
                                    unit{"h", 3'600'000}, unit{"d", 86'400'000}};
  text = trimmed(text);
  if (text.empty())
    return std::nullopt;
  double ms = 0;
  while (!text.empty()) {
    auto number = take_number(text);
    if (!number)
      return std::nullopt;
    auto u = std::find_if(units.begin(), units.end(), [&](const unit& one) {
      return text.substr(0, one.name.size()) == one.name;
    });
    if (u == units.end())
      return std::nullopt;
    ms += *number * u->ms;
    text.remove_prefix(u->name.size());
  }
  return wait_of(ms);
}

std::optional<std::int64_t> rfc3339_ms(std::string_view text) {
  text = trimmed(text);
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':'
      || (text[10] != 'T' && text[10] != 't' && text[10] != ' '))
    return std::nullopt;
  auto whole = unix_ms({digits_at(text, 0, 4), digits_at(text, 5, 2), digits_at(text, 8, 2),
                        digits_at(text, 11, 2), digits_at(text, 14, 2), digits_at(text, 17, 2)});
  auto rest = text.substr(19);
  double fraction = 0;
  if (rest.front() == '.') {
    auto end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
    auto digits = "0" + std::string(rest.substr(0, end));
    std::string_view left = digits;
    auto read = take_number(left);
    if (!read)
      return std::nullopt;
    fraction = *read;
    rest.remove_prefix(end);
  }
  auto offset = offset_ms(rest);
  if (!whole || !offset)
    return std::nullopt;
  return *whole + static_cast<std::int64_t>(fraction * 1'000) - *offset;
}

std::optional<std::int64_t> http_date_ms(std::string_view text) {
  static constexpr std::array<std::string_view, 12> months{
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  text = trimmed(text);
  // RFC 9110, 5.6.7: the one form that is sent today.
  constexpr std::string_view shape = "Wed, 25 Nov 2026 23:01:00 GMT";
  if (text.size() != shape.size() || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' '
      || text[16] != ' ' || text[19] != ':' || text[22] != ':' || text.substr(25) != " GMT")
    return std::nullopt;
  auto month = std::find(months.begin(), months.end(), text.substr(8, 3));
  if (month == months.end())
    return std::nullopt;
  return unix_ms({digits_at(text, 12, 4), static_cast<int>(month - months.begin()) + 1,
                  digits_at(text, 5, 2), digits_at(text, 17, 2), digits_at(text, 20, 2),
                  digits_at(text, 23, 2)});
}

std::optional<milliseconds> retry_after(const http_response& r, std::int64_t now_ms) {
  auto plain = [](std::string_view text, double unit_ms) -> std::optional<milliseconds> {
    auto number = take_number(text);
    if (!number || !text.empty())
      return std::nullopt;
    return wait_of(*number * unit_ms);
  };
  if (auto ms = plain(header_in(r, "retry-after-ms"), 1))
    return ms;
  auto text = header_in(r, "retry-after");
  if (auto s = plain(text, 1'000))
    return s;
  if (auto then = http_date_ms(text))
    return wait_until(*then, now_ms);
  return std::nullopt;
}

rate_hint limits_in(const http_response& r, std::int64_t now_ms) {
  rate_hint hint;
  auto number = [&](std::optional<std::uint64_t>& into, std::string_view name) {
    if (!into)
      into = whole_number(header_in(r, name));
  };
  // OpenAI, "Rate limits": a duration. Groq and others send the same names.
  number(hint.requests_limit, "x-ratelimit-limit-requests");
  number(hint.requests_left, "x-ratelimit-remaining-requests");
  number(hint.tokens_limit, "x-ratelimit-limit-tokens");
  number(hint.tokens_left, "x-ratelimit-remaining-tokens");
  if (auto d = duration_in(header_in(r, "x-ratelimit-reset-requests")))
    hint.requests_reset_ms = d->count();
  if (auto d = duration_in(header_in(r, "x-ratelimit-reset-tokens")))
    hint.tokens_reset_ms = d->count();
  // Anthropic, "Rate limits": a time. `tokens` is the tightest limit in force.
  number(hint.requests_limit, "anthropic-ratelimit-requests-limit");
  number(hint.requests_left, "anthropic-ratelimit-requests-remaining");
  for (auto* sort : {"anthropic-ratelimit-tokens", "anthropic-ratelimit-input-tokens"}) {
    number(hint.tokens_limit, std::string(sort) + "-limit");
    number(hint.tokens_left, std::string(sort) + "-remaining");
    if (auto t = rfc3339_ms(header_in(r, std::string(sort) + "-reset")); t && !hint.tokens_reset_ms)
      hint.tokens_reset_ms = wait_until(*t, now_ms).count();
  }
  if (auto t = rfc3339_ms(header_in(r, "anthropic-ratelimit-requests-reset"));
      t && !hint.requests_reset_ms)
    hint.requests_reset_ms = wait_until(*t, now_ms).count();
  return hint;
}

std::optional<milliseconds> until_reset(const rate_hint& hint) {
  std::optional<std::int64_t> wait;
  auto later = [&](const std::optional<std::int64_t>& reset) {
    if (reset)
      wait = std::max(wait.value_or(0), *reset);
  };
  if (hint.requests_left == 0U)
    later(hint.requests_reset_ms);
  if (hint.tokens_left == 0U)
    later(hint.tokens_reset_ms);
  // Neither is down to nothing: the request was larger than what is left.
  if (!wait) {
    later(hint.requests_reset_ms);
    later(hint.tokens_reset_ms);
  }
  if (!wait)
    return std::nullopt;
  return milliseconds{*wait};
}

} // namespace providers::dialects
