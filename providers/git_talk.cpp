#include "providers/git_talk.hpp"

#include <fmt/format.h>

#include <atomic>
#include <charconv>
#include <cstdint>
#include <random>
#include <system_error>
#include <utility>

namespace providers {

namespace {

namespace fs = std::filesystem;
using progress = talker::progress;

constexpr std::size_t kept_of_a_kind = 4;
constexpr std::uint64_t questions_max = 2000;
/// As for every git.
constexpr auto timeout = std::chrono::minutes(30);

/// How many bytes the answer about one object takes, from its first line on;
/// npos: that is not here yet, or (0) no such line.
std::size_t bytes_of_one(std::string_view text, bool with_contents) {
  const auto end = text.find('\n');
  if (end == text.npos)
    return end;
  const auto line = text.substr(0, end);
  const auto blank = line.rfind(' ');
  if (blank == line.npos)
    return 0;
  const auto word = line.substr(blank + 1);
  if (word == "missing")
    return end + 1;
  std::size_t bytes = 0;
  const auto read = std::from_chars(word.data(), word.data() + word.size(), bytes);
  if (read.ec != std::errc() || read.ptr != word.data() + word.size())
    return 0;
  return end + 1 + (with_contents ? bytes + 1 : 0);
}

/// Another one each time, none of which anybody knows who is not told.
std::string unguessable() {
  static const auto secret = [] {
    std::random_device random;
    return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
  }();
  static std::atomic<std::uint64_t> last = 0;
  return fmt::format("{}-{}", secret, ++last);
}

} // namespace

git_talk::stamp git_talk::packs_in(const fs::path& objects) {
  std::error_code e;
  const auto time = fs::last_write_time(objects / "pack", e);
  return e ? stamp::min() : time;
}

std::optional<std::string> git_talk::ask(kind k, const fs::path& objects, std::string_view question,
                                         const talker::judge& how_far, const starter& start) {
  auto& free = free_[static_cast<std::size_t>(k)];
  known asked{nullptr, packs_in(objects)};
  std::vector<known> outdated; // They end without the lock.
  {
    const std::lock_guard lock(mutex_);
    while (!free.empty() && !asked.it) {
      auto& last = free.back();
      (last.packs == asked.packs ? asked.it : outdated.emplace_back().it) = std::move(last.it);
      free.pop_back();
    }
  }
  if (!asked.it) {
    auto started = start();
    if (!started)
      return std::nullopt;
    asked.it = std::move(*started);
  }
  auto answer = asked.it->ask(question, how_far, timeout);
  if (!answer)
    return std::nullopt;
  if (asked.it->asked() < questions_max) {
    const std::lock_guard lock(mutex_);
    if (free.size() < kept_of_a_kind)
      free.push_back(std::move(asked));
  }
  return std::move(*answer);
}

talker::judge batch_of(std::size_t count, bool with_contents) {
  return [left = count, at = std::size_t{0}, with_contents](std::string_view said) mutable {
    while (left > 0) {
      if (at >= said.size())
        return progress::more;
      const auto bytes = bytes_of_one(said.substr(at), with_contents);
      if (bytes == 0)
        return progress::wrong;
      if (bytes == said.npos || at + bytes > said.size())
        return progress::more;
      at += bytes;
      --left;
    }
    return at == said.size() ? progress::whole : progress::wrong;
  };
}

tree_question::tree_question(std::string_view from, std::string_view to)
    : head(fmt::format("{} {}\n", from, to))
    , end(fmt::format("that was all {}\n", unguessable())) {}

talker::judge tree_question::how_far() const {
  return [this](std::string_view said) {
    if (said.substr(0, head.size()) != std::string_view(head).substr(0, said.size()))
      return progress::wrong;
    const auto ends =
        said.size() >= head.size() + end.size() && said.substr(said.size() - end.size()) == end;
    return ends ? progress::whole : progress::more;
  };
}

std::string tree_question::answer_in(std::string said) const {
  said.resize(said.size() - end.size());
  said.erase(0, head.size());
  return said;
}

} // namespace providers
