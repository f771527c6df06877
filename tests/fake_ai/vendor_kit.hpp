// vendor_kit.hpp -- what the vendors' files share.
//
//   1. Nothing here throws, whatever a request holds.
//
// Private to tests/fake_ai. Pure.

#pragma once

#include "ledger/detail.hpp"
#include "tests/fake_ai/vendor.hpp"

#include <initializer_list>
#include <string>
#include <string_view>

namespace fake_ai {

using refused = tl::unexpected<refusal>;

/// A refusal with status 400.
refused bad(std::string message, std::string word = {});

/// The value at `key`, or null.
const json& at(const json& object, const char* key);

/// The first key of `object` that `known` does not hold; empty: none.
std::string unknown_key(const json& object, std::initializer_list<std::string_view> known);

/// 64 hex digits that belong to an issued id.
std::string sign(std::string_view id);

/// Adds the text of a content: a string, or parts whose `type` is `type`.
void add_texts(const json& content, std::string_view type, std::vector<std::string>& out);

/// The stop word of a reply; never empty.
std::string stop_of(const reply& r);

/// Arguments as text; what is cut if the reply says "malformed".
std::string arguments_text(const reply& r, const wanted_call& c);

/// "6m0s", "1.2s", "12ms"
std::string short_duration(double s);
/// "2026-01-31T12:00:05Z"
std::string rfc3339(std::int64_t unix_ms);

/// An event of a stream.
std::string event(const json& data, std::string_view name = {});

} // namespace fake_ai
