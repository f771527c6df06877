#include "tests/support/scripted_provider.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <unistd.h>

namespace tests {
namespace {

namespace fs = std::filesystem;
using providers::answer;
using providers::answer_callback;
using providers::request;

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

fs::path script_for(const fs::path& folder, const request& r) {
  auto step = std::string{to_string(r.at)};
  for (auto& where : {folder / r.task, folder / "default"})
    for (auto& name : {fmt::format("{}.{}.{}", step, r.round, r.attempt),
                       fmt::format("{}.{}", step, r.round), step})
      if (auto stem = where / name; fs::is_regular_file(stem.string() + ".md"))
        return stem;
  return {};
}

// Copies what stands beside a script into the worktree and runs its commands.
void act(const fs::path& stem, const request& r, providers::processes& children) {
  if (r.worktree.empty())
    return;
  if (auto files = fs::path{stem.string() + ".files"}; fs::is_directory(files))
    fs::copy(files, r.worktree, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  std::istringstream doomed{content_of(stem.string() + ".delete")};
  for (std::string path; std::getline(doomed, path);)
    if (!path.empty())
      fs::remove_all(fs::path{r.worktree} / path);
  auto commands = stem.string() + ".sh";
  if (!fs::is_regular_file(commands))
    return;
  providers::child_spec spec;
  spec.argv = {"sh", fs::absolute(commands).string()};
  spec.directory = r.worktree;
  auto* path = std::getenv("PATH");
  spec.env = {{"PATH", path ? path : "/usr/bin:/bin"}, {"HOME", r.worktree}};
  (void)children.run(std::move(spec));
}

std::string rest_of(std::istringstream& words) {
  std::string rest;
  std::getline(words >> std::ws, rest);
  return rest;
}

class scripted_provider final : public providers::provider {
public:
  scripted_provider(const providers::provider_context& c, fs::path folder, std::string calls)
      : context_(c)
      , folder_(std::move(folder))
      , calls_(std::move(calls)) {}

  providers::identity who() const override { return {"scripted", "none", "1"}; }

  void ask(std::shared_ptr<const request> r, answer_callback done) override {
    log(*r);
    auto stem = script_for(folder_, *r);
    if (stem.empty()) {
      done(ledger::fail(ledger::fault::refused,
                        fmt::format("scripted: {} has no script for {} of {}, round {}, attempt {}",
                                    folder_.string(), to_string(r->at), r->task, r->round,
                                    r->attempt),
                        "no-script"));
      return;
    }
    auto text = content_of(stem.string() + ".md");
    if (!text.empty() && text.front() == '!') {
      auto end = text.find('\n');
      std::istringstream words{text.substr(1, end - 1)};
      text.erase(0, end == std::string::npos ? text.size() : end + 1);
      std::string verb;
      words >> verb;
      if (verb != "usd")
        return misbehave(verb, words, std::move(done));
      double usd = 0;
      words >> usd;
      return answer_with(std::move(r), stem, std::move(text), usd, std::move(done));
    }
    answer_with(std::move(r), stem, std::move(text), 0, std::move(done));
  }

private:
  void log(const request& r) const {
    if (calls_.empty())
      return;
    auto line = fmt::format("{} {} {} {} {}\n", r.task, to_string(r.at), r.round, r.attempt,
                            providers::input_digest(r));
    int fd = ::open(calls_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    // One write: lines of many threads and processes never mix.
    auto written = fd < 0 ? -1 : ::write(fd, line.data(), line.size());
    if (fd >= 0)
      ::close(fd);
    if (written != static_cast<ssize_t>(line.size()))
      throw std::runtime_error("scripted: cannot log a call to " + calls_);
  }

  void misbehave(const std::string& verb, std::istringstream& words, answer_callback done) {
    if (verb == "throw")
      throw std::runtime_error("scripted: thrown as the script says");
    if (verb == "exit") {
      int code = 137;
      words >> code;
      ::_exit(code);
    }
    if (verb == "hang") {
      std::lock_guard lock{mutex_};
      hanging_.push_back(std::move(done));
      return;
    }
    std::string kind, code;
    words >> kind;
    bool refused = kind == "refused";
    if (refused)
      words >> code;
    if (verb != "fail" || (!refused && kind != "unavailable"))
      throw std::runtime_error("scripted: unknown directive !" + verb + " " + kind);
    done(ledger::fail(refused ? ledger::fault::refused : ledger::fault::unavailable, rest_of(words),
                      code));
  }

  void answer_with(std::shared_ptr<const request> r, const fs::path& stem, std::string text,
                   double usd, answer_callback done) {
    for (auto& [from, to] : {std::pair<std::string, std::string>{"{{task}}", r->task},
                             {"{{round}}", std::to_string(r->round)},
                             {"{{attempt}}", std::to_string(r->attempt)},
                             {"{{base_tree}}", r->base_tree},
                             {"{{tree}}", r->tree}})
      text = replaced(std::move(text), from, to);
    context_.blocking.run([&children = context_.children, r = std::move(r), stem,
                           text = std::move(text), usd, done = std::move(done)] {
      try {
        act(stem, *r, children);
      } catch (const std::exception& e) {
        done(ledger::fail(ledger::fault::unavailable, e.what()));
        return;
      }
      done(answer{text, usd, ledger::json::object()});
    });
  }

  providers::provider_context context_;
  fs::path folder_;
  std::string calls_;
  std::mutex mutex_;
  std::vector<answer_callback> hanging_;
};

} // namespace

ledger::result<std::unique_ptr<providers::provider>>
make_scripted(const providers::provider_context& c, const std::string& name,
              const ledger::provider_config& config) {
  std::string folder, calls;
  for (auto& [key, value] : config.options) {
    if (key == "folder")
      folder = value;
    else if (key == "calls")
      calls = value;
    else
      return ledger::fail(ledger::fault::refused,
                          fmt::format("[providers.{}]: unknown key \"{}\"", name, key));
  }
  if (!fs::is_directory(folder))
    return ledger::fail(ledger::fault::refused,
                        fmt::format("[providers.{}]: folder \"{}\" is no folder", name, folder));
  return std::make_unique<scripted_provider>(c, folder, calls);
}

providers::registry providers_with_scripted() {
  auto all = providers::builtin_providers();
  all.emplace("scripted", make_scripted);
  return all;
}

} // namespace tests
