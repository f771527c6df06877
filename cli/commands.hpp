// commands.hpp -- the commands beside the batch.
//
//   1. status, show, verify and doctor write nothing, anywhere, and work while a
//      scheduler runs.
//   2. retry and cancel take the repository's lock, append one signed or plain
//      record, and give the lock back. While a scheduler runs they exit 4.
//   3. Results go to `out`, complaints to `err`; the result is the exit code.

#pragma once

#include "cli/exit_code.hpp"
#include "cli/options.hpp"
#include "cli/seams.hpp"

#include <iosfwd>

namespace cli {

exit_code status(const status_options& o, std::ostream& out, std::ostream& err);
exit_code show(const show_options& o, std::ostream& out, std::ostream& err);
exit_code verify(const verify_options& o, std::ostream& out, std::ostream& err);
exit_code doctor(const doctor_options& o, const seams& with, std::ostream& out);
exit_code retry(const retry_options& o, const seams& with, std::ostream& out, std::ostream& err);
exit_code cancel(const cancel_options& o, std::ostream& out, std::ostream& err);

} // namespace cli
