// api_provider.hpp -- a model behind an HTTP API plays a role.
//
// Kinds gemini, anthropic, openai and openai-chat: one dialect each, all the
// rest in common. A call is one exchange; the role runs the tools and asks
// again.
//
//   1. Made only with all that a call needs: a model, a price, a key in the
//      environment (for openai-chat only where one is named). What is missing is
//      said before anything starts, with the variable's or the key's name.
//   2. The key is in the request's headers and nowhere else.
//   3. bound() is what the worst answer costs: every byte of input a token, the
//      longest output, the dearest sort of input. Known counts of former turns
//      replace bytes.
//   4. Prompts are assembled and answers read on the executor, never on the
//      caller's or the engine's thread.

#pragma once

#include "providers/registry.hpp"

#include <memory>
#include <string>

namespace providers {

/// The factory of the four kinds. Errors: refused, naming what is missing and
/// where it belongs.
ledger::result<std::unique_ptr<provider>> make_api_provider(const provider_context& c,
                                                            const std::string& name,
                                                            const ledger::provider_config& p);

} // namespace providers
