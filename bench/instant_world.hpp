// instant_world.hpp -- a pipeline in which everything but the ledger is instant.
//
// No git, no checks, no deploys: what is left is the actors, the journal and the
// files. Its AIs answer at once, or are whoever is put in their place.

#pragma once

#include "actors/services.hpp"
#include "actors/turnstile.hpp"
#include "ledger/disk/journal.hpp"
#include "providers/executor.hpp"
#include "tests/support/fakes.hpp"

#include <cstdint>
#include <filesystem>

namespace bench {

class instant_world {
public:
  explicit instant_world(const std::filesystem::path& folder);

  /// Drives `tasks` tasks through the pipeline; ends the program with a sentence
  /// if one does not end as done. Once.
  void drive(std::uint64_t tasks);

  actors::services services; ///< To be changed before drive().
  providers::thread_pool quick{4}, jobs{1};

private:
  ledger::disk::journal journal_;
  tests::fake_workspace files_;
  tests::fake_checker checks_;
  tests::fake_deployer deploys_;
};

} // namespace bench
