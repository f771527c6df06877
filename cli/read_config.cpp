#include "cli/read_config.hpp"

#include "cli/config_file.hpp"
#include "ledger/disk/files.hpp"

#include <fmt/format.h>

#include <filesystem>

namespace cli {

namespace {

using ledger::fail;
using ledger::fault;

tl::unexpected<ledger::failure> no_config(const std::filesystem::path& file) {
  return fail(
      fault::not_found,
      fmt::format("# There is no configuration yet: {0}\n"
                  "# This is one to begin with. The same command with `2> {0}`\n"
                  "# writes it there; then put your own checks into it. --config FILE names "
                  "another file.\n\n{1}",
                  file.string(), example_config()),
      std::string{no_config_code});
}

} // namespace

ledger::result<ledger::config> read_config(const std::string& named, const place& here,
                                           const providers::registry& kinds) {
  auto file =
      named.empty() ? here.repository->top() / "scheduler.toml" : std::filesystem::path{named};
  auto text = ledger::disk::read_file(file, max_config_bytes);
  bool none = text ? text->find_first_not_of(" \t\r\n") == std::string::npos
                   : text.error().kind == fault::not_found;
  if (none && named.empty())
    return no_config(file);
  if (none)
    return fail(
        fault::not_found,
        fmt::format("--config {}: {}; docs/CONFIGURATION.md says what belongs into one, and "
                    "the program prints an example where a repository has no scheduler.toml",
                    named, text ? "the file is empty" : "there is no such file"));
  if (!text)
    return tl::make_unexpected(text.error());
  std::vector<std::string> names;
  for (auto& [kind, factory] : kinds)
    names.push_back(kind);
  return parse_config(*text, named.empty() ? file.filename().string() : named, names);
}

} // namespace cli
