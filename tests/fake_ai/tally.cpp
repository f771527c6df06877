#include "tests/fake_ai/tally.hpp"

#include <algorithm>

namespace fake_ai {

void tally::begun() {
  in_flight_max_ = std::max(in_flight_max_, ++in_flight_);
}

void tally::ended() {
  in_flight_ -= in_flight_ > 0 ? 1 : 0;
}

void tally::add(const log_entry& e, const usage& billed) {
  ++requests_;
  ++routes_[e.route];
  ++steps_[e.step.empty() ? "unknown" : e.step];
  ++statuses_[std::to_string(e.status)];
  if (!e.fault.empty())
    ++faults_[e.fault];
  billed_.input += billed.input;
  billed_.cached += billed.cached;
  billed_.written += billed.written;
  billed_.output += billed.output;
  json line;
  line["n"] = requests_;
  line["route"] = e.route;
  line["status"] = e.status;
  line["step"] = e.step;
  line["task"] = e.task;
  line["turn"] = e.turn;
  line["conversation"] = e.conversation;
  line["key_ok"] = e.key_ok;
  line["fault"] = e.fault;
  line["body_sha256"] = e.body_sha256;
  line["in_headers"] = e.in_headers;
  line["in_body"] = e.in_body;
  lines_.push_back(line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
  if (lines_.size() > log_max_) {
    lines_.pop_front();
    ++lines_gone_;
  }
}

json tally::counters() const {
  json out;
  out["requests"] = requests_;
  out["routes"] = routes_;
  out["steps"] = steps_;
  out["statuses"] = statuses_;
  out["faults"] = faults_;
  out["in_flight"] = in_flight_;
  out["in_flight_max"] = in_flight_max_;
  auto& b = out["billed"];
  b["input"] = billed_.input;
  b["cached"] = billed_.cached;
  b["written"] = billed_.written;
  b["output"] = billed_.output;
  b["all"] = billed_.all();
  out["log_lines_gone"] = lines_gone_;
  return out;
}

std::string tally::log() const {
  std::string out;
  for (auto& line : lines_)
    out += line;
  return out;
}

} // namespace fake_ai
