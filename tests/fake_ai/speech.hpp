// speech.hpp -- what the fake server is asked and answers, free of any vendor.
//
// A *question* is a request as a vendor's file read it; a *reply* is what a
// script or a persona wants to be answered. A *refusal* is what a vendor says
// instead: status, the vendor's own word, a sentence. A *conversation* is all
// questions of one attempt; its *turns* are what the model said, with what came
// of the tools that it called.
//
//   1. Words for stops and faults are ours; each vendor's file translates them.

#pragma once

#include "ledger/record.hpp"
#include "tests/fake_server/wire.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fake_ai {

using fake_server::bearer;
using fake_server::header;
using fake_server::header_list;
using fake_server::http_question;
using fake_server::wire_answer;
using ledger::json;

/// A tool as the client offers it.
struct offered_tool {
  std::string name;
  json parameters = json::object();
};

/// A tool that the model called earlier, and what came of it.
struct used_tool {
  std::string id, name;
  json arguments = json::object();
  std::string result;
  bool is_error = false;
};

struct question {
  std::string model;
  bool streamed = false;
  bool thinks = false;                       ///< The server was started with --thoughts.
  std::string task, step;                    ///< Empty: not said.
  std::vector<std::string> texts;            ///< What the user said, in order.
  std::vector<offered_tool> tools;           ///< In the client's order.
  std::vector<std::vector<used_tool>> turns; ///< One for each turn of the model.
  std::uint64_t input_tokens = 0;            ///< Of the whole request.
  std::size_t turn() const noexcept { return turns.size() + 1; }
};

struct wanted_call {
  std::string name;
  json arguments = json::object();
};

/// Each token once, as in providers/conversation.hpp.
struct usage {
  std::uint64_t input = 0, cached = 0, written = 0, output = 0, thought = 0;
  std::uint64_t all() const noexcept { return input + cached + written + output; }
};

/// `which` is "requests" or "tokens" if a limit was passed.
struct refusal {
  int status = 400;
  std::string word; ///< Empty: the vendor's usual one for the status.
  std::string message;
  std::string which = {};
  std::optional<double> retry_after_s = {};
  json details = {}; ///< Gemini: further entries of `details`.
};

struct reply {
  std::string text;
  std::vector<wanted_call> calls;
  std::string stop; ///< Empty: "tool" if there are calls, else "end".
  std::optional<usage> used;
  int status = 200;
  refusal error;                       ///< If the status is none of 2xx.
  std::optional<std::string> raw_body; ///< Instead of everything.
  header_list headers;
  std::optional<int> delay_ms;
  std::string fault; ///< See loop.hpp; html, empty and chunked are done by the service.
};

} // namespace fake_ai
