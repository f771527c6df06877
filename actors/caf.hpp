// caf.hpp -- every CAF call that differs between 0.17 and 1.x.
//
// CAF 0.17.6 is what Debian and Ubuntu package, 1.x what others do. The rest of
// this folder calls these functions and compiles with either.
//
//   1. Only this header and protocol.hpp include <caf/…>.
//   2. Versions are told apart by CAF_MAJOR_VERSION, never by CAF_VERSION.

#pragma once

#include <caf/all.hpp>
#if __has_include(<caf/detail/build_config.hpp>)
#include <caf/detail/build_config.hpp>
#endif
#include <caf/config.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace actors {

using millis = std::chrono::milliseconds;

#if CAF_MAJOR_VERSION >= 1

template <class Reply, class Question>
using replies = caf::result<Reply>(Question);
template <class Note>
using reacts = caf::result<void>(Note);

template <class Self, class Dest, class... Ts>
void tell(Self* self, const Dest& dest, Ts&&... xs) {
  self->mail(std::forward<Ts>(xs)...).send(dest);
}

template <class Self, class Dest, class... Ts>
void tell_later(Self* self, const Dest& dest, std::chrono::microseconds delay, Ts&&... xs) {
  self->mail(std::forward<Ts>(xs)...).delay(delay).send(dest);
}

template <class Self, class Dest, class... Ts>
auto ask(Self* self, const Dest& dest, millis timeout, Ts&&... xs) {
  return self->mail(std::forward<Ts>(xs)...).request(dest, timeout);
}

/// From a thread that is no actor's.
template <class Dest, class... Ts>
void tell_from_outside(const Dest& dest, Ts&&... xs) {
  caf::anon_mail(std::forward<Ts>(xs)...).send(dest);
}

template <class Self, class Dest, class... Ts>
auto ask_however_long(Self* self, const Dest& dest, Ts&&... xs) {
  return self->mail(std::forward<Ts>(xs)...).request(dest, caf::infinite);
}

inline std::string words(caf::actor_system&, const caf::error& e) {
  return caf::to_string(e);
}

/// Calls `then` when a watched actor ends.
template <class Base>
class watching : public Base {
public:
  using Base::Base;

protected:
  template <class Handle>
  void watch(const Handle& h, std::function<void(const caf::error&)> then) {
    this->monitor(h, [then = std::move(then)](const caf::error& e) { then(e); });
  }
};

#else

template <class Reply, class Question>
using replies = typename caf::replies_to<Question>::template with<Reply>;
template <class Note>
using reacts = caf::reacts_to<Note>;

template <class Self, class Dest, class... Ts>
void tell(Self* self, const Dest& dest, Ts&&... xs) {
  self->send(dest, std::forward<Ts>(xs)...);
}

template <class Self, class Dest, class... Ts>
void tell_later(Self* self, const Dest& dest, std::chrono::microseconds delay, Ts&&... xs) {
  self->delayed_send(dest, delay, std::forward<Ts>(xs)...);
}

template <class Self, class Dest, class... Ts>
auto ask(Self* self, const Dest& dest, millis timeout, Ts&&... xs) {
  return self->request(dest, timeout, std::forward<Ts>(xs)...);
}

/// From a thread that is no actor's.
template <class Dest, class... Ts>
void tell_from_outside(const Dest& dest, Ts&&... xs) {
  caf::anon_send(dest, std::forward<Ts>(xs)...);
}

template <class Self, class Dest, class... Ts>
auto ask_however_long(Self* self, const Dest& dest, Ts&&... xs) {
  return self->request(dest, caf::infinite, std::forward<Ts>(xs)...);
}

inline std::string words(caf::actor_system& system, const caf::error& e) {
  return system.render(e);
}

/// Calls `then` when a watched actor ends; the latest `then` counts.
template <class Base>
class watching : public Base {
public:
  explicit watching(caf::actor_config& c)
      : Base(c) {
    this->set_down_handler([this](caf::down_msg& d) {
      auto it = watched_.find(d.source);
      if (it == watched_.end())
        return;
      auto then = std::move(it->second);
      watched_.erase(it);
      then(d.reason);
    });
  }

protected:
  template <class Handle>
  void watch(const Handle& h, std::function<void(const caf::error&)> then) {
    if (watched_.insert_or_assign(h.address(), std::move(then)).second)
      this->monitor(h);
  }

private:
  std::map<caf::actor_addr, std::function<void(const caf::error&)>> watched_;
};

#endif

/// The text of an exception that left a handler: CAF's default loses it.
inline caf::error error_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& x) {
    return caf::make_error(caf::sec::runtime_error, std::string{x.what()});
  } catch (...) {
    return caf::make_error(caf::sec::runtime_error, std::string{"an unknown exception"});
  }
}

/// Ends an actor of any handle type, whatever waits in its mailbox: in CAF 0.17
/// an exit message sent the usual way queues behind all others.
template <class Handle>
void end_actor(const Handle& h) {
  auto a = caf::actor_cast<caf::strong_actor_ptr>(h);
#if CAF_MAJOR_VERSION >= 1
  caf::anon_send_exit(h, caf::exit_reason::user_shutdown);
  static_cast<void>(a);
#else
  a->enqueue(nullptr, caf::make_message_id(caf::message_priority::high),
             caf::make_message(caf::exit_msg{h.address(), caf::exit_reason::user_shutdown}),
             nullptr);
#endif
}

/// Calls `then` with the reason when `a` ends otherwise than normally.
inline void when_dead(const caf::actor& a, std::function<void(const std::string&)> then) {
  caf::actor_cast<caf::abstract_actor*>(a)->attach_functor(
      [&system = a->home_system(), then = std::move(then)](const caf::error& why) {
        if (why)
          then(words(system, why));
      });
}

} // namespace actors
