#include "cli/secrets.hpp"

#include "ledger/disk/files.hpp"
#include "ledger/glob.hpp"
#include "ledger/paths.hpp"
#include "ledger/provider_kind.hpp"
#include "ledger/record.hpp"
#include "ledger/text.hpp"
#include "providers/bounded_json.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

extern char** environ;

namespace cli {

namespace {

namespace fs = std::filesystem;
using ledger::fail;
using ledger::fault;
using ledger::result;

tl::unexpected<ledger::failure> too_large(const std::string& name, std::uint64_t bytes) {
  return fail(
      fault::refused,
      fmt::format("{} matches scope.secrets, but is too large to look for each of its lines "
                  "({} bytes; at most {} a file and {} in all); narrow the globs to the "
                  "files that hold secrets",
                  name, bytes, max_secrets_file_bytes, max_secrets_bytes));
}

class collection {
public:
  void add(std::string secret) { all_.push_back(std::move(secret)); }

  /// The secrets of a file's content. Errors: refused.
  result<void> add_file(const std::string& name, std::string_view content) {
    bytes_ += content.size();
    if (content.size() > max_secrets_file_bytes || bytes_ > max_secrets_bytes)
      return too_large(name, content.size());
    for (auto& secret : ledger::secrets_in(content))
      add(std::move(secret));
    return {};
  }

  ledger::redactor redactor() && { return ledger::redactor(std::move(all_)); }

private:
  std::vector<std::string> all_;
  std::size_t bytes_ = 0;
};

void add_environment(collection& all, const std::vector<std::string>& named) {
  for (char** at = environ; at && *at; ++at) {
    std::string_view entry = *at;
    auto equals = entry.find('=');
    if (equals == std::string_view::npos || !ledger::names_secret(entry.substr(0, equals), named))
      continue;
    auto value = entry.substr(equals + 1);
    all.add(std::string(value));
    // A key of several lines may be quoted line by line.
    if (value.find('\n') != std::string_view::npos)
      for (auto& line : ledger::secrets_in(value))
        all.add(std::move(line));
  }
}

result<void> add_tree(collection& all, const providers::git& git, const std::string& revision,
                      const std::vector<std::string>& globs, std::set<std::string>& seen) {
  auto commit = git.resolve_commit(revision);
  if (!commit && commit.error().kind == fault::not_found)
    return {}; // Nothing committed yet, or no such base: its user says so.
  if (!commit)
    return tl::make_unexpected(commit.error());
  auto entries = git.list_tree(*commit);
  if (!entries)
    return tl::make_unexpected(entries.error());
  for (auto& e : *entries) {
    bool file = e.mode == "100644" || e.mode == "100755";
    if (!file || !ledger::any_glob_covers(globs, e.path) || !seen.insert(e.id).second)
      continue;
    auto name = fmt::format("{} of {}", e.path, revision);
    if (e.bytes > max_secrets_file_bytes)
      return too_large(name, e.bytes);
    auto content = git.read_blob(*commit, e.path);
    if (!content)
      return tl::make_unexpected(content.error());
    if (auto ok = all.add_file(name, *content); !ok)
      return ok;
  }
  return {};
}

result<void> add_working_file(collection& all, const fs::path& file) {
  std::error_code e;
  auto real = fs::canonical(file, e); // A link to a secret is a secret.
  if (e || !fs::is_regular_file(real, e) || ::access(real.c_str(), R_OK) != 0)
    return {};
  auto size = fs::file_size(real, e);
  if (!e && size > max_secrets_file_bytes)
    return too_large(file.string(), size);
  auto content = ledger::disk::read_file(real, max_secrets_file_bytes);
  if (!content && content.error().kind == fault::not_found)
    return {};
  if (!content)
    return tl::make_unexpected(content.error());
  return all.add_file(file.string(), *content);
}

result<void> add_working_folder(collection& all, const providers::git& git,
                                const std::vector<std::string>& globs) {
  providers::git::call list;
  // No standard excludes: a file with secrets is usually one that git ignores.
  // The ledger alone is left out; it is large, and redacted already.
  list.args = {"ls-files", "-z", "-c", "-o", "-x", fmt::format("/{}/", ledger::ledger_root)};
  list.env = {{"GIT_WORK_TREE", git.top().string()}};
  auto names = git.must(std::move(list));
  if (!names)
    return tl::make_unexpected(names.error());
  for (std::string_view rest = *names; !rest.empty();) {
    auto name = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    if (ledger::any_glob_covers(globs, name))
      if (auto ok = add_working_file(all, git.top() / name); !ok)
        return ok;
  }
  return {};
}

std::vector<std::string> variables_of(const ledger::config& c) {
  std::vector<std::string> named;
  if (auto variable = ledger::token_variable_of(c.deploy); !variable.empty())
    named.push_back(std::move(variable));
  if (auto variable = ledger::token_variable_of(c.landing); !variable.empty())
    named.push_back(std::move(variable));
  for (auto& [name, provider] : c.providers)
    if (auto variable = ledger::key_variable_of(provider); !variable.empty())
      named.push_back(std::move(variable));
  return named;
}

/// Whether a member of a login file holds what opens a door.
bool names_token(std::string_view member) {
  auto low = ledger::lowered_ascii(member);
  return low.find("token") != low.npos || low.find("key") != low.npos
         || low.find("secret") != low.npos;
}

void add_tokens(collection& all, const ledger::json& value, bool named) {
  if (value.is_object())
    for (auto& [member, content] : value.items())
      add_tokens(all, content, named || names_token(member));
  else if (value.is_array())
    for (auto& content : value)
      add_tokens(all, content, named);
  else if (value.is_string() && named)
    all.add(value.get<std::string>());
}

/// A run of such a tool has a copy of it, and a model's commands can read that.
void add_logins(collection& all, const ledger::config& c) {
  const char* home = std::getenv("HOME");
  if (!home)
    return;
  std::set<std::string_view> files;
  for (auto& [who, role] : c.roles) {
    auto names = role.fallback;
    names.push_back(role.provider);
    for (auto& name : names)
      if (auto* kind = ledger::provider_kind_named(ledger::provider_named(c, name).kind);
          kind && !kind->login_file.empty())
        files.insert(kind->login_file);
  }
  for (auto file : files) {
    auto text = ledger::disk::read_file(std::filesystem::path(home) / file, max_secrets_file_bytes);
    if (!text)
      continue; // None, or none that a run could be lent: it is told where that is made.
    if (auto login = providers::parse_bounded(*text))
      add_tokens(all, *login, false);
  }
}

} // namespace

result<ledger::redactor> known_secrets(const place& p, const ledger::config* c) {
  const ledger::config defaults;
  auto& used = c ? *c : defaults;
  collection all;
  add_environment(all, variables_of(used));
  add_logins(all, used);
  auto& globs = used.scope.secret_globs;
  std::set<std::string> seen;
  for (auto& revision : std::set<std::string>{"HEAD", used.repo.base})
    if (auto ok = add_tree(all, *p.repository, revision, globs, seen); !ok)
      return tl::make_unexpected(ok.error());
  if (auto ok = add_working_folder(all, *p.repository, globs); !ok)
    return tl::make_unexpected(ok.error());
  return std::move(all).redactor();
}

} // namespace cli
