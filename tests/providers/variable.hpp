// variable.hpp -- an environment variable for as long as a test needs it.

#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

namespace test {

class variable {
public:
  variable(std::string name, const std::string& value)
      : name_(std::move(name)) {
    if (const char* now = std::getenv(name_.c_str()))
      before_ = now;
    ::setenv(name_.c_str(), value.c_str(), 1);
  }
  variable(const variable&) = delete;
  variable& operator=(const variable&) = delete;
  ~variable() {
    if (before_)
      ::setenv(name_.c_str(), before_->c_str(), 1);
    else
      ::unsetenv(name_.c_str());
  }

private:
  std::string name_;
  std::optional<std::string> before_;
};

} // namespace test
