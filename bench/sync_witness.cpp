#include "bench/sync_witness.hpp"

#include "bench/report.hpp"

#include <sqlite3.h>

#include <iterator>
#include <utility>

namespace bench {

namespace {

constexpr std::string_view prev_key = R"("prev":")";
constexpr std::string_view sig_key = R"("sig":")";

const std::string& mark_of(const ledger::record& r) {
  return r.sig.empty() ? r.prev : r.sig;
}

// The texts behind a key, as far as a quotation mark.
void find_marks(std::string_view bytes, std::string_view key, std::vector<std::string>& out) {
  for (auto at = bytes.find(key); at != std::string_view::npos; at = bytes.find(key, at)) {
    at += key.size();
    if (auto end = bytes.find('"', at); end != std::string_view::npos)
      out.emplace_back(bytes.substr(at, end - at));
  }
}

} // namespace

void sync_witness::wrote(std::string_view bytes) {
  std::lock_guard guard(mutex_);
  find_marks(bytes, prev_key, written_);
  find_marks(bytes, sig_key, written_);
}

void sync_witness::synced(bool well) {
  std::lock_guard guard(mutex_);
  if (!well)
    return;
  ++syncs_;
  covered_.insert(std::make_move_iterator(written_.begin()),
                  std::make_move_iterator(written_.end()));
  written_.clear();
}

bool sync_witness::covered(const ledger::record& r) {
  std::lock_guard guard(mutex_);
  return covered_.erase(mark_of(r)) != 0;
}

std::uint64_t sync_witness::syncs() {
  std::lock_guard guard(mutex_);
  return syncs_;
}

// -- between SQLite and the system --------------------------------------------

namespace {

sync_witness the_witness;

/// A log: what SQLite believes to be its file, in front of the system's own.
struct watched_file {
  sqlite3_file base;
  sqlite3_file* real() noexcept { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

sqlite3_file* real_of(sqlite3_file* f) noexcept {
  return reinterpret_cast<watched_file*>(f)->real();
}

// Hands a call on to the system's file.
template <auto Method, class... Args>
int pass_on(sqlite3_file* f, Args... args) {
  auto* real = real_of(f);
  return (real->pMethods->*Method)(real, args...);
}

int write_log(sqlite3_file* f, const void* bytes, int n, sqlite3_int64 at) {
  auto* real = real_of(f);
  int code = real->pMethods->xWrite(real, bytes, n, at);
  if (code == SQLITE_OK)
    the_witness.wrote({static_cast<const char*>(bytes), static_cast<std::size_t>(n)});
  return code;
}

int sync_log(sqlite3_file* f, int flags) {
  auto* real = real_of(f);
  int code = real->pMethods->xSync(real, flags);
  the_witness.synced(code == SQLITE_OK);
  return code;
}

using methods = sqlite3_io_methods;

// Without shared memory and mapping: SQLite asks that of the database only.
const methods log_methods = {
    1,
    pass_on<&methods::xClose>,
    pass_on<&methods::xRead, void*, int, sqlite3_int64>,
    write_log,
    pass_on<&methods::xTruncate, sqlite3_int64>,
    sync_log,
    pass_on<&methods::xFileSize, sqlite3_int64*>,
    pass_on<&methods::xLock, int>,
    pass_on<&methods::xUnlock, int>,
    pass_on<&methods::xCheckReservedLock, int*>,
    pass_on<&methods::xFileControl, int, void*>,
    pass_on<&methods::xSectorSize>,
    pass_on<&methods::xDeviceCharacteristics>,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
};

sqlite3_vfs* system_vfs = nullptr;

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* out_flags) {
  if ((flags & SQLITE_OPEN_WAL) == 0)
    return system_vfs->xOpen(system_vfs, name, f, flags, out_flags);
  auto* watched = reinterpret_cast<watched_file*>(f);
  int code = system_vfs->xOpen(system_vfs, name, watched->real(), flags, out_flags);
  // Without methods SQLite does not close it.
  watched->base.pMethods = watched->real()->pMethods ? &log_methods : nullptr;
  return code;
}

} // namespace

sync_witness& call_witness() {
  static sqlite3_vfs watching;
  system_vfs = sqlite3_vfs_find(nullptr);
  if (!system_vfs)
    give_up("SQLite knows no file system");
  watching = *system_vfs;
  watching.zName = "witness";
  watching.szOsFile += static_cast<int>(sizeof(watched_file));
  watching.xOpen = open_file;
  if (sqlite3_vfs_register(&watching, 1) != SQLITE_OK)
    give_up("SQLite takes no witness");
  return the_witness;
}

} // namespace bench
