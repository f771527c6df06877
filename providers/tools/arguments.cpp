#include "providers/tools/arguments.hpp"

#include "ledger/text.hpp"
#include "providers/tools/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace providers::tools {

arguments::arguments(const tool_call& c, const std::vector<std::string>& known)
    : call_(&c) {
  if (!c.arguments.is_object()) {
    wrong(fmt::format("the arguments must be a JSON object with {}", joined(known)));
    return;
  }
  for (auto it = c.arguments.begin(); it != c.arguments.end(); ++it)
    if (std::find(known.begin(), known.end(), it.key()) == known.end())
      wrong(fmt::format("unknown argument {}; it takes {}", ledger::excerpt(it.key()),
                        joined(known)));
}

void arguments::wrong(const std::string& why) {
  if (error_.empty())
    error_ = fmt::format("{}: {}", call_->name, why);
}

const ledger::json* arguments::at(const char* name, bool required) {
  if (!call_->arguments.is_object())
    return nullptr;
  const auto it = call_->arguments.find(name);
  if (it != call_->arguments.end() && !it->is_null())
    return &*it;
  if (required)
    wrong(fmt::format("argument `{}` is missing", name));
  return nullptr;
}

std::string arguments::text(const char* name) {
  at(name, true);
  return optional_text(name).value_or("");
}

std::optional<std::string> arguments::optional_text(const char* name) {
  const auto* value = at(name, false);
  if (value == nullptr)
    return {};
  if (value->is_string())
    return value->get<std::string>();
  wrong(fmt::format("argument `{}` must be a string, not {}", name, value->type_name()));
  return {};
}

std::int64_t arguments::number(const char* name, std::int64_t otherwise, std::int64_t least,
                               std::int64_t most) {
  const auto* value = at(name, false);
  if (value == nullptr)
    return otherwise;
  double as_real = std::nan("");
  if (value->is_number())
    as_real = value->get<double>();
  if (std::trunc(as_real) != as_real || as_real < static_cast<double>(least)
      || as_real > static_cast<double>(most)) { // Of NaN nothing is true but !=.
    wrong(fmt::format("argument `{}` must be a whole number from {} to {}", name, least, most));
    return otherwise;
  }
  return static_cast<std::int64_t>(as_real);
}

bool arguments::flag(const char* name) {
  const auto* value = at(name, false);
  if (value == nullptr)
    return false;
  if (!value->is_boolean())
    wrong(fmt::format("argument `{}` must be true or false", name));
  return value->is_boolean() && value->get<bool>();
}

} // namespace providers::tools
