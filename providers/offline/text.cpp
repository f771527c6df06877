#include "providers/offline/answers.hpp"

#include "ledger/glob.hpp"
#include "ledger/markdown.hpp"
#include "ledger/prompt.hpp"
#include "providers/offline/patch.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace providers::offline {
namespace {

constexpr std::size_t shown_bytes_max = 200;

} // namespace

ledger::result<std::vector<deed>> deeds_of(const desk& d, const request& r) {
  std::vector<prompt_block> blocks;
  auto take = [&](const std::vector<input>& from, bool notes) {
    for (auto& i : from)
      if (i.text && (i.path == ledger::path::prompt) != notes
          && (!notes || i.path.compare(0, 7, "inputs/") == 0))
        for (auto& block : blocks_in(*i.text))
          blocks.push_back(std::move(block));
  };
  take(r.inputs, false);
  take(r.inputs, true);
  take(r.evidence, true);
  std::vector<deed> all;
  for (auto& block : blocks) {
    auto one = deed_of(d.context.repository, block);
    if (!one)
      return tl::make_unexpected(one.error());
    all.push_back(std::move(*one));
  }
  return all;
}

std::string shown(std::string_view text) {
  std::uint32_t bad_line = 0;
  bool is_utf8 = ledger::is_text(text, &bad_line);
  std::string plain;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    bool control = byte < 0x20 || byte == 0x7f;
    if (c == '`')
      plain.push_back('\''); // A back tick would end the literal that it stands in.
    else if (control || (byte >= 0x80 && !is_utf8))
      plain += fmt::format("\\x{:02x}", byte);
    else
      plain.push_back(c);
  }
  if (plain.size() <= shown_bytes_max)
    return plain;
  auto end = shown_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(plain[end]) & 0xc0) == 0x80)
    --end; // Never in the middle of a character.
  return plain.substr(0, end) + "…";
}

std::string code(std::string_view text) {
  return fmt::format("`{}`", shown(text));
}

std::string code_list(const std::vector<std::string>& paths, std::size_t most) {
  std::string list;
  for (std::size_t i = 0; i < paths.size() && i < most; ++i)
    list += fmt::format("{}{}", i == 0 ? "" : ", ", code(paths[i]));
  if (paths.size() > most)
    list += fmt::format(" and {} more", paths.size() - most);
  return list;
}

std::string check_bullets(const ledger::checks_config& c) {
  std::string list;
  auto add = [&](std::string_view name, const ledger::check_config& check) {
    if (check.none())
      list += fmt::format("- {}: none, by the user's configuration\n", name);
    else if (!check.command.empty())
      list += fmt::format("- {}: {} exits with 0\n", name, code(check.command));
  };
  add("setup", c.setup);
  add("test", c.test);
  add("lint", c.lint);
  add("schema drift", c.schema_drift);
  return list;
}

log_reading read_log(std::string_view run_log) {
  constexpr std::string_view heading = "== ", result = "result: ", about = "checks of tree ";
  log_reading reading;
  std::string check;
  bool failed = false;
  std::string_view last;
  for (auto& line : ledger::lines_of(run_log)) {
    auto text = line.text;
    if (!ledger::trimmed(text).empty())
      last = text;
    if (text.substr(0, about.size()) == about)
      reading.tree = text.substr(about.size());
    if (text.substr(0, heading.size()) == heading)
      check = text.substr(heading.size());
    if (text.substr(0, result.size()) != result || check.empty())
      continue;
    auto ended = text.substr(result.size());
    failed = failed || ended.substr(0, 4) == "FAIL";
    if (ended != "GREEN" && ended != "RED")
      reading.bullets += fmt::format("- {}: {}\n", code(check), shown(ended));
  }
  reading.green = last == "result: GREEN" && !failed;
  reading.bullets += fmt::format("- {} ends with {}\n", code(ledger::path::run_log),
                                 last.empty() ? "nothing" : code(last));
  return reading;
}

bool matches_any(const std::vector<std::string>& globs, std::string_view path) {
  return std::any_of(globs.begin(), globs.end(),
                     [&](const std::string& g) { return ledger::glob_matches(g, path); });
}

} // namespace providers::offline
