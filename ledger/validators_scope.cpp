// The rules for decisions and plans: texts that say which files may change.

#include "ledger/glob.hpp"
#include "ledger/text.hpp"
#include "ledger/validators.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ledger {

namespace {

constexpr std::string_view allowed_title = "Allowed file paths";
constexpr std::string_view forbidden_title = "Forbidden changes";
constexpr std::string_view schema_title = "Schema changes";
constexpr std::string_view files_title = "Files";
constexpr std::array<std::string_view, 6> decisions_titles{"What changes", "What must not change",
                                                           allowed_title,  forbidden_title,
                                                           schema_title,   "Target Flow Summary"};
/// Those whose body must say something; the schema's title says it.
constexpr std::array<std::string_view, 5> decisions_bodies{
    "What changes", "What must not change", allowed_title, forbidden_title, "Target Flow Summary"};
constexpr std::array<std::string_view, 2> plan_titles{files_title, "Verification"};

bool has_glob_char(std::string_view text) {
  return text.find_first_of("*?") != text.npos;
}

/// A literal path that may stand in a list: one file, to the letter.
bool is_exact_path(std::string_view text) {
  return is_utf8(text) && trimmed(text) == text && is_repository_path(text) && !has_glob_char(text);
}

bool is_exact_folder(std::string_view text) {
  return text.ends_with("/**") && is_exact_path(text.substr(0, text.size() - 3));
}

/// A path that stands for an entry of a list when rules are tried on it.
std::string probe_of(std::string_view entry) {
  if (!entry.ends_with("/**"))
    return std::string(entry);
  return std::string(entry.substr(0, entry.size() - 2)) + "x";
}

void read_allowed(std::string_view body, allowance_reading& out) {
  for (auto& l : lines_of(body)) {
    auto text = trimmed(l.text);
    bool nested = !l.in_fence && !l.text.empty() && is_blank(l.text.front()) && text.size() > 1
                  && is_blank(text[1]) && std::string_view("-*+").find(text[0]) != text.npos;
    if (nested)
      out.wrong.push_back(fmt::format("Under *{}*, {} is indented; begin each bullet at the start "
                                      "of its line.",
                                      allowed_title, excerpt(text)));
  }
  for (auto& b : bullets_of(body)) {
    auto spans = code_spans(b.text);
    bool one = spans.size() == 1 && b.text.starts_with('`');
    if (one && (is_exact_path(spans.front()) || is_exact_folder(spans.front())))
      out.value.allowed.push_back(std::move(spans.front()));
    else
      out.wrong.push_back(fmt::format(
          "Under *{}*, the bullet {} is not one back-ticked literal path inside the repository; "
          "write `path/to/file`, or `folder/**` for all of a folder, one a bullet, and no other "
          "pattern.",
          allowed_title, excerpt(b.text)));
  }
}

void forbid(std::string_view literal, allowance& out) {
  auto entry = trimmed(literal);
  // `/src/a.c` means the repository's root to whoever writes it.
  while (entry.starts_with('/') || entry.starts_with("./"))
    entry.remove_prefix(entry.front() == '/' ? 1 : 2);
  if (entry.empty())
    return;
  out.forbidden.emplace_back(entry);
  if (entry.back() == '/')
    out.forbidden.back() += "**";
}

/// Every literal that can be a path, wherever it stands, and every word alone
/// on its line in a code block: more is forbidden rather than less.
void read_forbidden(const outline& o, allowance_reading& out) {
  for (auto& s : o.all()) {
    if (!titled(s, forbidden_title))
      continue;
    for (auto body : o.bodies_up_to_known(s))
      for (auto& l : lines_of(body)) {
        for (auto& span : code_spans(l.text))
          forbid(span, out.value);
        auto text = trimmed(l.text);
        if (text.starts_with("- ") || text.starts_with("* "))
          text = trimmed(text.substr(2));
        if (l.in_fence && text.find_first_of("` \t~") == text.npos)
          forbid(text, out.value);
      }
  }
}

/// "YES", "NO", or a fault about `text`, which says something on the schema.
void take_schema_word(std::string_view text, std::uint32_t line_number, std::vector<bool>& said,
                      faults& wrong) {
  if (text.ends_with('.'))
    text.remove_suffix(1);
  if (text == "YES" || text == "NO")
    said.push_back(text == "YES");
  else
    wrong.push_back(fmt::format("Line {} speaks of schema changes but says {}; write exactly "
                                "`Schema changes: YES` or `Schema changes: NO`.",
                                line_number, excerpt(text)));
}

/// A line without list marker, heading marks and emphasis.
std::string plain_line(std::string_view text) {
  text = trimmed(text);
  if (text.size() > 1 && std::string_view("-*+").find(text[0]) != text.npos && is_blank(text[1]))
    text.remove_prefix(2);
  std::string out;
  for (auto c : text)
    if (c != '*' && c != '_' && c != '`')
      out += c;
  return std::string(trimmed(out));
}

/// After "Schema changes" and a colon; nothing: the text is about other things.
bool schema_value(std::string_view text, std::string_view& value) {
  if (text.size() < schema_title.size()
      || lowered_ascii(text.substr(0, schema_title.size())) != lowered_ascii(schema_title))
    return false;
  auto rest = trimmed(text.substr(schema_title.size()));
  if (!rest.empty() && rest.front() != ':')
    return false;
  value = rest.empty() ? rest : trimmed(rest.substr(1));
  return true;
}

void read_schema(std::string_view text, const outline& o, allowance_reading& out) {
  std::vector<bool> said;
  auto heading = o.all().begin();
  for (auto& l : lines_of(text)) {
    std::string_view value;
    if (heading != o.all().end() && heading->line == l.number) {
      auto& s = *heading++;
      if (!schema_value(s.title, value))
        continue;
      auto body = trimmed(s.body);
      auto first = value.empty() ? plain_line(body.substr(0, body.find('\n'))) : std::string(value);
      take_schema_word(first, l.number, said, out.wrong);
    } else if (!l.in_fence) {
      auto plain = plain_line(l.text);
      if (schema_value(plain, value) && plain.size() > schema_title.size())
        take_schema_word(value, l.number, said, out.wrong);
    }
  }
  if (said.empty())
    out.wrong.push_back("The statement on the schema is missing; write a line of its own, "
                        "`Schema changes: YES` or `Schema changes: NO`.");
  else if (std::count(said.begin(), said.end(), said.front())
           != static_cast<std::ptrdiff_t>(said.size()))
    out.wrong.push_back("The text says both `Schema changes: YES` and `Schema changes: NO`; keep "
                        "one of them.");
  out.value.schema_changes = out.wrong.empty() && said.front();
}

} // namespace

allowance_reading read_allowance_closely(std::string_view decisions) {
  allowance_reading out;
  outline o(decisions, decisions_titles);
  if (o.count(allowed_title) != 1)
    out.wrong.push_back(fmt::format("There {} sections *{}*; write exactly one, with one bullet "
                                    "for each path.",
                                    o.count(allowed_title) == 0 ? "are no" : "are several",
                                    allowed_title));
  else
    read_allowed(find_section(o.all(), allowed_title)->body, out);
  read_forbidden(o, out);
  read_schema(decisions, o, out);
  auto left = [&](const std::string& entry) { return allows(out.value, probe_of(entry)); };
  auto& allowed = out.value.allowed;
  if (out.wrong.empty() && std::none_of(allowed.begin(), allowed.end(), left))
    out.wrong.push_back(fmt::format(
        "Under *{}* no path is left that *{}* does not forbid; list at least one bullet, such as "
        "`src/file.c`, and forbid no more than is meant.",
        allowed_title, forbidden_title));
  return out;
}

faults decisions_faults(std::string_view text, const case_file& c) {
  faults out;
  outline o(text, decisions_titles);
  o.demand(decisions_bodies, out);
  auto reading = read_allowance_closely(text);
  out.insert(out.end(), reading.wrong.begin(), reading.wrong.end());
  for (auto& entry : reading.value.allowed)
    if (auto rule = why_protected(c.guard, probe_of(entry)); !rule.empty())
      out.push_back(fmt::format("{} is protected ({}) and cannot be allowed; take it off *{}*.",
                                excerpt(entry), rule, allowed_title));
  if (holds_patch(text))
    out.push_back("The decisions hold a patch; decide what may change and leave code out.");
  return out;
}

std::vector<std::string> planned_files(std::string_view plan) {
  auto all = sections_of(plan);
  auto* files = find_section(all, files_title);
  return files ? bullet_literals(files->body) : std::vector<std::string>{};
}

void add_file_faults(std::string_view text, const case_file& c, std::string_view kind,
                     faults& out) {
  auto allowed = read_allowance(c.decisions);
  if (!allowed) {
    out.push_back("The decisions cannot be read, so no file may be named: "
                  + allowed.error().detail);
    return;
  }
  outline o(text, plan_titles);
  if (o.count(files_title) != 1) {
    out.push_back(fmt::format("The {} has {} sections *Files*; write exactly one.", kind,
                              o.count(files_title)));
    return;
  }
  auto in_schema = [&](std::string_view path) { return any_glob_covers(c.schema_globs, path); };
  for (auto& b : bullets_of(find_section(o.all(), files_title)->body)) {
    auto spans = code_spans(b.text);
    auto bad = [&](std::string_view why) {
      out.push_back(fmt::format("Under *Files*, the bullet {} {}.", excerpt(b.text), why));
    };
    if (spans.empty() || !is_exact_path(spans.front()))
      bad("does not name one exact file; put its path in back ticks, without patterns");
    else if (auto rule = why_protected(c.guard, spans.front()); !rule.empty())
      bad(fmt::format("names a protected file ({}); leave it alone", rule));
    else if (!allows(*allowed, spans.front()))
      bad("names a file that the decisions do not allow; keep to *Allowed file paths* and off "
          "*Forbidden changes*");
    else if (!allowed->schema_changes && in_schema(spans.front()))
      bad("names a part of the schema, but the decisions say `Schema changes: NO`");
  }
}

faults plan_faults(std::string_view text, const case_file& c) {
  faults out;
  outline o(text, plan_titles);
  o.demand(plan_titles, out);
  if (o.count(files_title) > 0) {
    if (planned_files(text).empty())
      out.push_back("The section *Files* names no file; put one bullet for each file directly "
                    "below its heading, with the path in back ticks.");
    add_file_faults(text, c, "plan", out);
  }
  if (holds_patch(text))
    out.push_back("The plan holds a patch; describe the changes and leave code out.");
  return out;
}

} // namespace ledger
