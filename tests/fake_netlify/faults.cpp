#include "tests/fake_netlify/faults.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace fake_netlify {

namespace {

constexpr std::array<std::string_view, 7> routes{"site", "list",   "create", "update",
                                                 "poll", "upload", "cancel"};
constexpr std::array<std::string_view, 16> words{
    "drop", "reset",    "silence", "lost",  "cut",    "stall", "dribble",    "chunked",
    "html", "not-json", "empty",   "no-id", "no-url", "error", "kill-first", "kill"};

template <class List>
bool holds(const List& list, std::string_view one) {
  return std::find(list.begin(), list.end(), one) != list.end();
}

bool read_number(std::string_view text, std::uint64_t& out) {
  auto* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, out);
  return error == std::errc{} && stop == end && out > 0;
}

bool read_when(std::string_view text, fault& f) {
  constexpr auto ever = std::numeric_limits<std::uint64_t>::max();
  if (text == "*") {
    f.to = ever;
    return true;
  }
  bool on = text.ends_with('+');
  if (on)
    text.remove_suffix(1);
  if (!read_number(text, f.from))
    return false;
  f.to = on ? ever : f.from;
  return true;
}

} // namespace

int status_of(std::string_view what) {
  for (std::string_view prefix : {"status-", "text-"})
    if (what.starts_with(prefix)) {
      std::uint64_t status = 0;
      if (read_number(what.substr(prefix.size()), status) && status < 1000)
        return static_cast<int>(status);
    }
  return 0;
}

ledger::result<fault> read_fault(std::string_view text) {
  fault f;
  auto hash = text.find('#');
  auto equals = text.find('=');
  if (hash == text.npos || equals == text.npos || equals < hash)
    return ledger::fail(ledger::fault::refused,
                        "a fault is ROUTE#WHEN=WHAT, not " + std::string(text));
  f.route = text.substr(0, hash);
  f.what = text.substr(equals + 1);
  if (!holds(routes, f.route))
    return ledger::fail(ledger::fault::refused, f.route + " is no route");
  if (!read_when(text.substr(hash + 1, equals - hash - 1), f))
    return ledger::fail(ledger::fault::refused, "WHEN is N, N+ or *, in " + std::string(text));
  if (!holds(words, f.what) && status_of(f.what) == 0)
    return ledger::fail(ledger::fault::refused, f.what + " is no fault");
  return f;
}

std::string faults::next(const std::string& route) {
  auto n = ++calls_[route];
  for (auto& f : all_)
    if (f.route == route && f.from <= n && n <= f.to)
      return f.what;
  return {};
}

} // namespace fake_netlify
