#include "providers/cli/failures.hpp"

#include "ledger/text.hpp"

#include <array>
#include <charconv>

namespace providers::cli {
namespace {

namespace ch = std::chrono;

/// Longer than any plan's period: whatever says more was misread.
constexpr double wait_max_ms = 62.0 * 24 * 3600 * 1000;

/// Reads lowered text from left to right.
class scanner {
public:
  explicit scanner(std::string_view s)
      : s_(s) {}
  void skip(std::string_view chars) {
    s_.remove_prefix(std::min(s_.find_first_not_of(chars), s_.size()));
  }
  bool take(std::string_view word) {
    if (s_.substr(0, word.size()) != word)
      return false;
    s_.remove_prefix(word.size());
    return true;
  }
  std::optional<double> number() {
    double n = 0;
    const auto end = std::min(s_.find_first_not_of("0123456789."), s_.size());
    const auto r = std::from_chars(s_.data(), s_.data() + end, n, std::chars_format::fixed);
    if (r.ec != std::errc())
      return std::nullopt;
    s_.remove_prefix(static_cast<std::size_t>(r.ptr - s_.data()));
    return n;
  }
  std::optional<unsigned> whole() {
    unsigned n = 0;
    const auto r = std::from_chars(s_.data(), s_.data() + s_.size(), n);
    if (r.ec != std::errc())
      return std::nullopt;
    s_.remove_prefix(static_cast<std::size_t>(r.ptr - s_.data()));
    return n;
  }
  std::string_view letters() {
    std::size_t n = 0;
    while (n < s_.size() && s_[n] >= 'a' && s_[n] <= 'z')
      ++n;
    const auto word = s_.substr(0, n);
    s_.remove_prefix(n);
    return word;
  }
  std::string_view up_to(char c) {
    const auto word = s_.substr(0, s_.find(c));
    s_.remove_prefix(word.size());
    return word;
  }

private:
  std::string_view s_;
};

double unit_ms(std::string_view u) {
  if (u == "ms" || u == "millisecond" || u == "milliseconds")
    return 1;
  if (u == "s" || u == "sec" || u == "secs" || u == "second" || u == "seconds")
    return 1000;
  if (u == "m" || u == "min" || u == "mins" || u == "minute" || u == "minutes")
    return 60 * 1000;
  if (u == "h" || u == "hr" || u == "hrs" || u == "hour" || u == "hours")
    return 3600 * 1000;
  if (u == "d" || u == "day" || u == "days")
    return 24 * 3600 * 1000;
  return 0;
}

/// "3 hours 12 minutes", "1h2m3s", "1.5s", "30" (seconds).
std::optional<milliseconds> duration(scanner s) {
  double sum = 0;
  bool any = false;
  for (;;) {
    s.skip(" \t\n,:=\"\\");
    if (any && s.take("and "))
      s.skip(" ");
    const auto n = s.number();
    if (!n)
      break;
    s.skip(" \t\n");
    const auto word = s.letters();
    const auto unit = word.empty() && !any ? 1000 : unit_ms(word);
    if (unit == 0)
      break;
    sum += *n * unit;
    any = true;
  }
  if (!any || sum <= 0 || sum > wait_max_ms)
    return std::nullopt;
  return milliseconds(static_cast<std::int64_t>(sum));
}

std::optional<unsigned> month(std::string_view word) {
  constexpr std::array names{"jan", "feb", "mar", "apr", "may", "jun",
                             "jul", "aug", "sep", "oct", "nov", "dec"};
  for (unsigned i = 0; i < names.size(); ++i)
    if (word.substr(0, 3) == names[i])
      return i + 1;
  return std::nullopt;
}

struct day_said {
  std::optional<unsigned> year;
  unsigned month = 0, day = 0;
};

/// "aug 20, 2026,", "jul 5th, 2026", "apr 23 at".
std::optional<day_said> day_of(scanner& s) {
  auto ahead = s;
  const auto m = month(ahead.letters());
  if (!m)
    return std::nullopt;
  ahead.skip(" .");
  const auto day = ahead.whole();
  if (!day)
    return std::nullopt;
  day_said d{std::nullopt, *m, *day};
  for (const char* ending : {"st", "nd", "rd", "th"})
    if (ahead.take(ending))
      break;
  ahead.skip(" ,");
  auto year = ahead;
  if (const auto y = year.whole(); y && *y >= 2020 && *y < 2100) {
    d.year = *y;
    ahead = year;
  }
  ahead.skip(" ,");
  ahead.take("at ");
  ahead.skip(" ,");
  s = ahead;
  return d;
}

/// Minutes of the day: "5pm", "7:38 am", "19:05".
std::optional<unsigned> clock_of(scanner& s) {
  auto hour = s.whole();
  if (!hour)
    return std::nullopt;
  unsigned minute = 0;
  bool exact = false;
  if (s.take(":")) {
    const auto m = s.whole();
    if (!m)
      return std::nullopt;
    minute = *m;
    exact = true;
    if (s.take(":"))
      s.whole();
  }
  s.skip(" ");
  auto ahead = s;
  const auto half = ahead.letters();
  if (half == "am" || half == "pm") {
    s = ahead;
    if (*hour < 1 || *hour > 12)
      return std::nullopt;
    hour = *hour % 12 + (half == "pm" ? 12 : 0);
  } else if (!exact) {
    return std::nullopt;
  }
  if (*hour > 23 || minute > 59)
    return std::nullopt;
  return *hour * 60 + minute;
}

/// The tool ran with TZ=UTC: a zone that it names all the same is the service's.
bool is_utc(scanner& s) {
  s.skip(" ");
  if (!s.take("("))
    return true;
  const auto zone = s.up_to(')');
  return zone == "utc" || zone == "gmt" || zone == "etc/utc";
}

std::optional<milliseconds> moment(scanner s, std::int64_t now_ms) {
  s.skip(" \t\n:");
  const auto said = day_of(s);
  const auto minutes = clock_of(s);
  if (!minutes || !is_utc(s))
    return std::nullopt;
  const ch::sys_time<milliseconds> now{milliseconds(now_ms)};
  const auto today = ch::floor<ch::days>(now);
  auto day = today;
  if (said) {
    const auto year =
        said->year ? ch::year(static_cast<int>(*said->year)) : ch::year_month_day(today).year();
    const ch::year_month_day on(year, ch::month(said->month), ch::day(said->day));
    if (!on.ok())
      return std::nullopt;
    day = ch::sys_days(on);
    const ch::year_month_day later(year + ch::years(1), on.month(), on.day());
    if (!said->year && day < today && later.ok())
      day = ch::sys_days(later);
  }
  auto at = day + ch::minutes(*minutes);
  if (!said && at <= now)
    at += ch::days(1);
  const auto wait = at - now;
  if (wait <= milliseconds(0) || static_cast<double>(wait.count()) > wait_max_ms)
    return std::nullopt; // Over, or misread.
  return ch::duration_cast<milliseconds>(wait);
}

/// "Claude AI usage limit reached|1762952400".
std::optional<milliseconds> unix_time(scanner s, std::int64_t now_ms) {
  const auto seconds = s.number();
  if (!seconds || *seconds < 1e9 || *seconds > 1e10)
    return std::nullopt;
  const auto wait = *seconds * 1000 - static_cast<double>(now_ms);
  if (wait <= 0 || wait > wait_max_ms)
    return std::nullopt;
  return milliseconds(static_cast<std::int64_t>(wait));
}

template <class Read>
std::optional<milliseconds> after(std::string_view text, std::string_view cue, Read read) {
  for (auto at = text.find(cue); at != text.npos; at = text.find(cue, at + 1))
    if (auto wait = read(scanner(text.substr(at + cue.size()))))
      return wait;
  return std::nullopt;
}

} // namespace

std::optional<milliseconds> wait_in(std::string_view text, std::int64_t now_ms) {
  const auto low = ledger::lowered_ascii(text.substr(0, 8000));
  const auto at = [&](scanner s) { return moment(s, now_ms); };
  if (auto w = after(low, "reached|", [&](scanner s) { return unix_time(s, now_ms); }))
    return w;
  for (const char* cue : {"again in", "retry in", "resets in", "reset in", "reset after",
                          "retry after", "retry-after", "retrydelay", "wait"})
    if (auto w = after(low, cue, [](scanner s) { return duration(s); }))
      return w;
  for (const char* cue : {"again at", "resets at", "reset at", "resets on", "reset on", "resets"})
    if (auto w = after(low, cue, at))
      return w;
  return std::nullopt;
}

} // namespace providers::cli
