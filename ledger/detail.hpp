// detail.hpp -- reading a record's detail without surprises.
//
// A value that is absent or of another type reads as empty, zero or false:
// nothing throws, and whoever needs the value checks for that.

#pragma once

#include "ledger/digest.hpp"
#include "ledger/record.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace ledger {

inline std::string text_at(const json& d, const char* key) {
  auto it = d.find(key);
  return it != d.end() && it->is_string() ? it->get<std::string>() : std::string{};
}

inline std::int64_t number_at(const json& d, const char* key) {
  auto it = d.find(key);
  return it != d.end() && it->is_number_integer() ? it->get<std::int64_t>() : 0;
}

inline double real_at(const json& d, const char* key) {
  auto it = d.find(key);
  return it != d.end() && it->is_number() ? it->get<double>() : 0.0;
}

inline bool flag_at(const json& d, const char* key) {
  auto it = d.find(key);
  return it != d.end() && it->is_boolean() && it->get<bool>();
}

inline std::vector<std::string> texts_at(const json& d, const char* key) {
  std::vector<std::string> all;
  if (auto it = d.find(key); it != d.end() && it->is_array())
    for (auto& x : *it)
      if (x.is_string())
        all.push_back(x.get<std::string>());
  return all;
}

} // namespace ledger
