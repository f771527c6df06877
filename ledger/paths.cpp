#include "ledger/paths.hpp"

namespace ledger {

std::string old_path(std::string_view ledger_path, std::string_view why, std::uint32_t n) {
  auto slash = ledger_path.rfind('/');
  auto folder =
      slash == std::string_view::npos ? std::string_view{} : ledger_path.substr(0, slash + 1);
  auto name = ledger_path.substr(folder.size());
  // The last dot only, and never a leading one: `.x` is a name, not an extension.
  auto dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0)
    dot = name.size();
  std::string out;
  out.append(folder).append("old/").append(name.substr(0, dot)).append(".").append(why);
  out.append("-").append(std::to_string(n)).append(name.substr(dot));
  return out;
}

std::string turns_path(std::string_view answer) {
  constexpr std::string_view ending = ".md";
  if (answer.size() <= ending.size() || answer.substr(answer.size() - ending.size()) != ending)
    return {};
  return std::string{answer.substr(0, answer.size() - ending.size())} + ".turns.jsonl";
}

bool is_ledger_path(std::string_view text) noexcept {
  if (text.empty() || text.size() > 1024 || text == path::journal)
    return false;
  for (char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return false;
  while (true) {
    auto slash = text.find('/');
    auto part = text.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.size() > 255)
      return false;
    if (slash == std::string_view::npos)
      return true;
    text.remove_prefix(slash + 1);
  }
}

} // namespace ledger
