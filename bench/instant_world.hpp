// instant_world.hpp -- a pipeline in which everything but the ledger is instant.
//
// No git, no checks, no deploys: what is left is the actors, the journal and the
// files. Its AIs answer at once, or are whoever is put in their place.

#pragma once

#include "actors/services.hpp"
#include "actors/supervisor.hpp"
#include "actors/turnstile.hpp"
#include "ledger/disk/journal.hpp"
#include "providers/executor.hpp"
#include "tests/support/fakes.hpp"

#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// What an AI says for a task that does well.
std::string good_answer_for(ledger::step at, const std::string& task);

/// Each task changes a page of its own, which is named as the task and its base's
/// tree are: of tasks with one page one after the other would write code.
class pages : public tests::fake_workspace {
public:
  ledger::result<std::unique_ptr<providers::lease>>
  checkout(std::string_view, std::string_view tree, providers::slot_wish) override;
  ledger::result<std::vector<ledger::change>> changes(std::string_view base_tree,
                                                      std::string_view tree) override;
  bool exists(std::string_view tree, std::string_view path) override;
  ledger::result<std::vector<std::string>> paths(std::string_view tree) override;
};

/// Where the ledger lies, and who signs.
struct ledger_place {
  std::filesystem::path root, keys;
  std::string repo_id;
};

ledger::disk::journal open_journal(const ledger_place& at);
/// A ledger in `folder`.
ledger::disk::journal open_journal(const std::filesystem::path& folder);

class instant_world {
public:
  /// Its ledger in `folder`.
  explicit instant_world(const std::filesystem::path& folder);
  explicit instant_world(const ledger_place& at);

  /// Drives `tasks` tasks through the pipeline; ends the program with a sentence
  /// if one does not end as done. Once.
  void drive(std::uint64_t tasks);

  /// Closes the ledger, as the program does when a batch has ended.
  void close();

  /// As drive(), without waiting for its end. Once.
  std::future<actors::batch_report> begin(std::uint64_t tasks);

  actors::services services; ///< To be changed before either.
  providers::thread_pool quick{4}, jobs{1};

private:
  actors::seats room_{actors::usual_seats};
  actors::ledger_writer writer_;
  ledger::disk::journal journal_;
  pages files_;
  tests::fake_checker checks_;
  tests::fake_deployer deploys_;
};

} // namespace bench
