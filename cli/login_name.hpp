// login_name.hpp -- what a user is called.

#pragma once

#include <string>

#include <sys/types.h>

namespace cli {

/// The login name of `uid`; empty: it has none here.
std::string login_name(uid_t uid);

} // namespace cli
