// client.hpp -- good requests to the fake server, and their answers.
//
// For the server's own tests: written down here once more, by hand, so that an
// error of a dialect of ours cannot hide behind the same error of the server.

#pragma once

#include "ledger/detail.hpp"
#include "tests/support/fake_ai.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace fake_ai_tests {

using ledger::json;

struct response {
  int status = 0;
  std::string head, body;
  /// The value of a header; empty: none.
  std::string header(std::string_view name) const {
    auto at = head.find(fmt::format("\r\n{}: ", name));
    if (at == head.npos)
      return {};
    at += name.size() + 4;
    return head.substr(at, head.find('\r', at) - at);
  }
  json value() const { return json::parse(body, nullptr, false); }
};

inline response response_of(const std::string& bytes) {
  response r;
  auto end = bytes.find("\r\n\r\n");
  if (end == bytes.npos || bytes.size() < 12)
    return r;
  r.status = std::atoi(bytes.c_str() + 9);
  r.head = bytes.substr(0, end + 2);
  r.body = bytes.substr(end + 4);
  return r;
}

/// A vendor's way of asking.
struct dialect {
  std::string name, path;
  std::vector<std::string> headers; ///< With the key.
  std::string key_header;           ///< "x-api-key: "
};

inline const std::vector<dialect>& dialects() {
  static const std::vector<dialect> all{
      {"anthropic",
       "/v1/messages",
       {"x-api-key: k", "anthropic-version: 2023-06-01"},
       "x-api-key: "},
      {"openai", "/v1/responses", {"authorization: Bearer k"}, "authorization: Bearer "},
      {"openai-chat",
       "/v1/chat/completions",
       {"authorization: Bearer k"},
       "authorization: Bearer "},
      {"gemini", "/v1beta/models/m:generateContent", {"x-goog-api-key: k"}, "x-goog-api-key: "},
  };
  return all;
}

inline const dialect& dialect_named(std::string_view name) {
  for (auto& d : dialects())
    if (d.name == name)
      return d;
  return dialects().front();
}

inline json read_file_schema() {
  return json::parse(R"({"type":"object","properties":{"path":{"type":"string"}},
                         "required":["path"],"additionalProperties":false})");
}

/// A request with one text of the user's and the tool read_file.
inline json first_body(const std::string& vendor, const std::string& text) {
  json b, tool;
  auto schema = read_file_schema();
  if (vendor == "anthropic") {
    tool = {{"name", "read_file"}, {"description", "d"}};
    tool["input_schema"] = schema;
    b = {{"model", "m"}, {"max_tokens", 100}};
    b["messages"] = json::array({json{{"role", "user"}, {"content", text}}});
  } else if (vendor == "openai") {
    tool = {{"type", "function"}, {"name", "read_file"}, {"strict", true}};
    tool["parameters"] = schema;
    b = {{"model", "m"}, {"store", false}};
    json part = {{"type", "input_text"}, {"text", text}};
    json item = {{"role", "user"}};
    item["content"] = json::array({part});
    b["input"] = json::array({item});
  } else if (vendor == "openai-chat") {
    tool = {{"type", "function"}};
    tool["function"] = {{"name", "read_file"}};
    tool["function"]["parameters"] = schema;
    b["model"] = "m";
    b["messages"] = json::array({json{{"role", "user"}, {"content", text}}});
  } else {
    json f = {{"name", "read_file"}, {"description", "d"}};
    f["parametersJsonSchema"] = schema;
    tool["functionDeclarations"] = json::array({f});
    json part;
    part["text"] = text;
    json content = {{"role", "user"}};
    content["parts"] = json::array({part});
    b["contents"] = json::array({content});
  }
  b["tools"] = json::array({tool});
  return b;
}

inline std::string about(const std::string& task, const std::string& step) {
  return fmt::format("Do it.\n\nTask: {}\nStep: {}\n", task, step);
}

inline std::string bytes_of(const dialect& d, const std::string& body, bool close = true) {
  auto out = fmt::format("POST {} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
                         "content-length: {}\r\n",
                         d.path, body.size());
  for (auto& h : d.headers)
    out += h + "\r\n";
  return out + (close ? "connection: close\r\n\r\n" : "\r\n") + body;
}

inline response post(const tests::fake_ai& server, const dialect& d, const json& body) {
  return response_of(tests::raw_exchange(server.port(), bytes_of(d, body.dump())));
}

/// What the model said, and what it called: [{id, name, arguments}].
struct said {
  std::string text, stop;
  std::vector<json> calls;
};

said said_in(const std::string& vendor, const json& answer);

/// `body` with the model's answer, and `result` to each of its calls.
json next_body(const std::string& vendor, json body, const json& answer, const std::string& result);

} // namespace fake_ai_tests
