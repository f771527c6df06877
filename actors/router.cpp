#include "actors/router.hpp"

#include "actors/desk.hpp"

#include <map>

namespace actors {

namespace {

class router : public watching<worker::base> {
public:
  router(caf::actor_config& c, std::string name, child_factory make_child)
      : watching(c)
      , name_(std::move(name))
      , make_child_(std::move(make_child)) {
    this->set_exception_handler([](std::exception_ptr& thrown) { return error_of(thrown); });
  }

  behavior_type make_behavior() override {
    return {
        [this](work_order& order) -> caf::result<outcome> {
          auto promise = make_response_promise<outcome>();
          auto id = ++last_id_;
          auto child = make_child_(system());
          open_.emplace(id, open_order{promise, child});
          watch(child, [this, id](const caf::error& e) {
            settle(id, {nullptr, fault_of(system(), e, name_)});
          });
          ask_however_long(this, child, order)
              .then([this, id](outcome& o) { settle(id, std::move(o)); },
                    // A death is told by the monitor, with its text.
                    [](const caf::error&) {});
          return promise;
        },
    };
  }

  void on_exit() override {
    for (auto& [id, order] : open_)
      end_actor(order.child);
    open_.clear();
  }

private:
  struct open_order {
    caf::typed_response_promise<outcome> promise;
    caf::actor child;
  };

  void settle(std::uint64_t id, outcome o) {
    auto it = open_.find(id);
    if (it == open_.end())
      return;
    it->second.promise.deliver(std::move(o));
    open_.erase(it);
  }

  std::string name_;
  child_factory make_child_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, open_order> open_;
};

} // namespace

worker spawn_router(caf::actor_system& system, std::string name, child_factory make_child) {
  return system.spawn<router>(std::move(name), std::move(make_child));
}

} // namespace actors
