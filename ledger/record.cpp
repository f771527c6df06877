#include "ledger/record.hpp"

#include "ledger/digest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <limits>
#include <tuple>

namespace ledger {

namespace {

struct event_name {
  event id;
  std::string_view name;
};

constexpr std::array event_names{
    event_name{event::opened, "opened"},
    event_name{event::resumed, "resumed"},
    event_name{event::reconfigured, "reconfigured"},
    event_name{event::granted, "granted"},
    event_name{event::asked, "asked"},
    event_name{event::answered, "answered"},
    event_name{event::turned, "turned"},
    event_name{event::accepted, "accepted"},
    event_name{event::said_no, "said-no"},
    event_name{event::rejected, "rejected"},
    event_name{event::voided, "voided"},
    event_name{event::failed, "failed"},
    event_name{event::deferred, "deferred"},
    event_name{event::fell_back, "fell-back"},
    event_name{event::restarted, "restarted"},
    event_name{event::checked, "checked"},
    event_name{event::round_opened, "round-opened"},
    event_name{event::placed, "placed"},
    event_name{event::intended, "intended"},
    event_name{event::committed, "committed"},
    event_name{event::built, "built"},
    event_name{event::landing, "landing"},
    event_name{event::landed, "landed"},
    event_name{event::deploying, "deploying"},
    event_name{event::deployed, "deployed"},
    event_name{event::finished, "finished"},
    event_name{event::stopped, "stopped"},
    event_name{event::parked, "parked"},
    event_name{event::awaiting, "awaiting"},
    event_name{event::cancelled, "cancelled"},
    event_name{event::approved, "approved"},
    event_name{event::retried, "retried"},
};

static_assert(
    [] {
      for (std::size_t i = 0; i < event_names.size(); ++i)
        if (static_cast<std::size_t>(event_names[i].id) != i)
          return false;
      return static_cast<std::size_t>(event::retried) + 1 == event_names.size();
    }(),
    "every event has one name, in the order of the enumerators");

// Deeper than anything we write; keeps a hostile line from exhausting the
// stack when it is dumped again.
constexpr int max_depth = 64;

bool too_deep(std::string_view line) noexcept {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    if (quoted && c == '\\')
      ++i;
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && (c == '{' || c == '['))
      depth += 1;
    else if (!quoted && (c == '}' || c == ']'))
      depth -= 1;
    if (depth > max_depth)
      return true;
  }
  return false;
}

bool is_digest(std::string_view text) noexcept {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_plain(char c) noexcept {
  return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

// Answers come from outside: bytes that are no UTF-8 become U+FFFD, here and
// nowhere else, so that a line is always valid JSON. Nearly every text is plain:
// what JSON spells as it is need not go through a decoder.
void append_quoted(std::string& out, std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), is_plain)) {
    out += json(text).dump(-1, ' ', false, json::error_handler_t::replace);
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

// Spelled as json::dump spells it.
void append_json(std::string& out, const json& value) {
  if (value.is_string())
    return append_quoted(out, value.get_ref<const std::string&>());
  if (!value.is_structured()) {
    out += value.dump();
    return;
  }
  out += value.is_object() ? '{' : '[';
  bool first = true;
  for (auto it = value.begin(); it != value.end(); ++it, first = false) {
    if (!first)
      out += ',';
    if (value.is_object()) {
      append_quoted(out, it.key());
      out += ':';
    }
    append_json(out, *it);
  }
  out += value.is_object() ? '}' : ']';
}

std::string in_quotes(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

std::string without_end(const record& r) {
  std::string out = fmt::format(R"({{"seq":{},"time":)", r.seq);
  append_quoted(out, r.time);
  fmt::format_to(std::back_inserter(out),
                 R"(,"event":"{}","step":"{}","round":{},"attempt":{},"files":[)",
                 to_string(r.what), to_string(r.at), r.round, r.attempt);
  for (auto& f : r.files) {
    out += &f == &r.files.front() ? R"({"path":)" : R"(,{"path":)";
    append_quoted(out, f.path);
    out += R"(,"sha256":)";
    append_quoted(out, f.sha256);
    fmt::format_to(std::back_inserter(out), R"(,"bytes":{}}})", f.bytes);
  }
  out += R"(],"detail":)";
  append_json(out, r.detail);
  out += R"(,"prev":)";
  append_quoted(out, r.prev);
  return out;
}

// Thrown and caught inside this file only.
struct malformed {
  std::string why;
};

std::string text_at(const json& object, const char* key) {
  auto it = object.find(key);
  if (it == object.end() || !it->is_string())
    throw malformed{fmt::format("`{}` is missing or no text", key)};
  return it->get<std::string>();
}

template <class Number>
Number number_at(const json& object, const char* key) {
  auto it = object.find(key);
  // A number of our own making may be signed; one that was parsed never is.
  if (it == object.end() || !it->is_number_integer()
      || (!it->is_number_unsigned() && it->get<std::int64_t>() < 0)
      || it->get<std::uint64_t>() > std::numeric_limits<Number>::max())
    throw malformed{fmt::format("`{}` is missing or no number in range", key)};
  return it->get<Number>();
}

void must_be_path(std::string_view text, const char* key) {
  if (!is_ledger_path(text))
    throw malformed{fmt::format("`{}` is no ledger path: {}", key, in_quotes(text))};
}

void must_be_digest(std::string_view text, const char* key) {
  if (!is_digest(text))
    throw malformed{fmt::format("`{}` is no SHA-256", key)};
}

std::string path_at(const json& object, const char* key) {
  auto text = text_at(object, key);
  must_be_path(text, key);
  return text;
}

std::string digest_at(const json& object, const char* key) {
  auto text = text_at(object, key);
  must_be_digest(text, key);
  return text;
}

std::vector<file_move> moves_in(const json& detail) {
  std::vector<file_move> out;
  if (!detail.is_object())
    return out;
  auto it = detail.find("moved");
  if (it == detail.end())
    return out;
  if (!it->is_array())
    throw malformed{"`detail.moved` is no list"};
  for (auto& m : *it) {
    if (!m.is_object())
      throw malformed{"`detail.moved` holds something that is no object"};
    out.push_back(file_move{path_at(m, "from"), path_at(m, "to"), digest_at(m, "sha256"),
                            number_at<std::uint64_t>(m, "bytes")});
  }
  return out;
}

std::vector<file_growth> growths_in(const json& detail) {
  std::vector<file_growth> out;
  if (!detail.is_object())
    return out;
  auto it = detail.find("appended");
  if (it == detail.end())
    return out;
  if (!it->is_array())
    throw malformed{"`detail.appended` is no list"};
  for (auto& g : *it) {
    if (!g.is_object())
      throw malformed{"`detail.appended` holds something that is no object"};
    out.push_back(file_growth{path_at(g, "path"), number_at<std::uint64_t>(g, "at"),
                              digest_at(g, "sha256"), number_at<std::uint64_t>(g, "bytes")});
  }
  return out;
}

// What grew must be among the files, once, and end where the new bytes end.
void fits_files(const file_growth& g, const std::vector<file_growth>& all, const record& r) {
  auto is_it = [&](auto& other) { return other.path == g.path; };
  auto whole = std::find_if(r.files.begin(), r.files.end(), is_it);
  if (std::count_if(r.files.begin(), r.files.end(), is_it) != 1
      || std::count_if(all.begin(), all.end(), is_it) != 1)
    throw malformed{fmt::format("`detail.appended` names {}, which is not exactly once among the "
                                "record's files",
                                in_quotes(g.path))};
  if (g.bytes == 0 || whole->bytes < g.bytes || whole->bytes - g.bytes != g.at
      || (g.at == 0 && whole->sha256 != g.sha256))
    throw malformed{fmt::format("`detail.appended` of {} does not fit the file's size and digest",
                                in_quotes(g.path))};
}

// What the types do not say of a record's fields.
void must_be_sound(const record& r) {
  if (r.seq == 0)
    throw malformed{"`seq` is 0; the first record has 1"};
  if (auto t = parse_time(r.time); !t)
    throw malformed{t.error().detail};
  for (auto& f : r.files) {
    must_be_path(f.path, "path");
    must_be_digest(f.sha256, "sha256");
  }
  if (!r.detail.is_object())
    throw malformed{"`detail` is missing or no object"};
  moves_in(r.detail);
  auto growths = growths_in(r.detail);
  for (auto& g : growths)
    fits_files(g, growths, r);
  must_be_digest(r.prev, "prev");
}

record record_in(const json& line) {
  if (!line.is_object())
    throw malformed{"is no JSON object"};
  record r;
  r.seq = number_at<std::uint64_t>(line, "seq");
  r.time = text_at(line, "time");
  auto what = event_named(text_at(line, "event"));
  if (!what)
    throw malformed{what.error().detail};
  r.what = *what;
  auto at = text_at(line, "step");
  auto s = step_named(at);
  if (!s)
    throw malformed{
        fmt::format("unknown step {}: altered, or written by a newer version", in_quotes(at))};
  r.at = *s;
  r.round = number_at<std::uint32_t>(line, "round");
  r.attempt = number_at<std::uint32_t>(line, "attempt");
  auto files = line.find("files");
  if (files == line.end() || !files->is_array())
    throw malformed{"`files` is missing or no list"};
  for (auto& f : *files) {
    if (!f.is_object())
      throw malformed{"`files` holds something that is no object"};
    r.files.push_back(
        file_ref{text_at(f, "path"), text_at(f, "sha256"), number_at<std::uint64_t>(f, "bytes")});
  }
  auto detail = line.find("detail");
  r.detail = detail != line.end() ? *detail : json();
  r.prev = text_at(line, "prev");
  if (line.contains("sig"))
    r.sig = text_at(line, "sig");
  must_be_sound(r);
  return r;
}

} // namespace

std::string_view to_string(event e) noexcept {
  auto i = static_cast<std::size_t>(e);
  return i < event_names.size() ? event_names[i].name : "unknown";
}

bool is_signed(event e) noexcept {
  switch (e) {
    case event::resumed:
    case event::granted:
    case event::asked:
    case event::failed:
    case event::deferred:
    case event::restarted:
    case event::stopped:
    case event::parked:
    case event::awaiting:
    case event::cancelled:
      return false;
    default:
      return true;
  }
}

result<event> event_named(std::string_view name) {
  for (auto& row : event_names)
    if (row.name == name)
      return row.id;
  return fail(
      fault::corrupt,
      fmt::format("unknown event {}: altered, or written by a newer version", in_quotes(name)));
}

std::vector<file_move> moves_of(const record& r) {
  try {
    return moves_in(r.detail);
  } catch (const malformed&) {
    return {}; // Only a record that never was a line: parse_line refuses these.
  }
}

std::vector<file_growth> growths_of(const record& r) {
  try {
    return growths_in(r.detail);
  } catch (const malformed&) {
    return {}; // As above.
  }
}

bool operator==(const record& a, const record& b) {
  auto all = [](const record& r) {
    return std::tie(r.seq, r.time, r.what, r.at, r.round, r.attempt, r.files, r.detail, r.prev,
                    r.sig);
  };
  return all(a) == all(b);
}

std::string to_line(const record& r) {
  auto out = without_end(r);
  if (!r.sig.empty()) {
    out += R"(,"sig":)";
    out += in_quotes(r.sig);
  }
  out += '}';
  return out;
}

namespace {

/// Whether some value is none: JSON has no word for it.
bool holds_no_value(const json& value) {
  return value.is_discarded()
         || (value.is_structured()
             && std::any_of(value.begin(), value.end(), [](auto& v) { return holds_no_value(v); }));
}

} // namespace

result<std::string> readable_line(const record& r) {
  auto line = to_line(r);
  try {
    // Texts beyond ASCII may be spelled anew, and two keys be the same then.
    bool is_ascii = std::all_of(line.begin(), line.end(),
                                [](char c) { return static_cast<signed char>(c) > 0; });
    if (!is_ascii || too_deep(line) || holds_no_value(r.detail)) {
      if (auto again = parse_line(line); !again)
        return tl::make_unexpected(again.error());
    } else {
      must_be_sound(r);
    }
  } catch (const malformed& m) {
    return fail(fault::corrupt, m.why);
  }
  return line;
}

std::string signed_part(const record& r) {
  return without_end(r) + '}';
}

result<record> parse_line(std::string_view line) {
  if (too_deep(line))
    return fail(fault::corrupt, fmt::format("is nested deeper than {} levels", max_depth));
  try {
    auto r = record_in(json::parse(line));
    // One spelling only: this also refuses unknown, repeated and reordered keys.
    if (to_line(r) != line)
      return fail(fault::corrupt, "is not spelled as this program writes records "
                                  "(unknown, repeated or reordered keys, or spaces)");
    r.line_sha256 = sha256(line);
    return r;
  } catch (const malformed& m) {
    return fail(fault::corrupt, m.why);
  } catch (const json::exception& e) {
    return fail(fault::corrupt, fmt::format("is no JSON: {}", e.what()));
  }
}

result<std::vector<record>> parse_journal(std::string_view text, std::size_t* torn_tail) {
  std::vector<record> out;
  std::string prev{no_predecessor};
  while (true) {
    auto end = text.find('\n');
    if (end == std::string_view::npos)
      break;
    auto line = text.substr(0, end);
    auto number = out.size() + 1;
    auto r = parse_line(line);
    if (!r)
      return fail(fault::corrupt, fmt::format("line {}: {}", number, r.error().detail));
    if (r->seq != number)
      return fail(fault::corrupt,
                  fmt::format("line {}: its seq is {}, expected {}", number, r->seq, number));
    if (r->prev != prev)
      return fail(fault::corrupt,
                  fmt::format("line {}: its prev is not the SHA-256 of the line before", number));
    prev = r->line_sha256;
    out.push_back(std::move(*r));
    text.remove_prefix(end + 1);
  }
  if (torn_tail)
    *torn_tail = text.size();
  return out;
}

std::string format_time(std::int64_t unix_ms) {
  using namespace std::chrono;
  sys_time<milliseconds> t{milliseconds{unix_ms}};
  auto day = floor<days>(t);
  year_month_day date{day};
  hh_mm_ss clock{t - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

result<std::int64_t> parse_time(std::string_view text) {
  using namespace std::chrono;
  constexpr std::string_view shape = "0000-00-00T00:00:00.000Z";
  auto bad = [&] {
    return fail(fault::corrupt,
                fmt::format("{} is no time like 2026-11-22T17:14:49.123Z", in_quotes(text)));
  };
  if (text.size() != shape.size())
    return bad();
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i])
      return bad();
  auto number = [&](std::size_t from, std::size_t count) {
    int n = 0;
    for (char c : text.substr(from, count))
      n = n * 10 + (c - '0');
    return n;
  };
  year_month_day date{year{number(0, 4)}, month{static_cast<unsigned>(number(5, 2))},
                      day{static_cast<unsigned>(number(8, 2))}};
  if (!date.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 59)
    return bad();
  auto t = sys_days{date} + hours{number(11, 2)} + minutes{number(14, 2)} + seconds{number(17, 2)}
           + milliseconds{number(20, 3)};
  return duration_cast<milliseconds>(t.time_since_epoch()).count();
}

} // namespace ledger
