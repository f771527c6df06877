#include "tests/fake_server/wire.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace fake_server {

namespace {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 422:
      return "Unprocessable Entity";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    default:
      return "Said";
  }
}

} // namespace

std::string_view header(const header_list& all, std::string_view name) {
  for (auto& [key, value] : all)
    if (key == name)
      return value;
  return {};
}

void set_header(header_list& all, std::string name, std::string value) {
  auto same = [&](auto& h) { return h.first == name; };
  if (auto found = std::find_if(all.begin(), all.end(), same); found != all.end())
    found->second = std::move(value);
  else
    all.emplace_back(std::move(name), std::move(value));
}

std::string bearer(const http_question& q) {
  constexpr std::string_view scheme = "Bearer ";
  auto value = header(q.headers, "authorization");
  return value.starts_with(scheme) ? std::string(value.substr(scheme.size())) : std::string{};
}

std::string head_of(int status, header_list headers, std::size_t body_bytes, bool keep_alive) {
  auto out = fmt::format("HTTP/1.1 {} {}\r\n", status, reason_phrase(status));
  if (header(headers, "transfer-encoding").empty())
    set_header(headers, "content-length", std::to_string(body_bytes));
  if (!keep_alive)
    set_header(headers, "connection", "close");
  for (auto& [key, value] : headers)
    out += key + ": " + value + "\r\n";
  return out + "\r\n";
}

std::string text_of(const ledger::json& j) {
  return j.dump(-1, ' ', false, ledger::json::error_handler_t::replace);
}

} // namespace fake_server
