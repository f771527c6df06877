// offline_desk.hpp -- an offline provider at work in a small repository, asked
// directly, and the judge beside it.

#pragma once

#include "ledger/judge.hpp"
#include "ledger/paths.hpp"
#include "providers/executor.hpp"
#include "providers/registry.hpp"
#include "tests/support/small_repository.hpp"

#include <set>

namespace tests {

inline std::string block(const std::string& diff) {
  return "```diff\n" + diff + "```\n";
}

/// A diff that replaces the one line of a file.
inline std::string edit(const std::string& path, const std::string& from, const std::string& to) {
  return "--- a/" + path + "\n+++ b/" + path + "\n@@ -1 +1 @@\n-" + from + "\n+" + to + "\n";
}

inline std::string addition(const std::string& path, const std::string& line,
                            const std::string& mode = "100644") {
  return "diff --git a/" + path + " b/" + path + "\nnew file mode " + mode
         + "\n--- /dev/null\n+++ b/" + path + "\n@@ -0,0 +1 @@\n+" + line + "\n";
}

inline std::string deletion(const std::string& path, const std::string& line) {
  return "diff --git a/" + path + " b/" + path + "\ndeleted file mode 100644\n--- a/" + path
         + "\n+++ /dev/null\n@@ -1 +0,0 @@\n-" + line + "\n";
}

inline constexpr const char* green_log = "test: exit 0\nresult: GREEN\n";
inline constexpr const char* red_log = "test: exit 1\nresult: RED\n";

class offline_desk {
public:
  explicit offline_desk(const files& content)
      : repository(content) {
    config.checks.test.command = "sh test.sh";
    config.checks.lint.command = "none";
    config.scope.schema_globs = {"schema/**"};
    auto made = providers::make_provider(providers::builtin_providers(), context(), "offline");
    if (!made)
      throw std::runtime_error(made.error().detail);
    provider = std::move(*made);
  }

  providers::provider_context context() {
    return {config, *repository.git, repository.children, now};
  }

  ledger::result<std::string> ask(ledger::step at, const files& inputs) {
    request.at = at;
    return ask(inputs);
  }

  ledger::result<std::string> ask(const files& inputs) {
    request.task = "task";
    request.base = repository.base;
    request.base_tree = repository.base_tree;
    request.inputs.clear();
    for (auto& [path, text] : inputs)
      request.inputs.push_back({path, std::make_shared<const std::string>(text)});
    std::optional<tl::expected<providers::answer, providers::call_failure>> got;
    calls = 0;
    provider->ask(std::make_shared<const providers::request>(request),
                  [&](tl::expected<providers::answer, providers::call_failure> a) {
                    ++calls;
                    got = std::move(a);
                  });
    EXPECT_EQ(calls, 1);
    if (!got)
      return ledger::fail(ledger::fault::lost, "done was not called");
    if (!*got)
      return ledger::fail(got->error().is == providers::call_failure::kind::refused
                              ? ledger::fault::refused
                              : ledger::fault::unavailable,
                          got->error().why, got->error().code);
    return (*got)->text;
  }

  std::string decisions(const std::string& prompt) {
    return ask(ledger::step::decide, {{"inputs/prompt.md", prompt}}).value();
  }

  ledger::case_file case_for(const std::string& prompt) {
    ledger::case_file c;
    c.prompt = prompt;
    c.guard = ledger::protection_for(config.scope, request.allow);
    c.schema_globs = config.scope.schema_globs;
    auto known = std::make_shared<std::set<std::string>>();
    auto entries = repository.git->list_tree(repository.base_tree).value();
    for (auto& e : entries) {
      known->insert(e.path);
      for (auto p = fs::path{e.path}.parent_path(); !p.empty(); p = p.parent_path())
        known->insert(p.string());
    }
    c.exists_in_base = [known](std::string_view path) {
      return known->count(std::string{path}) > 0;
    };
    return c;
  }

  small_repository repository;
  ledger::config config;
  providers::inline_executor now;
  std::unique_ptr<providers::provider> provider;
  providers::request request;
  int calls = 0;
};

inline std::string reasons_of(const ledger::judgement& j) {
  std::string all;
  for (auto& r : j.reasons)
    all += r + "\n";
  return all;
}

inline bool ends_with(const std::string& text, const std::string& line) {
  return text.size() > line.size()
         && text.compare(text.size() - line.size() - 1, line.size() + 1, line + "\n") == 0;
}

} // namespace tests
