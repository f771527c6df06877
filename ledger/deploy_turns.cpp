#include "ledger/deploy_turns.hpp"

#include <algorithm>

namespace ledger {

bool deploys_in_turn(const config& c) noexcept {
  return c.landing.mode == landing_mode::branch && c.deploy.kind != deploy_kind::none
         && c.deploy.context == "production";
}

deploy_turns::place& deploy_turns::place_of(std::string_view task) {
  auto it = std::find_if(line_.begin(), line_.end(), [&](auto& p) { return p.task == task; });
  return it != line_.end() ? *it : line_.emplace_back(place{std::string{task}});
}

void deploy_turns::expect(std::string_view task) {
  place_of(task);
}

void deploy_turns::ask(std::string_view task) {
  place_of(task).asked = true;
}

void deploy_turns::over(std::string_view task) {
  std::erase_if(line_, [&](auto& p) { return p.task == task; });
  if (at_work_ == task)
    at_work_.clear();
}

std::optional<std::string> deploy_turns::next() {
  if (!at_work_.empty() || line_.empty() || !line_.front().asked)
    return std::nullopt;
  at_work_ = line_.front().task;
  return at_work_;
}

} // namespace ledger
