#include "cli/screen.hpp"

#include <fmt/format.h>
#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/sinks/base_sink.h>

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <ostream>
#include <thread>

namespace cli {

namespace {

/// Back to the first column, and clear to the end (ECMA-48, EL).
constexpr std::string_view clear_line = "\r\x1b[K";
constexpr auto live_period = std::chrono::seconds(1);

/// What the writing thread does: text as it is, and the live line below it.
class stream_sink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
  stream_sink(std::ostream& to, bool is_terminal)
      : to_(to)
      , is_terminal_(is_terminal) {}

  void live(std::function<std::string()> text) {
    const std::lock_guard lock(mutex_);
    live_ = std::move(text);
  }

  bool has_live() {
    const std::lock_guard lock(mutex_);
    return live_ != nullptr;
  }

  /// Lines and flushes that were worked off.
  std::uint64_t done() {
    const std::lock_guard lock(mutex_);
    return done_;
  }

  /// Waits for the next one, or until `patience` is over.
  bool wait_for_more_than(std::uint64_t done, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    return progressed_.wait_for(lock, patience, [&] { return done_ > done; });
  }

  bool is_flushed() {
    const std::lock_guard lock(mutex_);
    return flushed_;
  }

protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    std::function<std::string()> live;
    {
      const std::lock_guard lock(mutex_);
      live = live_;
    }
    if (is_terminal_)
      to_ << clear_line;
    to_ << std::string_view(message.payload.data(), message.payload.size());
    if (is_terminal_ && live)
      to_ << live();
    to_ << std::flush;
    progress(false);
  }

  void flush_() override { progress(true); }

private:
  void progress(bool flushed) {
    const std::lock_guard lock(mutex_);
    ++done_;
    flushed_ = flushed_ || flushed;
    progressed_.notify_all();
  }

  std::ostream& to_;
  const bool is_terminal_;
  std::mutex mutex_; ///< Of what follows; never held while writing.
  std::condition_variable progressed_;
  std::function<std::string()> live_;
  std::uint64_t done_ = 0;
  bool flushed_ = false;
};

} // namespace

struct screen::impl {
  impl(std::ostream& to, bool terminal)
      : is_terminal(terminal)
      , sink(std::make_shared<stream_sink>(to, terminal))
      , pool(std::make_shared<spdlog::details::thread_pool>(lines_max, 1))
      , log(std::make_shared<spdlog::async_logger>("screen", sink, pool,
                                                   spdlog::async_overflow_policy::overrun_oldest)) {
    log->set_error_handler([](const std::string&) {});
  }

  ~impl() { end_beat(); }

  void print(const std::string& text) {
    log->log(spdlog::level::info, spdlog::string_view_t(text.data(), text.size()));
  }

  /// Draws the live line once a second, so that a long check is seen to go on.
  void beat() {
    std::unique_lock lock(mutex);
    while (!wake.wait_for(lock, live_period, [&] { return over; }))
      if (sink->has_live())
        print({});
  }

  void end_beat() {
    {
      const std::lock_guard lock(mutex);
      over = true;
    }
    wake.notify_all();
    if (heart.joinable())
      heart.join();
  }

  const bool is_terminal;
  std::shared_ptr<stream_sink> sink;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> log;
  std::mutex mutex;
  std::condition_variable wake;
  bool over = false;
  std::thread heart;
};

screen::screen(std::ostream& to, bool is_terminal)
    : impl_(std::make_unique<impl>(to, is_terminal)) {}

screen::~screen() = default;

void screen::line(const std::string& text) {
  impl_->print(text);
}

void screen::live(std::function<std::string()> text) {
  if (!impl_->is_terminal)
    return;
  impl_->sink->live(std::move(text));
  impl_->print({});
  if (!impl_->heart.joinable())
    impl_->heart = std::thread([i = impl_.get()] { i->beat(); });
}

bool screen::finish(std::chrono::milliseconds patience) {
  impl_->end_beat();
  impl_->sink->live(nullptr);
  if (impl_->is_terminal)
    impl_->print({}); // Clears the live line.
  if (auto dropped = impl_->pool->overrun_counter(); dropped != 0)
    impl_->print(fmt::format("scheduler: {} lines of progress were left out here, because nobody "
                             "read them in time; the log in the ledger has all\n",
                             dropped));
  impl_->log->flush();
  for (auto done = impl_->sink->done(); !impl_->sink->is_flushed(); done = impl_->sink->done())
    if (!impl_->sink->wait_for_more_than(done, patience))
      return impl_->sink->is_flushed();
  return true;
}

} // namespace cli
