// commands.hpp -- the commands beside the batch.
//
//   1. status, show, verify and doctor write nothing, anywhere, and work while a
//      scheduler runs.
//   2. approve, retry and cancel append one signed or plain record: through the
//      scheduler at work (control_client.hpp), or, where there is none, under the
//      repository's lock (held_order.hpp). One that is at work and cannot be
//      spoken to is exit 4.
//   3. rollback is a batch of one task (run.hpp); one at work is exit 4.
//   4. Results go to `out`, complaints to `err`; the result is the exit code.

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
exit_code approve(const approve_options& o, std::ostream& out, std::ostream& err);
exit_code retry(const retry_options& o, const seams& with, std::ostream& out, std::ostream& err);
exit_code cancel(const cancel_options& o, std::ostream& out, std::ostream& err);
exit_code rollback(const rollback_options& o, const seams& with, std::ostream& out,
                   std::ostream& err);

} // namespace cli
