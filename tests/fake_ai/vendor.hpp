// vendor.hpp -- one vendor's wire protocol, seen from the server's side.
//
// A *vendor* checks a request as the service would and reads it, and writes
// replies and refusals in the service's shapes. An *issued* id is one that this
// server gave to a call: it says by itself which signature belongs to it, so
// that a restarted server still knows.
//
//   1. A request that the service would refuse is refused, with the service's
//      status and shape.
//   2. What was issued must come back verbatim.
//
// Pure. Sources: the vendors' API references.

#pragma once

#include "tests/fake_ai/speech.hpp"
#include "tests/fake_server/limiter.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace fake_ai {

using fake_server::limit_state;

struct limits_state {
  limit_state requests, tokens;
};

class vendor {
public:
  virtual ~vendor() = default;
  virtual std::string_view name() const = 0;
  /// Whether the key is missing or wrong, as the service says it.
  virtual std::optional<refusal> why_no_entry(const http_question& q) const = 0;
  virtual tl::expected<question, refusal> read(const http_question& q, const json& body,
                                               bool thinks) const = 0;
  /// The body of an answer; `serial` makes its ids.
  virtual json write(const question& q, const reply& r, std::uint64_t serial) const = 0;
  virtual json write(const refusal& r, std::uint64_t serial) const = 0;
  /// An answer's body as a stream of server-sent events.
  virtual std::string stream(const json& body) const = 0;
  /// Headers on every answer, and further ones on a refusal.
  virtual header_list limit_headers(const limits_state& s, std::int64_t unix_ms) const = 0;
  virtual header_list refusal_headers(const refusal& r) const = 0;
  /// Stops that the service tells as a refusal.
  virtual std::optional<refusal> refusal_of(const std::string& stop) const = 0;
};

/// Who answers at a path ("/v1/messages"), or null.
const vendor* vendor_at(std::string_view path);
const std::vector<const vendor*>& all_vendors();

const vendor& anthropic();
const vendor& openai();
const vendor& openai_chat();
const vendor& gemini();

} // namespace fake_ai
