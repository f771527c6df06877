#include "tests/fake_ai/persona.hpp"

#include "ledger/detail.hpp"
#include "ledger/glob.hpp"
#include "ledger/judge.hpp"
#include "ledger/markdown.hpp"

#include <algorithm>
#include <initializer_list>
#include <optional>

#include <fmt/format.h>

namespace fake_ai {

namespace {

using ledger::lines_of;
using ledger::trimmed;

/// The value of the last line `key: value` of a text.
std::string last_value(std::string_view text, std::string_view key) {
  std::string out;
  for (auto& l : lines_of(text)) {
    auto words = trimmed(l.text);
    if (words.starts_with(key) && words.size() > key.size() && words[key.size()] == ':')
      out = trimmed(words.substr(key.size() + 1));
  }
  return out;
}

bool offers(const question& q, std::string_view name) {
  return std::any_of(q.tools.begin(), q.tools.end(), [&](auto& t) { return t.name == name; });
}

/// The name that the tool gives to a parameter: the first of `names` that it has.
std::string parameter(const question& q, std::string_view tool,
                      std::initializer_list<const char*> names) {
  for (auto& t : q.tools)
    if (t.name == tool && t.parameters.is_object())
      if (auto known = t.parameters.find("properties"); known != t.parameters.end())
        for (auto name : names)
          if (known->contains(name))
            return name;
  return *names.begin();
}

std::string path_parameter(const question& q, std::string_view tool) {
  return parameter(q, tool, {"path", "file", "file_path"});
}

wanted_call call_read(const question& q, const std::string& path) {
  wanted_call c{"read_file", json::object()};
  c.arguments[path_parameter(q, "read_file")] = path;
  return c;
}

/// What a file holds, as read_file told it: a header that begins with the path,
/// then the file. Nothing: it was not read, or not to its end.
std::optional<std::string> content_read(const used_tool& u, const std::string& path) {
  auto end = u.result.find('\n');
  auto head = std::string_view(u.result).substr(0, end);
  if (u.is_error || end == std::string::npos || !head.starts_with(path + ": "))
    return std::nullopt;
  head.remove_prefix(path.size() + 2);
  auto whole = head.starts_with("empty") || head.starts_with("lines 1-");
  if (!whole || head.find("continue with") != head.npos || head.find("bytes that are") != head.npos)
    return std::nullopt;
  return u.result.substr(end + 1);
}

const used_tool* reading_of(const question& q, const std::string& path) {
  for (auto& turn : q.turns)
    for (auto& used : turn)
      if (used.name == "read_file"
          && ledger::text_at(used.arguments, path_parameter(q, "read_file").c_str()) == path)
        return &used;
  return nullptr;
}

/// The first file that list_files told.
std::string listed_file(const question& q) {
  for (auto& turn : q.turns)
    for (auto& used : turn)
      if (used.name == "list_files" && !used.is_error)
        for (auto& l : lines_of(used.result)) {
          auto path = l.text.substr(0, l.text.find('\t'));
          if (path.size() < l.text.size() && ledger::is_repository_path(path))
            return std::string(path);
        }
  return {};
}

/// The first sentence of a prompt that is prose.
std::string sentence_of(std::string_view prompt) {
  for (auto& l : lines_of(prompt)) {
    auto words = trimmed(l.text);
    if (l.in_fence || words.size() < 12 || words.find(' ') == words.npos || words.starts_with("#")
        || words.starts_with("---"))
      continue;
    std::string out(words.substr(0, 120));
    std::erase_if(
        out, [](char c) { return std::string_view("`<>&\"*").find(c) != std::string_view::npos; });
    while (!out.empty() && static_cast<unsigned char>(out.back()) >= 0x80)
      out.pop_back(); // Cut at a character, or a little before.
    return std::string(trimmed(out));
  }
  return "The page was written.";
}

std::string extension_of(std::string_view path) {
  auto name = path.substr(path.rfind('/') == path.npos ? 0 : path.rfind('/') + 1);
  return std::string(name.rfind('.') == name.npos ? "" : name.substr(name.rfind('.')));
}

/// A line that changes nothing of what the file means.
std::string harmless_line(const std::string& path, const std::string& words) {
  auto e = extension_of(path);
  if (e == ".json")
    return "\n";
  if (e == ".html" || e == ".htm" || e == ".xml" || e == ".svg")
    return fmt::format("<!-- {} -->\n", words);
  if (e == ".css")
    return fmt::format("/* {} */\n", words);
  if (e == ".md" || e == ".txt")
    return words + "\n";
  if (e == ".js" || e == ".ts" || e == ".c" || e == ".cpp" || e == ".hpp" || e == ".h")
    return fmt::format("// {}\n", words);
  return fmt::format("# {}\n", words);
}

std::string new_content(const std::string& path, const std::string& words) {
  auto e = extension_of(path);
  if (e == ".html" || e == ".htm")
    return fmt::format("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<title>{0}</title>\n</head>\n<body>\n<h1>{0}</h1>\n</body>\n</html>\n",
                       words);
  if (e == ".json")
    return "{}\n";
  return harmless_line(path, words);
}

wanted_call call_write(const question& q, const std::string& path, const std::string& content) {
  wanted_call c{"write_file", json::object()};
  c.arguments[path_parameter(q, "write_file")] = path;
  c.arguments[parameter(q, "write_file", {"content", "text", "contents"})] = content;
  return c;
}

/// Replaces the last line by itself and `line`, if that line is there only once.
wanted_call call_append(const question& q, const std::string& path, const std::string& content,
                        const std::string& line) {
  auto end = content.find_last_not_of('\n');
  auto start = end == std::string::npos ? end : content.rfind('\n', end);
  auto last = end == std::string::npos ? std::string{}
                                       : content.substr(start == std::string::npos ? 0 : start + 1);
  auto apart = content.empty() || content.back() == '\n' ? "" : "\n";
  if (last.empty() || content.find(last) != content.rfind(last) || !offers(q, "replace_in_file"))
    return call_write(q, path, content + apart + line);
  wanted_call c{"replace_in_file", json::object()};
  c.arguments[path_parameter(q, "replace_in_file")] = path;
  c.arguments[parameter(q, "replace_in_file", {"old", "old_text", "old_string", "find"})] = last;
  c.arguments[parameter(q, "replace_in_file", {"new", "new_text", "new_string", "replace"})] =
      last + apart + line;
  return c;
}

std::string bullets(const std::vector<std::string>& paths) {
  std::string out;
  for (auto& p : paths)
    out += fmt::format("- `{}`\n", p);
  return out;
}

reply audit(const question& q) {
  auto prompt = enveloped(q.texts, "inputs/prompt.md");
  auto named = ledger::paths_named(prompt);
  reply r;
  if (q.turn() == 1 && offers(q, "list_files") && offers(q, "read_file")) {
    r.calls.push_back({"list_files", json::object()});
    for (std::size_t i = 0; i < named.size() && i < 4; ++i)
      r.calls.push_back(call_read(q, named[i]));
    return r;
  }
  std::string seen, first;
  for (auto& path : named) {
    auto* u = reading_of(q, path);
    auto there = u ? content_read(*u, path).has_value() : q.turns.empty();
    seen += fmt::format("- `{}`: {}\n", path, there ? "is there" : "was not found");
    if (there && first.empty())
      first = path;
  }
  if (first.empty())
    first = listed_file(q);
  auto looked = first.empty() ? "the repository" : "`" + first + "`";
  r.text = fmt::format(
      "# Audit\n\n## System behavior\n\nThe repository holds the files that the prompt is about, "
      "and {0} is where its reader\nbegins. The files are kept as they lie in the repository and "
      "served or built from there;\nnothing was seen that reads or writes them on the way. The "
      "paths that the prompt names:\n\n{1}\n## Schema drift\n\nnone found; looked at {0}.\n\n"
      "## Normalization gaps\n\nnone found; looked at {0}.\n\n## Broken workflows\n\n"
      "none found; looked at {0}.\n",
      looked, seen.empty() ? "- none\n" : seen);
  return r;
}

reply decide(const question& q) {
  auto paths = writable_paths(enveloped(q.texts, "inputs/prompt.md"));
  reply r;
  if (paths.empty()) {
    r.text = "## What changes\n\nNothing: the prompt names no file in back ticks that may be "
             "changed.\n\nCLAUDE_DECISIONS_OK: NO\n";
    return r;
  }
  auto schema = std::any_of(paths.begin(), paths.end(),
                            [](auto& p) { return p.find("schema") != std::string::npos; });
  r.text =
      fmt::format("## What changes\n\nThe files below, as the prompt asks.\n\n"
                  "## What must not change\n\nEverything else.\n\n## Allowed file paths\n\n{}\n"
                  "## Forbidden changes\n\n- every other file\n\n## Schema changes: {}\n\n"
                  "As the paths say.\n\n## Target Flow Summary\n\nThe reader sees the new "
                  "text.\n\nCLAUDE_DECISIONS_OK: YES\n",
                  bullets(paths), schema ? "YES" : "NO");
  return r;
}

/// What Claude allowed; without decisions, what the prompt names.
std::vector<std::string> files_to_change(const question& q) {
  auto allowed = ledger::read_allowance(enveloped(q.texts, "claude/decisions.md"));
  auto paths = allowed ? allowed->allowed : writable_paths(enveloped(q.texts, "inputs/prompt.md"));
  std::erase_if(paths, [](auto& p) { return p.ends_with("/**"); });
  return paths;
}

reply plan(const question& q) {
  reply r;
  r.text = fmt::format("## Files\n\n{}\n## Changes\n\nEach file gets what the prompt asks for.\n\n"
                       "## Verification\n\nThe checks are green.\n",
                       bullets(files_to_change(q)));
  return r;
}

/// Steps 4 and 5: first it reads, then it writes, then it reports.
reply change(const question& q) {
  auto paths = ledger::planned_files(enveloped(q.texts, "codex/plan.md"));
  if (paths.empty())
    paths = files_to_change(q);
  auto words = sentence_of(enveloped(q.texts, "inputs/prompt.md"));
  reply r;
  if (offers(q, "read_file") && offers(q, "write_file") && q.turn() <= 2 && !paths.empty()) {
    for (auto& path : paths) {
      if (q.turn() == 1) {
        r.calls.push_back(call_read(q, path));
        continue;
      }
      auto* u = reading_of(q, path);
      auto content = u ? content_read(*u, path) : std::nullopt;
      r.calls.push_back(content ? call_append(q, path, *content, harmless_line(path, words))
                                : call_write(q, path, new_content(path, words)));
    }
    return r;
  }
  r.text = "## What changed\n\n" + (paths.empty() ? "Nothing.\n" : bullets(paths))
           + "\n## Why\n\nThe prompt asks for it.\n";
  return r;
}

reply said(std::string text) {
  reply r;
  r.text = std::move(text);
  return r;
}

} // namespace

subject subject_of(const std::vector<std::string>& texts) {
  for (auto text = texts.rbegin(); text != texts.rend(); ++text) {
    subject s{last_value(*text, "Task"), last_value(*text, "Step")};
    if (s.step == "fix") // The prompt's word; the step's own name is test.
      s.step = "test";
    if (!s.step.empty())
      return s;
  }
  return {};
}

bool is_task_name(std::string_view name) {
  auto fits = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.'
           || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 128 && name.front() != '.' && name.find("..") == name.npos
         && std::all_of(name.begin(), name.end(), fits);
}

std::string enveloped(const std::vector<std::string>& texts, std::string_view path) {
  auto head = "<<< FILE " + std::string(path);
  std::string out;
  bool inside = false;
  for (auto& text : texts) {
    if (text.find(head) == text.npos)
      continue;
    for (auto& l : lines_of(text)) {
      auto opens = l.text.starts_with(head)
                   && (l.text.size() == head.size() || l.text[head.size()] == ','
                       || l.text[head.size()] == ' ');
      if (l.text.starts_with("<<< ") || l.text.starts_with(">>> "))
        inside = opens;
      else if (inside)
        out += std::string(l.text) + "\n";
    }
    if (!out.empty())
      return out;
  }
  return out;
}

std::vector<std::string> writable_paths(std::string_view prompt) {
  std::vector<std::string> out;
  for (auto& l : lines_of(prompt))
    for (auto& span : ledger::code_spans(l.text)) {
      auto is_file = span.find_first_of("*? \t(){}<>=,;:'\"$") == span.npos
                     && span.find('.', 1) != span.npos && span.back() != '.'
                     && ledger::is_repository_path(span);
      auto guarded = span.starts_with(".") || span.find("/.") != span.npos
                     || span == "scheduler.toml" || span == "netlify.toml";
      if (!l.in_fence && is_file && !guarded
          && std::find(out.begin(), out.end(), span) == out.end())
        out.push_back(span);
    }
  return out;
}

reply page_writer(const question& q) {
  if (q.step == "audit")
    return audit(q);
  if (q.step == "decide")
    return decide(q);
  if (q.step == "plan")
    return plan(q);
  if (q.step == "implement" || q.step == "test")
    return change(q);
  if (q.step == "review")
    return said("## Findings\n\nOnly allowed files changed.\n\n## Requested changes\n\nnone\n\n"
                "CLAUDE_FINAL_OK: YES\n");
  if (q.step == "verify")
    return said("## Consistency\n\nAudit, log and tree agree.\n\n## Remaining risks\n\nNone "
                "known.\n\nGEMINI_VERIFY_OK: YES\n");
  return said("This is a fake AI server. It plays the steps of the pipeline; this request names "
              "none.\n");
}

} // namespace fake_ai
