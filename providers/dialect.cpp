#include "providers/dialect.hpp"

#include "providers/dialects/common.hpp"

namespace providers {

std::unique_ptr<const dialect> dialect_of(std::string_view kind) {
  if (kind == "gemini")
    return dialects::make_gemini();
  if (kind == "anthropic")
    return dialects::make_anthropic();
  if (kind == "openai")
    return dialects::make_openai_responses();
  if (kind == "openai-chat")
    return dialects::make_openai_chat();
  return nullptr;
}

} // namespace providers
