#include "providers/tools/words.hpp"

#include "ledger/disk/files.hpp"
#include "ledger/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace providers::tools {

std::string shown(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::size_t valid = 0, length = 0;
    while ((length = ledger::utf8_length(text.substr(valid))) > 0)
      valid += length;
    out += text.substr(0, valid);
    text.remove_prefix(valid);
    if (!text.empty()) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
      text.remove_prefix(1);
    }
  }
  return out;
}

std::string shown_on_one_line(std::string_view text, std::size_t bytes_max) {
  auto quoted = ledger::excerpt(text, bytes_max);
  return quoted.substr(1, quoted.size() - 2); // Without the back ticks.
}

std::string_view cut_at_character(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max)
    return text;
  auto end = bytes_max;
  // A continuation byte cannot begin the rest. More than three: no UTF-8 anyway.
  while (end > 0 && bytes_max - end < 3 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return text.substr(0, end);
}

bool is_binary(std::string_view content) {
  return content.find('\0') != content.npos;
}

std::string with_commas(std::uint64_t number) {
  auto digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

std::string counted(std::uint64_t number, std::string_view one) {
  return fmt::format("{} {}{}", with_commas(number), one, number == 1 ? "" : "s");
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const auto& word : words)
    (out += out.empty() ? std::string_view() : between) += word;
  return out;
}

tool_result told(std::string text) {
  return {std::move(text), false};
}

tool_result refused(std::string text) {
  return {std::move(text), true};
}

tool_result not_done(const ledger::failure& f) {
  using ledger::fault;
  if (f.code != "closing" && (f.kind == fault::refused || f.kind == fault::not_found))
    return refused(f.detail);
  const auto* why = f.code == "closing" ? "the program is ending"
                    : f.code == ledger::disk::disk_full_code
                        ? "the disk is full"
                        : "the repository or its files cannot be reached now";
  return refused(fmt::format("the tool could not be run: {}; try again", why));
}

} // namespace providers::tools
