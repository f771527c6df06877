#include "providers/process.hpp"

#include "providers/child.hpp"
#include "providers/guard.hpp"
#include "providers/process_group.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <unordered_map>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// From SIGTERM to SIGKILL.
constexpr milliseconds term_grace{2000};
/// How long to wait, after a child's end, for whoever still holds its output.
constexpr milliseconds drain_grace{200};
/// How long to wait for the rest of its group, which was killed, to be gone.
constexpr milliseconds group_grace{2000};
/// Waited for so long, one looks closely: each process of the system.
constexpr milliseconds look_closely_after{16};
/// Spawned in one go before events are looked at again: a spawn takes 0.5 ms.
constexpr int spawns_at_once = 16;

struct job {
  child_spec spec;
  file in;
  std::function<void(ledger::result<child_result>)> done;
};

enum : std::uint64_t { from_pidfd = 0, from_out = 1, from_err = 2 };

} // namespace

/// Everything but the queue and `closing` belongs to the watcher's thread.
struct processes::impl {
  impl();
  void wake() const;
  void loop();
  void begin_queued();
  void end_unwanted();
  void begin(job j);
  void kill_all();
  void handle(const epoll_event& e);
  void read_from(child& c, file& f, bounded_text& into);
  void on_exit(child& c);
  void on_timers();
  void on_timer(child& c, clock::time_point now);
  void on_timer_after_exit(child& c, clock::time_point now);
  void terminate(child& c, child_result::end how, milliseconds limit);
  void arm(child& c);
  void forget(file& f) const;
  bool watch(const file& f, std::uint64_t tag) const;
  void finish(child& c);
  int wait_ms() const;
  std::vector<pid_t> guarded_groups() const;

  std::mutex mutex;
  std::deque<job> queue;
  std::vector<std::string> unwanted; // Owners whose children are to end.
  bool closing = false;

  file epoll, event;
  std::unordered_map<std::uint64_t, std::unique_ptr<child>> children;
  std::set<std::pair<clock::time_point, std::uint64_t>> timers;
  std::uint64_t last_id = 0;
  bool saw_closing = false;
  std::vector<char> buffer = std::vector<char>(64 * 1024);
  guard group_guard;

  std::mutex join_mutex;
  std::thread thread;
  std::thread::id watcher; // Of `thread`, also after it was joined.
};

processes::impl::impl()
    : epoll(::epoll_create1(EPOLL_CLOEXEC))
    , event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  watch(event, 0);
}

void processes::impl::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(event.get(), &one, sizeof one);
}

bool processes::impl::watch(const file& f, std::uint64_t tag) const {
  epoll_event e{};
  e.events = EPOLLIN;
  e.data.u64 = tag;
  return ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, f.get(), &e) == 0;
}

/// Out of the epoll set before it is closed: a copy of the descriptor that is
/// still open in a child would keep reporting.
void processes::impl::forget(file& f) const {
  if (f)
    ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, f.get(), nullptr);
  f = file();
}

int processes::impl::wait_ms() const {
  if (timers.empty())
    return -1;
  const auto left = timers.begin()->first - clock::now();
  if (left <= clock::duration::zero())
    return 0;
  const auto ms = std::chrono::ceil<milliseconds>(left).count();
  return static_cast<int>(std::min<std::int64_t>(ms, 60'000));
}

void processes::impl::loop() {
  std::vector<epoll_event> events(256);
  for (;;) {
    begin_queued();
    end_unwanted();
    on_timers();
    bool more = false;
    {
      const std::lock_guard lock(mutex);
      more = !queue.empty();
      if (closing && !more && children.empty())
        return;
    }
    const auto n = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()),
                                more ? 0 : wait_ms());
    for (int i = 0; i < n; ++i)
      handle(events[static_cast<std::size_t>(i)]);
  }
}

void processes::impl::begin_queued() {
  for (int i = 0; i < spawns_at_once; ++i) {
    std::optional<job> next;
    bool stop = false;
    {
      const std::lock_guard lock(mutex);
      stop = closing;
      if (!queue.empty()) {
        next = std::move(queue.front());
        queue.pop_front();
      }
    }
    if (stop && !saw_closing)
      kill_all();
    if (!next)
      return;
    if (stop)
      next->done(fail(fault::refused, "start a child: the program is ending", "closing"));
    else
      begin(std::move(*next));
  }
}

void processes::impl::end_unwanted() {
  std::vector<std::string> owners;
  {
    const std::lock_guard lock(mutex);
    owners.swap(unwanted);
  }
  for (auto& owner : owners)
    for (auto& [id, c] : children)
      if (c->owner == owner && !c->exited && !c->signalled) {
        terminate(*c, child_result::end::killed, milliseconds{0});
        arm(*c);
      }
}

void processes::impl::kill_all() {
  saw_closing = true;
  for (auto& [id, c] : children) {
    if (c->exited)
      continue;
    if (!c->signalled) {
      c->how = child_result::end::killed;
      c->kill_at = clock::now() + term_grace;
    }
    c->signalled = true;
    c->killed = c->death_signal == SIGKILL;
    if (c->talk)
      ::shutdown(c->talk.get(), SHUT_RD);
    if (c->death_signal != 0)
      ::kill(-c->pid, c->death_signal);
    arm(*c);
  }
}

std::vector<pid_t> processes::impl::guarded_groups() const {
  std::vector<pid_t> groups;
  for (const auto& [id, c] : children)
    if (c->guarded && !c->exited)
      groups.push_back(c->pid);
  return groups;
}

void processes::impl::begin(job j) {
  auto program = program_of(j.spec);
  if (!program)
    return j.done(tl::make_unexpected(program.error()));
  const auto cannot = [&](fault kind, const std::string& why) {
    j.done(fail(kind, fmt::format("start `{}`: {}", j.spec.argv[0], why)));
  };
  auto out = make_pipe();
  auto err = j.spec.merge_stderr ? std::optional<pipe_ends>(pipe_ends{}) : make_pipe();
  if (!out || !err)
    return cannot(fault::unavailable, words_of(errno));

  if (j.spec.group_dies_with_us && !group_guard.is_there(guarded_groups()))
    return cannot(fault::unavailable, "nobody would end it with us");

  auto c = std::make_unique<child>(j.spec.max_output_bytes);
  const auto talks = j.spec.talk_fd >= 0;
  const child_ends ends{j.in, talks ? j.in : out->write, talks ? out->write : err->write,
                        group_guard.ear()};
  if (const auto e = spawn(j.spec, *program, ends, c->pid); e != 0) {
    struct stat s {};
    if (e == ENOENT && !j.spec.directory.empty() && ::stat(j.spec.directory.c_str(), &s) != 0)
      return cannot(fault::unavailable, "no such folder: " + j.spec.directory);
    return cannot(e == ENOENT ? fault::not_found : fault::unavailable, words_of(e));
  }
  c->id = ++last_id;
  c->pidfd = file(static_cast<int>(::syscall(SYS_pidfd_open, c->pid, 0)));
  c->out = std::move(out->read);
  c->err = std::move(err->read);
  c->timeout = j.spec.timeout;
  c->idle_timeout = j.spec.idle_timeout;
  c->death_signal = j.spec.death_signal;
  c->owner = std::move(j.spec.owner);
  c->kept = std::move(j.spec.kept);
  c->guarded = j.spec.group_dies_with_us;
  if (talks)
    c->talk = std::move(j.in);
  c->started = c->last_output = clock::now();
  const auto tag = c->id << 2;
  const auto watched = c->pidfd && watch(c->pidfd, tag | from_pidfd)
                       && watch(c->out, tag | from_out)
                       && (!c->err || watch(c->err, tag | from_err));
  if (!watched) { // Nobody would see it end: it must not live.
    const auto e = errno;
    ::kill(-c->pid, SIGKILL);
    ::waitpid(c->pid, nullptr, 0);
    return cannot(fault::unavailable, "cannot watch it: " + words_of(e));
  }
  c->done = std::move(j.done);
  auto& kept = *c;
  children.emplace(kept.id, std::move(c));
  arm(kept);
}

void processes::impl::handle(const epoll_event& e) {
  if (e.data.u64 == 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto n = ::read(event.get(), &count, sizeof count);
    return;
  }
  const auto found = children.find(e.data.u64 >> 2);
  if (found == children.end())
    return; // Finished by an earlier event of the same batch.
  auto& c = *found->second;
  switch (e.data.u64 & 3) {
    case from_out:
      read_from(c, c.out, c.output);
      break;
    case from_err:
      read_from(c, c.err, c.errors);
      break;
    default:
      on_exit(c);
  }
  if (c.exited && !c.out && !c.err && !c.group_is_left)
    finish(c);
}

/// One buffer at a time, so that a child that prints without end starves
/// nobody.
void processes::impl::read_from(child& c, file& f, bounded_text& into) {
  if (!f)
    return;
  const auto n = ::read(f.get(), buffer.data(), buffer.size());
  if (n > 0) {
    into.add({buffer.data(), static_cast<std::size_t>(n)});
    c.last_output = clock::now();
  } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
    forget(f);
  }
}

/// The group is killed before its leader is reaped: until then its number
/// cannot belong to anybody else.
void processes::impl::on_exit(child& c) {
  if (c.exited)
    return;
  ::kill(-c.pid, SIGKILL);
  if (c.guarded)
    group_guard.take_off(c.pid);
  while (::waitpid(c.pid, &c.status, 0) < 0 && errno == EINTR) {
  }
  forget(c.pidfd);
  c.talk = file();
  c.exited = true;
  c.ended = clock::now();
  c.drain_until = c.ended + drain_grace;
  c.group_is_left = group_is_at_work(c.pid, false);
  arm(c);
}

void processes::impl::on_timers() {
  const auto now = clock::now();
  while (!timers.empty() && timers.begin()->first <= now) {
    const auto id = timers.begin()->second;
    timers.erase(timers.begin());
    auto& c = *children.at(id);
    c.armed = clock::time_point::max();
    on_timer(c, now);
  }
}

void processes::impl::on_timer(child& c, clock::time_point now) {
  if (c.exited)
    return on_timer_after_exit(c, now);
  if (c.signalled) {
    if (!c.killed && now >= c.kill_at) {
      c.killed = true;
      ::kill(-c.pid, SIGKILL);
    }
  } else if (c.timeout.count() > 0 && now >= c.started + c.timeout) {
    terminate(c, child_result::end::timed_out, c.timeout);
  } else if (c.idle_timeout.count() > 0 && now >= c.last_output + c.idle_timeout) {
    // What it printed while we were busy elsewhere counts as a sign of life.
    const auto before = c.last_output;
    read_from(c, c.out, c.output);
    read_from(c, c.err, c.errors);
    if (c.last_output == before)
      terminate(c, child_result::end::idle, c.idle_timeout);
  }
  arm(c);
}

void processes::impl::on_timer_after_exit(child& c, clock::time_point now) {
  if (c.group_is_left) {
    c.group_is_left =
        now < c.ended + group_grace && group_is_at_work(c.pid, c.next_look >= look_closely_after);
    c.next_look *= 2;
  }
  const auto drained = !c.out && !c.err;
  // Somebody outside the group may hold the output: not ours to wait for.
  if (!c.group_is_left && (drained || now >= c.drain_until))
    return finish(c);
  arm(c);
}

void processes::impl::terminate(child& c, child_result::end how, milliseconds limit) {
  c.how = how;
  c.limit = limit;
  c.signalled = true;
  c.kill_at = clock::now() + term_grace;
  ::kill(-c.pid, SIGTERM);
}

/// Sets the one timer of a child. Output does not move it: it fires, looks,
/// and is set again.
void processes::impl::arm(child& c) {
  auto at = clock::time_point::max();
  if (c.exited) {
    at = c.group_is_left ? clock::now() + c.next_look : c.drain_until;
  } else if (c.signalled) {
    at = c.killed ? at : c.kill_at;
  } else {
    if (c.timeout.count() > 0)
      at = c.started + c.timeout;
    if (c.idle_timeout.count() > 0)
      at = std::min(at, c.last_output + c.idle_timeout);
  }
  if (c.armed != clock::time_point::max())
    timers.erase({c.armed, c.id});
  c.armed = at;
  if (at != clock::time_point::max())
    timers.insert({at, c.id});
}

void processes::impl::finish(child& c) {
  auto r = result_of(c);
  forget(c.out);
  forget(c.err);
  if (c.armed != clock::time_point::max())
    timers.erase({c.armed, c.id});
  const auto done = std::move(c.done);
  children.erase(c.id); // `c` is gone from here on.
  done(std::move(r));
}

processes::processes()
    : impl_(std::make_unique<impl>()) {
  // The watcher takes no signals: they are for the program's own thread.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  impl_->thread = std::thread([i = impl_.get()] { i->loop(); });
  impl_->watcher = impl_->thread.get_id();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

processes::~processes() {
  close();
}

void processes::start(child_spec spec, std::function<void(ledger::result<child_result>)> done) {
  job j;
  if (spec.talk_fd >= 0) {
    j.in = file(::fcntl(spec.talk_fd, F_DUPFD_CLOEXEC, 3));
    if (!j.in)
      return done(fail(fault::unavailable, "start a child: its socket: " + words_of(errno)));
  } else if (!spec.stdin_text.empty()) {
    auto in = file_with(spec.stdin_text);
    if (!in)
      return done(fail(fault::unavailable, "start a child: its input: " + words_of(errno)));
    j.in = std::move(*in);
    spec.stdin_text.clear();
  }
  j.spec = std::move(spec);
  j.done = std::move(done);
  {
    const std::lock_guard lock(impl_->mutex);
    if (!impl_->closing) {
      impl_->queue.push_back(std::move(j));
      impl_->wake();
      return;
    }
  }
  j.done(fail(fault::refused, "start a child: the program is ending", "closing"));
}

ledger::result<child_result> processes::run(child_spec spec) {
  if (std::this_thread::get_id() == impl_->watcher)
    return fail(fault::refused, "run a child: not from the watcher's own thread");
  // Shared: the waiter may be gone before set_value() has returned over there.
  auto promise = std::make_shared<std::promise<ledger::result<child_result>>>();
  auto future = promise->get_future();
  start(std::move(spec),
        [promise](ledger::result<child_result> r) { promise->set_value(std::move(r)); });
  auto r = future.get();
  if (r)
    r->kept.reset(); // Here, where one may block.
  return r;
}

void processes::end(const std::string& owner) {
  if (owner.empty())
    return;
  const std::lock_guard lock(impl_->mutex);
  impl_->unwanted.push_back(owner);
  impl_->wake();
}

bool processes::is_closing() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->closing;
}

void processes::close() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->closing = true;
  }
  impl_->wake();
  if (std::this_thread::get_id() == impl_->watcher)
    return; // From a `done`: the loop ends by itself, the destructor joins.
  const std::lock_guard lock(impl_->join_mutex);
  if (impl_->thread.joinable())
    impl_->thread.join();
}

} // namespace providers
