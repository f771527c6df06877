#include "bench/limit.hpp"

#include "bench/cases.hpp"
#include "bench/instant_world.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bench {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t tasks_of_a_batch = 256;
constexpr std::uint64_t log_bytes_max = 256UL * 1024 * 1024;

void must(bool done, std::string_view what) {
  if (!done)
    give_up(fmt::format("limit: {}: {}", what, std::strerror(errno)));
}

void write_all(int fd, const std::string& bytes, std::uint64_t size) {
  for (std::uint64_t done = 0; done < size;) {
    auto n = ::write(fd, bytes.data(), std::min<std::uint64_t>(size - done, bytes.size()));
    must(n > 0, "write");
    done += static_cast<std::uint64_t>(n);
  }
}

/// Tasks as folders of files.
class folder_yardstick {
public:
  folder_yardstick(const written_task& task, const fs::path& root, bool syncs)
      : task_(task)
      , syncs_(syncs) {
    fs::create_directories(root / "tmp");
    root_ = ::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(root_ >= 0, "open the folder");
  }
  ~folder_yardstick() { ::close(root_); }

  void batch(std::uint64_t first, std::uint64_t end) {
    for (auto t = first; t < end; ++t)
      make_folders(name_of(t));
    for (auto& w : task_.writes) {
      for (auto t = first; t < end; ++t)
        write_at_once(name_of(t), w);
      if (syncs_)
        must(::syncfs(root_) == 0, "syncfs");
    }
  }

private:
  static std::string name_of(std::uint64_t t) { return fmt::format("T{:06}", t); }

  void make_folders(const std::string& name) const {
    must(::mkdirat(root_, name.c_str(), 0777) == 0, "mkdir");
    for (auto& f : task_.folders)
      must(::mkdirat(root_, (name + "/" + f).c_str(), 0777) == 0, "mkdir");
  }

  void write_at_once(const std::string& name, const written_at_once& w) {
    for (auto& f : w.files) {
      auto temporary = fmt::format("tmp/{}", temporaries_++);
      auto fd = ::openat(root_, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      must(fd >= 0, "make a file");
      write_all(fd, bytes_, f.bytes);
      ::close(fd);
      must(::renameat(root_, temporary.c_str(), root_, (name + "/" + f.path).c_str()) == 0,
           "rename");
    }
    auto journal = name + "/journal.jsonl";
    auto fd = ::openat(root_, journal.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    must(fd >= 0, "open a journal");
    write_all(fd, bytes_, w.line_bytes);
    ::close(fd);
  }

  const written_task& task_;
  bool syncs_;
  int root_ = -1;
  std::uint64_t temporaries_ = 0;
  const std::string bytes_ = std::string(64UL * 1024, 'x');
};

/// Tasks as bytes of one log, which is not grown while it is written: whoever
/// wants no files has this. It begins again at its start when it is full.
class log_yardstick {
public:
  log_yardstick(const written_task& task, const fs::path& folder)
      : task_(task) {
    fs::create_directories(folder);
    log_ = ::open((folder / "log").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    must(log_ >= 0, "make the log");
    for (std::uint64_t at = 0; at < log_bytes_max; at += bytes_.size())
      write_all(log_, bytes_, bytes_.size());
    must(::fsync(log_) == 0 && ::lseek(log_, 0, SEEK_SET) == 0, "prepare the log");
  }
  ~log_yardstick() { ::close(log_); }

  void batch(std::uint64_t first, std::uint64_t end) {
    for (auto& w : task_.writes) {
      std::uint64_t bytes = w.line_bytes;
      for (auto& f : w.files)
        bytes += f.bytes;
      for (auto t = first; t < end; ++t)
        write_all(log_, bytes_, bytes);
      must(::fdatasync(log_) == 0, "fdatasync");
    }
    if (::lseek(log_, 0, SEEK_CUR) > static_cast<off_t>(log_bytes_max / 2))
      must(::lseek(log_, 0, SEEK_SET) == 0, "begin the log again");
  }

private:
  const written_task& task_;
  int log_ = -1;
  const std::string bytes_ = std::string(64UL * 1024, 'x');
};

/// What a task of `durable` leaves.
written_task learn(const fs::path& folder) {
  fs::create_directories(folder);
  auto& world = *new instant_world{folder}; // Left to the end of the process, as its actors are.
  world.drive(1);
  return read_written_task(folder / "ledger", "T000000");
}

template <class Yardstick>
figures measure_with(const char* name, Yardstick& y, const written_task& task,
                     std::uint64_t tasks) {
  auto f = measure(name, tasks, [&] {
    for (std::uint64_t t = 0; t < tasks; t += tasks_of_a_batch)
      y.batch(t, std::min(tasks, t + tasks_of_a_batch));
    return tasks * answers_per_task;
  });
  f.further = {{"files_per_task", static_cast<double>(task.files)},
               {"kib_per_task", static_cast<double>(task.bytes) / 1024}};
  return f;
}

std::uint64_t tasks_of(const wishes& w) {
  return w.tasks != 0 ? w.tasks : durable_tasks;
}

} // namespace

written_task read_written_task(const fs::path& root, const std::string& task) {
  written_task out;
  auto folder = root / task;
  for (auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_directory())
      out.folders.push_back(entry.path().lexically_relative(folder).string());
  std::sort(out.folders.begin(), out.folders.end());
  std::ifstream journal{folder / "journal.jsonl"};
  written_at_once w;
  for (std::string line; std::getline(journal, line);) {
    w.line_bytes += line.size() + 1;
    auto record = nlohmann::json::parse(line);
    for (auto& f : record.at("files"))
      w.files.push_back({f.at("path"), f.at("bytes")});
    if (!w.files.empty())
      out.writes.push_back(std::exchange(w, {}));
  }
  if (out.writes.empty())
    give_up("limit: the task that was to be learnt from has no files");
  out.writes.back().line_bytes += w.line_bytes;
  out.files = 1;
  for (auto& at_once : out.writes) {
    out.files += at_once.files.size();
    out.bytes += at_once.line_bytes;
    for (auto& f : at_once.files)
      out.bytes += f.bytes;
  }
  return out;
}

figures measure_limit(const fs::path& folder, const wishes& w) {
  auto task = learn(folder / "learnt");
  folder_yardstick y{task, folder / "tasks", false};
  return measure_with("limit", y, task, tasks_of(w));
}

figures measure_limit_sync(const fs::path& folder, const wishes& w) {
  auto task = learn(folder / "learnt");
  folder_yardstick y{task, folder / "tasks", true};
  return measure_with("limit-sync", y, task, tasks_of(w));
}

figures measure_limit_log(const fs::path& folder, const wishes& w) {
  auto task = learn(folder / "learnt");
  log_yardstick y{task, folder / "log"};
  return measure_with("limit-log", y, task, tasks_of(w));
}

} // namespace bench
