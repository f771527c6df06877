#include "providers/checks.hpp"

#include "providers/bounded_text.hpp"
#include "providers/full_disk.hpp"
#include "providers/redacted_output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <regex.h>
#include <utility>

namespace providers {

namespace {

using ledger::check_config;
using ledger::check_result;
using ledger::fail;
using ledger::fault;

/// All of run.log together.
constexpr std::size_t run_log_bytes_max = 64 * 1024 * 1024;
/// Output of one check as it comes, and as it stands in run.log.
constexpr std::size_t output_bytes_max = run_log_bytes_max / 4;
constexpr std::size_t section_bytes_max = run_log_bytes_max / 4 - 64 * 1024;
/// How many of the files that a check changed are named.
constexpr std::size_t names_max = 10;
/// What a shell says of a program that it cannot find.
constexpr int exit_no_such_program = 127;
/// Output is judged in pieces of whole lines; a line longer than this in pieces.
constexpr std::size_t piece_bytes = 64 * 1024;
/// How much of the end of such a piece is judged again with the next one.
constexpr std::size_t piece_overlap_bytes = 4 * 1024;

/// A POSIX regular expression. Not std::regex: it recurses once a character and
/// a long line would end the program.
class line_pattern {
public:
  line_pattern() = default;
  line_pattern(const line_pattern&) = delete;
  line_pattern& operator=(const line_pattern&) = delete;
  ~line_pattern() {
    if (compiled_)
      ::regfree(&regex_);
  }

  /// Empty, or what is wrong with the pattern.
  std::string compile(const std::string& pattern) {
    if (pattern.find('\0') != std::string::npos)
      return "it holds a NUL";
    // REG_NEWLINE: many lines at once are judged as each by itself.
    const auto error = ::regcomp(&regex_, pattern.c_str(), REG_EXTENDED | REG_NOSUB | REG_NEWLINE);
    compiled_ = error == 0;
    if (compiled_)
      return {};
    std::string words(256, '\0');
    words.resize(std::max<std::size_t>(::regerror(error, &regex_, words.data(), words.size()), 1)
                 - 1);
    return words;
  }

  /// Whether a line of `text` matches. In pieces: whole lines as far as possible,
  /// because each call costs.
  bool matches_a_line_of(std::string_view text) const {
    bool at_line_start = true;
    while (text.size() > piece_bytes) {
      const auto piece = text.substr(0, piece_bytes);
      const auto end = piece.rfind('\n');
      const bool whole = end != piece.npos;
      if (matches(whole ? piece.substr(0, end) : piece, at_line_start, whole))
        return true;
      text.remove_prefix(whole ? end + 1 : piece.size() - piece_overlap_bytes);
      at_line_start = whole;
    }
    if (text.empty())
      return false;
    text.remove_suffix(text.back() == '\n' ? 1 : 0); // It ends the last line, and begins none.
    return matches(text, at_line_start, true);
  }

private:
  bool matches(std::string_view lines, bool at_line_start, bool to_line_end) const {
    regmatch_t range{0, static_cast<regoff_t>(lines.size())};
    const auto flags =
        REG_STARTEND | (at_line_start ? 0 : REG_NOTBOL) | (to_line_end ? 0 : REG_NOTEOL);
    // Out of memory counts as a match: unclear means red.
    return ::regexec(&regex_, lines.data(), 1, &range, flags) != REG_NOMATCH;
  }

  regex_t regex_{};
  bool compiled_ = false;
};

/// Each line behind two spaces, so that none can pass for one of ours.
std::string indented(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 16 + 3);
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    out.append("  ").append(text.substr(0, end)).append("\n");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

/// How many bytes, one after the other, fit into `room` once they are indented.
template <class Iterator>
std::size_t fitting(Iterator at, Iterator end, std::size_t room) {
  std::size_t bytes = 0, used = 3; // The indent and the end of a first line.
  for (; at != end; ++at, ++bytes) {
    used += *at == '\n' ? 3 : 1;
    if (used > room)
      break;
  }
  return bytes;
}

/// indented(), at most `max_bytes` of it. It is cut before it is indented: what
/// is left of a line that the cut falls into is behind two spaces as well.
std::string indented(std::string_view text, std::size_t max_bytes) {
  const auto room = (max_bytes - 128) / 2; // 128: the line about the cut.
  if (fitting(text.begin(), text.end(), 2 * room) == text.size())
    return indented(text);
  const auto head = fitting(text.begin(), text.end(), room);
  const auto tail = fitting(text.rbegin(), text.rend() - static_cast<std::ptrdiff_t>(head), room);
  const auto missing = text.size() - head - tail;
  return indented(std::string(text.substr(0, head)) + bounded_text::cut_line(missing))
         + indented(text.substr(text.size() - tail));
}

/// A command in a heading; its further lines are set in like output.
std::string on_one_heading(std::string_view command) {
  std::string out;
  for (const auto c : command) {
    out += c;
    if (c == '\n')
      out += "  ";
  }
  return out;
}

/// A name that somebody else chose, without what could end our line.
std::string on_one_line(std::string name) {
  for (auto& c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
  return name;
}

struct named_check {
  std::string name;
  const check_config& check;
};

/// Neither red nor green: the program is ending.
bool was_ended_by_us(const ledger::result<child_result>& r) {
  return r ? r->how == child_result::end::killed : r.error().code == "closing";
}

class shell_checker final : public checker {
public:
  shell_checker(const ledger::config& c, workspace& w, processes& children,
                ledger::redactor secrets)
      : config_(c)
      , workspace_(w)
      , children_(children)
      , secrets_(std::move(secrets)) {}

  ledger::result<ledger::checks_outcome> run(std::string_view commit,
                                             std::string_view tree) override {
    const auto& c = config_.checks;
    const std::vector<named_check> all{
        {"setup", c.setup}, {"test", c.test}, {"lint", c.lint}, {"schema_drift", c.schema_drift}};
    for (const auto& n : all)
      if (auto r = readable_pattern(n); !r)
        return tl::make_unexpected(r.error());

    auto checkout = workspace_.checkout(commit, tree, slot_wish::soon);
    if (!checkout)
      return tl::make_unexpected(checkout.error());
    ledger::checks_outcome outcome;
    outcome.tree = tree;
    outcome.ok = true;
    auto log = fmt::format("checks of tree {}\n", tree);
    auto set_up = true, used = false;
    for (const auto& n : all) {
      if (n.name == "setup" && n.check.command.empty())
        continue;
      const auto runs = set_up && !n.check.command.empty() && !n.check.none();
      if (runs && std::exchange(used, true))
        if (auto r = put_back(**checkout, log); !r)
          return tl::make_unexpected(r.error());
      auto r = one(n, **checkout, set_up, log);
      if (!r)
        return tl::make_unexpected(r.error());
      set_up = set_up && (n.name != "setup" || r->ok);
      outcome.ok = outcome.ok && r->ok;
      outcome.results.push_back(std::move(*r));
    }
    log += fmt::format("\nresult: {}\n", outcome.ok ? "GREEN" : "RED");
    outcome.run_log = std::make_shared<const std::string>(std::move(log));
    return outcome;
  }

private:
  static ledger::result<void> readable_pattern(const named_check& n) {
    line_pattern pattern;
    const auto wrong = n.check.fail_on.empty() ? "" : pattern.compile(n.check.fail_on);
    if (wrong.empty())
      return {};
    return fail(fault::refused,
                fmt::format("[checks] {}: fail_on `{}` is no POSIX extended regular expression: {}",
                            n.name, n.check.fail_on, wrong),
                "bad-fail-on");
  }

  /// Undoes what the check before did to the tree's files, and says so.
  static ledger::result<void> put_back(lease& l, std::string& log) {
    auto changed = l.put_back();
    if (!changed)
      return tl::make_unexpected(changed.error());
    if (changed->empty())
      return {};
    std::string names;
    for (std::size_t i = 0; i < std::min(changed->size(), names_max); ++i)
      names += (i == 0 ? "" : ", ") + on_one_line((*changed)[i]);
    log += fmt::format("put back: {} files of the tree that this check had changed: {}{}\n",
                       changed->size(), names, changed->size() > names_max ? ", …" : "");
    return {};
  }

  /// Runs one check and writes its section. Errors: unavailable, if it was us
  /// who ended it.
  ledger::result<check_result> one(const named_check& n, const lease& l, bool set_up,
                                   std::string& log) {
    check_result result;
    result.name = n.name;
    if (n.check.none() && n.name != "test" && n.name != "setup") {
      result.ok = result.none = true;
      log += fmt::format("\n== {0}: none (the user's written deviation: {0} = \"none\")\n", n.name);
      return result;
    }
    log += fmt::format("\n== {}: {}\n", n.name, on_one_heading(secrets_.redact(n.check.command)));
    if (!set_up)
      result.ended = "not run: setup failed";
    else if (n.check.command.empty() || n.check.none())
      result.ended = fmt::format("no command; write one into [checks] {}", n.name);
    if (!result.ended.empty()) {
      result.exit_code = -1;
      log += fmt::format("result: FAIL ({})\n", result.ended);
      return result;
    }
    auto ran = run_caged(n.check, l);
    if (was_ended_by_us(ran))
      return fail(fault::unavailable, n.name + ": not finished, the program is ending", "closing");
    if (!ran)
      return tl::make_unexpected(ran.error());
    if (!ran->ok() && is_full(l.folder()))
      return ended_on_a_full_disk(n.name, l.folder());
    judge(n.check, *ran, result);
    // Redacted before it is indented: a secret may have several lines.
    log += indented(redacted(secrets_, std::move(ran->output), ran->output_cut), section_bytes_max);
    log += fmt::format("exit: {}\ntime: {} ms\n", result.exit_code, result.took_ms);
    log += result.ok ? "result: PASS\n" : fmt::format("result: FAIL ({})\n", result.ended);
    return result;
  }

  ledger::result<child_result> run_caged(const check_config& check, const lease& l) {
    auto shown = shown_folders(config_.sandbox);
    if (!shown)
      return tl::make_unexpected(shown.error());
    cage c;
    c.folder = l.folder().string();
    c.objects = l.objects();
    c.network = config_.checks.network;
    c.read_only = std::move(*shown);
    auto spec = caged_shell(config_.sandbox.kind, c, check.command);
    spec.timeout = config_.checks.timeout;
    spec.max_output_bytes = output_bytes_max;
    return children_.run(std::move(spec));
  }

  void judge(const check_config& check, const child_result& ran, check_result& result) const {
    result.exit_code = ran.exit_code;
    result.took_ms = ran.took.count();
    result.ended = ran.ended();
    result.ok = ran.ok();
    if (ran.how == child_result::end::exited && ran.exit_code == exit_no_such_program)
      if (const auto hint = missing_program_hint(config_.sandbox); !hint.empty())
        result.ended += "; " + hint;
    if (!result.ok || check.fail_on.empty())
      return;
    line_pattern pattern;
    if (!pattern.compile(check.fail_on).empty() || pattern.matches_a_line_of(ran.output))
      result.ended =
          fmt::format("{}, but its output matches fail_on `{}`", ran.ended(), check.fail_on);
    else if (ran.dropped_bytes > 0) // Unclear means red.
      result.ended = fmt::format("{}, but it printed more than {} MiB, so that fail_on `{}` could "
                                 "not look at all of it: let it print less",
                                 ran.ended(), output_bytes_max >> 20, check.fail_on);
    else
      return;
    result.ok = false;
    result.ended = secrets_.redact(std::move(result.ended));
  }

  const ledger::config& config_;
  workspace& workspace_;
  processes& children_;
  ledger::redactor secrets_;
};

} // namespace

std::unique_ptr<checker> make_checker(const ledger::config& c, workspace& w, processes& children,
                                      ledger::redactor secrets) {
  return std::make_unique<shell_checker>(c, w, children, std::move(secrets));
}

std::string run_log_for_hashing(std::string_view run_log) {
  std::string out;
  out.reserve(run_log.size());
  while (!run_log.empty()) {
    const auto end = std::min(run_log.find('\n'), run_log.size() - 1) + 1;
    const auto line = run_log.substr(0, end);
    run_log.remove_prefix(end);
    if (line.substr(0, 6) != "time: ") // Ours: what a check prints is set in.
      out.append(line);
  }
  return out;
}

} // namespace providers
