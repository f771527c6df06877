// cli_provider.hpp -- a command line tool as a provider.
//
// Each call is one run of the tool: in a cage (sandbox.hpp), with a home of its
// own that goes with it, the whole prompt on stdin, and read when it has ended.
//
//   1. Writing steps get the request's worktree writable as /workspace; all
//      others get it read-only, or an empty folder if the request has none. Its
//      masked files are empty there, and git shows nothing of what was committed.
//   2. Of the user's files a run sees only the tool's login, as a copy
//      (login.hpp), and that only without a key. Of our variables it sees none
//      but its own key.
//   3. Without a sandbox no step that writes is run unless the configuration
//      accepts that.
//   4. The network is the machine's: the tool has to reach its service. What
//      the tool itself is allowed to read can leave the machine.
//   5. Every run ends: total and idle time-outs, stdin that ends, and a PID
//      namespace that takes along whatever the tool left running.
//   6. `usage.arguments` holds the arguments of the run.
//
// Runs block, on threads of the provider's own: `concurrency` of them.

#pragma once

#include "providers/cli/tool.hpp"
#include "providers/executor.hpp"
#include "providers/process.hpp"
#include "providers/provider.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace providers::cli {

class cli_provider final : public provider {
public:
  /// Asks the tool for its version. Errors: refused (no such tool, no key and no
  /// login, no command, no prompt, writing without a sandbox; codes as in
  /// failures), unavailable (its version cannot be had).
  static ledger::result<std::unique_ptr<provider>> make(const tool& t, processes& children,
                                                        cli_settings s);

  identity who() const override;
  void ask(std::shared_ptr<const request> r, answer_callback done) override;
  call_bound bound(const request& r) const override;
  bool works_in_checkout() const override { return true; }
  std::optional<rate_limits> limits() const override {
    return rate_limits{settings_.concurrency, 0, 0};
  }
  milliseconds longest_wait() const override { return settings_.longest_wait; }

private:
  cli_provider(const tool& t, processes& children, cli_settings s);
  ledger::result<void> look_around();
  ledger::result<void> learn_version();
  tl::expected<answer, call_failure> run(const request& r);
  tl::expected<answer, call_failure> run_in(const request& r, const std::string& folder,
                                            const std::string& home);
  ledger::result<child_result> start(const request& r, const plan& p, const std::string& folder,
                                     const std::string& home);
  std::string user_login() const;

  const tool& tool_;
  processes& children_;
  cli_settings settings_;
  std::string version_;
  std::vector<std::string> program_folders_;
  thread_pool pool_; // Last: it ends first, and waits for what runs.
};

/// The tool that a kind of provider stands for; null: none.
const tool* tool_of(std::string_view kind);

/// Makes a provider of one of the kinds codex-cli, claude-code, gemini-cli and
/// command. Errors: those above; refused for any other kind.
ledger::result<std::unique_ptr<provider>> make(std::string_view kind, processes& children,
                                               cli_settings s);

} // namespace providers::cli
