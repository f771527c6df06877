#include "providers/process_group.hpp"

#include "ledger/disk/files.hpp"

#include <cctype>
#include <csignal>
#include <filesystem>
#include <sstream>
#include <string>
#include <system_error>

namespace providers {

namespace {

namespace fs = std::filesystem;

/// The line of proc(5): number (name) state parent group ... A name may hold anything.
bool is_at_work_in(pid_t group, const std::string& line) {
  const auto name_end = line.rfind(')');
  std::istringstream rest(name_end == std::string::npos ? "" : line.substr(name_end + 1));
  char state = 'X';
  pid_t parent = 0, its_group = 0;
  return rest >> state >> parent >> its_group && its_group == group && state != 'Z' && state != 'X';
}

} // namespace

bool group_is_at_work(pid_t group, bool closely) {
  if (::kill(-group, 0) != 0)
    return false; // Nobody is there, or nobody that we could end.
  if (!closely)
    return true;
  std::error_code e;
  fs::directory_iterator at("/proc", e);
  if (e)
    return false; // There is no way to know, and one that is only remembered stays.
  for (const fs::directory_iterator end; !e && at != end; at.increment(e)) {
    const auto name = at->path().filename().string();
    if (std::isdigit(static_cast<unsigned char>(name.front())) == 0)
      continue;
    // One may end while we look: then there is nothing to read, or reading fails.
    const auto line = ledger::disk::read_file(at->path() / "stat");
    if (line && is_at_work_in(group, *line))
      return true;
  }
  return static_cast<bool>(e); // Not all were seen: then nobody says that it is gone.
}

} // namespace providers
