#include "cli/login_name.hpp"

#include <array>

#include <pwd.h>

namespace cli {

std::string login_name(uid_t uid) {
  std::array<char, 16 * 1024> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || !found)
    return {};
  return found->pw_name;
}

} // namespace cli
