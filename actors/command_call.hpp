// command_call.hpp -- one job of the RUNNER: checks, commit, build, pull request,
// deploy.
//
// The child of the RUNNER. It does what the task's state says is due, files
// the result in the ledger and only then answers. Long jobs run on an executor
// with as many threads as may run at once.
//
//   1. Commit, pull request and deploy happen only for a state that holds their
//      signed intent, which the supervisor alone records.
//   2. Whatever runs twice has the same result: the commit's id is fixed by
//      its intent; a pull request or deploy is looked for before it is made.

#pragma once

#include "actors/router.hpp"
#include "actors/services.hpp"

namespace actors {

child_factory command_calls(const services& s, ledger_writer writer);

} // namespace actors
