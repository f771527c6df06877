// dialect_fixture.hpp -- what tests of the dialects say and hear.
//
// A *row* is a response and what it must come to.

#pragma once

#include "providers/dialect.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace tests {

using ledger::json;
using failure_kind = providers::call_failure::kind;

/// Wed, 25 Nov 2026 23:01:00 GMT.
inline constexpr std::int64_t dialect_now_ms = 1'795'647'660'000;

struct row {
  std::string name;
  long status;
  std::string body;
  failure_kind is;
  std::string code;
  bool may_be_billed;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::optional<std::int64_t> wait_ms = std::nullopt;
};

inline providers::http_response response(long status, std::string body,
                                         std::vector<std::pair<std::string, std::string>> h = {}) {
  return {status, std::move(h), std::move(body)};
}

struct dialect_test : ::testing::Test {
  explicit dialect_test(std::string_view kind)
      : speaks(providers::dialect_of(kind)) {}

  std::unique_ptr<const providers::dialect> speaks;
  providers::model_settings model{"https://ai.example", "key-of-the-test", "some-model", 1234};
  const std::vector<providers::tool_spec> offered{
      {"list_files", "Lists.", json::parse(R"({"type":"object","properties":{}})")},
      {"read_file", "Reads.", json::parse(R"({"type":"object"})")}};
  providers::prompt prompt{"Be brief.", {"common part", "own part"}, offered, "cache-key"};

  json body_of(std::span<const providers::turn> turns = {}) const {
    return json::parse(speaks->write(model, prompt, turns).body);
  }
  tl::expected<providers::turn, providers::call_failure> read(long status, std::string body) const {
    return speaks->read(response(status, std::move(body)), dialect_now_ms);
  }
  /// Of a body that must be a turn.
  providers::turn turn_of(const std::string& body) const {
    auto t = read(200, body);
    EXPECT_TRUE(t) << t.error().why;
    return t ? *t : providers::turn{};
  }
  providers::call_failure failure_of(long status, std::string body) const {
    auto t = read(status, std::move(body));
    EXPECT_FALSE(t);
    return t ? providers::call_failure{} : t.error();
  }
  void check(const std::vector<row>& rows) const {
    for (auto& r : rows) {
      SCOPED_TRACE(r.name);
      auto t = speaks->read(response(r.status, r.body, r.headers), dialect_now_ms);
      ASSERT_FALSE(t);
      auto& f = t.error();
      EXPECT_EQ(f.code, r.code) << f.why;
      EXPECT_EQ(static_cast<int>(f.is), static_cast<int>(r.is)) << f.why;
      EXPECT_EQ(f.may_be_billed, r.may_be_billed) << f.why;
      std::optional<std::int64_t> wait;
      if (f.wait)
        wait = f.wait->count();
      EXPECT_EQ(wait, r.wait_ms) << f.why;
      EXPECT_NE(f.why.find("status " + std::to_string(r.status)), std::string::npos) << f.why;
      EXPECT_EQ(f.why.find('\n'), std::string::npos);
      EXPECT_LT(f.why.size(), 1'000U);
      EXPECT_EQ(f.why.back(), '.') << f.why;
    }
  }
};

inline std::string header_of(const providers::http_request& r, std::string_view name) {
  for (auto& [key, value] : r.headers)
    if (key == name)
      return value;
  return "(none)";
}

/// A turn whose calls were answered.
inline providers::turn answered(providers::turn t, std::vector<providers::tool_result> results) {
  t.results = std::move(results);
  return t;
}

} // namespace tests
