#include "providers/prompt_book.hpp"

#include "ledger/digest.hpp"
#include "ledger/disk/files.hpp"
#include "ledger/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>

namespace providers {

/// Made by cmake/embed_text.cmake of the files in providers/prompts/.
std::string_view embedded_prompt(std::string_view name);

namespace {

namespace fs = std::filesystem;
using ledger::fail;
using ledger::fault;
using ledger::step;

constexpr std::string_view common_name = "common";
constexpr std::array spoken_steps{step::audit, step::decide, step::plan,  step::implement,
                                  step::test,  step::review, step::verify};
constexpr std::size_t mark_digits = 32;

using texts = std::map<std::string, std::string, std::less<>>;

texts embedded_texts() {
  texts out;
  out.emplace(common_name, embedded_prompt(common_name));
  for (auto at : spoken_steps)
    out.emplace(prompt_book::name_of(at), embedded_prompt(prompt_book::name_of(at)));
  return out;
}

std::string known_files(const texts& known) {
  std::string out;
  for (auto& [name, text] : known)
    out += fmt::format("{}{}.md", out.empty() ? "" : ", ", name);
  return out;
}

ledger::result<std::string> read_text(const fs::path& file) {
  auto text = ledger::disk::read_file(file, prompt_text_bytes_max);
  if (!text)
    return fail(text.error().kind,
                fmt::format("prompt {}: {}; a prompt is a text file of at most {} KiB",
                            file.string(), text.error().detail, prompt_text_bytes_max / 1024));
  if (text->find_first_not_of(" \t\r\n") == text->npos)
    return fail(fault::refused,
                fmt::format("prompt {} is empty; write its text, or remove the file to use the "
                            "one that is built in",
                            file.string()));
  if (!ledger::is_utf8(*text) || text->find('\0') != text->npos)
    return fail(fault::refused,
                fmt::format("prompt {} is not UTF-8 text; save it as UTF-8, without NUL bytes",
                            file.string()));
  return text;
}

ledger::result<void> override_texts(texts& all, const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    files.push_back(it->path());
  if (error) {
    bool missing = error == std::errc::no_such_file_or_directory;
    return fail(missing ? fault::not_found : fault::unavailable,
                fmt::format("the folder of prompts {} cannot be read: {}; make it, with one or "
                            "more of {} in it, or take it out of the configuration",
                            folder.string(), error.message(), known_files(all)));
  }
  std::sort(files.begin(), files.end());
  for (auto& file : files) {
    auto it = file.extension() == ".md" ? all.find(file.stem().string()) : all.end();
    if (it == all.end())
      return fail(fault::refused,
                  fmt::format("{} is no prompt that anybody reads; the folder may hold {}",
                              file.string(), known_files(all)));
    auto text = read_text(file);
    if (!text)
      return tl::make_unexpected(text.error());
    it->second = std::move(*text);
  }
  return {};
}

// -- files ---------------------------------------------------------------------

std::string_view text_of(const input& i) {
  return i.text ? std::string_view{*i.text} : std::string_view{};
}

/// Depends on every byte of every file, so that none of them can hold it.
std::string mark_of(const request& r) {
  ledger::sha256_stream all;
  all.update(ledger::to_string(r.at));
  for (auto* group : {&r.inputs, &r.evidence}) {
    all.update("\n");
    for (auto& i : *group)
      all.update(fmt::format("\n{} {}", ledger::sha256(text_of(i)), i.path));
  }
  return all.finish().substr(0, mark_digits);
}

/// `text` with U+FFFD for each byte that is no UTF-8.
std::string mended(std::string_view text) {
  if (ledger::is_utf8(text))
    return std::string{text};
  std::string out;
  while (!text.empty()) {
    auto length = ledger::utf8_length(text);
    out += length == 0 ? std::string_view{"\xef\xbf\xbd"} : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  return out;
}

/// Most bytes of mended(text).
std::uint64_t mended_bytes(std::string_view text) {
  return text.size() * (ledger::is_utf8(text) ? 1 : 3);
}

/// What is shown of a file: all of it or, of a long log, its first and last lines.
struct shown_text {
  std::string_view head, tail;
  std::size_t left_out = 0; ///< Bytes between them.
};

shown_text shown_of(const input& i) {
  auto text = text_of(i);
  if (!i.path.ends_with(".log") || text.size() <= prompt_log_bytes_max)
    return {text, {}, 0};
  auto head = text.substr(0, prompt_log_bytes_max / 4);
  auto tail = text.substr(text.size() - prompt_log_bytes_max * 3 / 4);
  if (auto end = head.rfind('\n'); end != head.npos)
    head = head.substr(0, end + 1);
  if (auto begin = tail.find('\n'); begin != tail.npos)
    tail.remove_prefix(begin + 1);
  return {head, tail, text.size() - head.size() - tail.size()};
}

std::string told(const input& i) {
  auto [head, tail, left_out] = shown_of(i);
  if (left_out == 0)
    return mended(head);
  return fmt::format("{}\n[... {} bytes of this log are left out here ...]\n\n{}", mended(head),
                     left_out, mended(tail));
}

std::string in_envelope(std::string_view title, const input& i, std::string_view mark) {
  auto text = told(i);
  auto end = text.empty() || text.back() == '\n' ? "" : "\n";
  return fmt::format("<<< {0}, {1} bytes, mark {2}\n{3}{4}>>> END {0}, mark {2}\n", title,
                     text_of(i).size(), mark, text, end);
}

// -- what is said by us ----------------------------------------------------------

/// On one line: a complaint may quote whatever the model wrote.
std::string on_one_line(std::string_view text) {
  auto out = mended(text);
  auto breaks = [](char c) { return c == '\n' || c == '\r' || c == '\v' || c == '\f'; };
  std::replace_if(out.begin(), out.end(), breaks, ' ');
  return out;
}

std::string complaints_of(const request& r) {
  std::string out = "Earlier attempts at this step were refused, for these reasons:\n\n";
  for (std::size_t i = 0; i < r.complaints.size(); ++i)
    out += fmt::format("{}. {}\n", i + 1, on_one_line(r.complaints[i]));
  return out + "\nWrite the complete answer again, so that none of them holds any more.\n";
}

std::string_view errand_of(step at) {
  switch (at) {
    case step::audit:
      return "describe the system as your step says, then answer with the audit";
    case step::decide:
      return "decide what may change, then answer with the decisions and your verdict";
    case step::plan:
      return "plan the change file by file, then answer with the plan";
    case step::implement:
      return "change the files as planned, then answer with the report of what you changed and why";
    case step::test:
      return "mend what the evidence shows, then answer with the report of the fix";
    case step::review:
      return "audit the change, then answer with what you found and your verdict";
    case step::verify:
      return "verify the whole, then answer with what you found and your verdict";
    case step::ingest:
    case step::deliver:
      break;
  }
  return "answer as your step says";
}

std::string closing(const request& r, std::span<const tool_spec> tools, std::string_view mark) {
  std::string names;
  for (auto& t : tools)
    names += fmt::format("{}`{}`", names.empty() ? "" : ", ", t.name);
  auto means = names.empty() ? std::string{"No tools of the pipeline are offered here: use your "
                                           "own, within the bounds of your step."}
                             : fmt::format("Tools offered: {}.", names);
  return fmt::format("The files above bear the mark {}. {}\n\n"
                     "Now {}. Your final message is the whole answer.\n\n"
                     "Task: {}\nRound: {}\nStep: {}\n",
                     mark, means, errand_of(r.at), on_one_line(r.task), r.round,
                     prompt_book::name_of(r.at));
}

} // namespace

ledger::result<prompt_book> prompt_book::open(const fs::path& overrides) {
  auto all = embedded_texts();
  if (!overrides.empty())
    if (auto done = override_texts(all, overrides); !done)
      return tl::make_unexpected(done.error());
  prompt_book book;
  auto& common = all.find(common_name)->second;
  for (auto at : spoken_steps)
    book.system_.emplace(at, common + "\n" + all.find(name_of(at))->second);
  return book;
}

const std::string& prompt_book::system_text(step at) const {
  static const std::string nothing;
  auto it = system_.find(at);
  return it == system_.end() ? nothing : it->second;
}

std::string_view prompt_book::name_of(step at) noexcept {
  if (at == step::ingest || at == step::deliver)
    return {};
  return at == step::test ? "fix" : ledger::to_string(at);
}

std::string cache_key_for(const prompt_book& book, step at, std::span<const tool_spec> tools) {
  auto all = ledger::json::object();
  all["step"] = std::string{ledger::to_string(at)};
  all["system"] = book.system_text(at);
  all["tools"] = ledger::json::array();
  for (auto& t : tools)
    all["tools"].push_back(
        {{"name", t.name}, {"description", t.description}, {"parameters", t.parameters}});
  return ledger::sha256(all.dump(-1, ' ', false, ledger::json::error_handler_t::replace));
}

prompt prompt_for(const prompt_book& book, const request& r, std::span<const tool_spec> tools) {
  prompt p;
  p.system = book.system_text(r.at);
  p.tools = tools;
  auto mark = mark_of(r);
  for (auto& i : r.inputs)
    p.parts.push_back(in_envelope("FILE " + i.path, i, mark));
  for (std::size_t n = 0; n < r.evidence.size(); ++n)
    p.parts.push_back(in_envelope(fmt::format("EVIDENCE {}, {}", n + 1, r.evidence[n].path),
                                  r.evidence[n], mark));
  if (!r.complaints.empty())
    p.parts.push_back(complaints_of(r));
  p.parts.push_back(closing(r, p.tools, mark));
  return p;
}

std::uint64_t told_bytes(const request& r) {
  constexpr std::uint64_t envelope_bytes = 400; // Around each, at most, with its name twice.
  std::uint64_t bytes = 0;
  for (auto* files : {&r.inputs, &r.evidence})
    for (auto& f : *files) {
      auto [head, tail, left_out] = shown_of(f);
      bytes += envelope_bytes + 2 * f.path.size() + mended_bytes(head) + mended_bytes(tail);
    }
  for (auto& c : r.complaints)
    bytes += envelope_bytes + mended_bytes(c);
  return bytes;
}

} // namespace providers
