#include "providers/offline/offline.hpp"

#include "providers/offline/answers.hpp"
#include "providers/version.hpp"

#include <fmt/format.h>

#include <exception>

namespace providers::offline {
namespace {

ledger::result<std::string> text_for(desk& d, const request& r) {
  using ledger::step;
  switch (r.at) {
    case step::audit:
      return audit(d, r);
    case step::decide:
      return decide(d, r);
    case step::plan:
      return plan(d, r);
    case step::implement:
      return implement(d, r);
    case step::test:
      return fix(d, r);
    case step::review:
      return review(d, r);
    case step::verify:
      return verify(d, r);
    case step::ingest:
    case step::deliver:
      break;
  }
  return ledger::fail(ledger::fault::refused,
                      fmt::format("offline: no AI speaks in step {}", to_string(r.at)));
}

// The edge: whatever libraries throw becomes a failure here.
tl::expected<answer, call_failure> answer_to(desk& d, const request& r) noexcept {
  try {
    auto text = text_for(d, r);
    if (!text)
      return tl::make_unexpected(text.error());
    return answer{std::move(*text), 0, ledger::json::object()};
  } catch (const std::exception& e) {
    return ledger::fail(ledger::fault::unavailable,
                        fmt::format("offline: {} of {}: {}", to_string(r.at), r.task, e.what()));
  }
}

class offline_provider final : public provider {
public:
  explicit offline_provider(const provider_context& c)
      : desk_(new desk{c, {}})
      , blocking_(c.blocking) {}

  identity who() const override { return {"offline", "none", std::string{program_version}}; }

  void ask(std::shared_ptr<const request> r, answer_callback done) override {
    // The desk is shared with the work: it may outlive this provider.
    blocking_.run(
        [d = desk_, r = std::move(r), done = std::move(done)] { done(answer_to(*d, *r)); });
  }

private:
  std::shared_ptr<desk> desk_;
  executor& blocking_;
};

} // namespace

ledger::result<std::unique_ptr<provider>> make(const provider_context& c, const std::string& name,
                                               const ledger::provider_config& config) {
  if (!config.options.empty())
    return ledger::fail(ledger::fault::refused,
                        fmt::format("scheduler.toml, [providers.{}]: \"{}\" is no key of kind "
                                    "\"offline\", which has none but kind; remove it",
                                    name, config.options.begin()->first),
                        "unknown-key");
  return std::make_unique<offline_provider>(c);
}

} // namespace providers::offline
