#include "tests/fake_server/request_reader.hpp"

#include "ledger/text.hpp"

#include <algorithm>
#include <charconv>

namespace fake_server {

namespace {

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && ledger::is_blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && ledger::is_blank(text.back()))
    text.remove_suffix(1);
  return text;
}

/// Takes a line with its CRLF off the front.
std::string_view next_line(std::string_view& text) {
  auto end = text.find("\r\n");
  auto line = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 2);
  return line;
}

bool take_first_line(std::string_view line, http_question& q) {
  auto first = line.find(' ');
  auto last = line.rfind(' ');
  if (first == line.npos || last <= first + 1)
    return false;
  auto version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return false;
  auto target = line.substr(first + 1, last - first - 1);
  auto mark = std::min(target.find('?'), target.size());
  q.method = line.substr(0, first);
  q.path = target.substr(0, mark);
  q.query = target.substr(std::min(mark + 1, target.size()));
  q.keep_alive = version == "HTTP/1.1";
  return q.path.starts_with("/");
}

} // namespace

request_head read_head(std::string_view text) {
  request_head out;
  auto refuse = [&](int status) {
    out.refused = status;
    return out;
  };
  if (!take_first_line(next_line(text), out.q))
    return refuse(400);
  while (!text.empty()) {
    auto line = next_line(text);
    if (line.empty())
      break;
    auto colon = line.find(':');
    if (colon == line.npos || colon == 0)
      return refuse(400);
    auto name = ledger::lowered_ascii(line.substr(0, colon));
    auto value = without_blanks(line.substr(colon + 1));
    if (name == "transfer-encoding" && value != "chunked")
      return refuse(411);
    out.is_chunked = out.is_chunked || name == "transfer-encoding";
    if (name == "content-length") {
      auto* end = value.data() + value.size();
      auto [stop, error] = std::from_chars(value.data(), end, out.body_bytes);
      if (error != std::errc{} || stop != end)
        return refuse(400);
      if (out.body_bytes > body_bytes_max)
        return refuse(413);
    }
    if (name == "connection")
      out.q.keep_alive = ledger::lowered_ascii(value) != "close"
                         && (out.q.keep_alive || ledger::lowered_ascii(value) == "keep-alive");
    if (name == "expect")
      out.waits_for_continue = ledger::lowered_ascii(value) == "100-continue";
    out.q.headers.emplace_back(std::move(name), std::string(value));
  }
  return out;
}

chunked_body read_chunks(std::string_view text) {
  chunked_body out;
  auto rest = text;
  for (;;) {
    auto end = rest.find("\r\n");
    if (end == rest.npos)
      return {};
    auto word = rest.substr(0, std::min(end, rest.find(';')));
    std::size_t size = 0;
    auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), size, 16);
    if (error != std::errc{} || stop != word.data() + word.size())
      return {400, 0, {}};
    if (out.body.size() + size > body_bytes_max)
      return {413, 0, {}};
    rest.remove_prefix(end + 2);
    if (rest.size() < size + 2)
      return {};
    out.body += rest.substr(0, size);
    if (rest.substr(size, 2) != "\r\n") // Trailers too: nobody sends us any.
      return {400, 0, {}};
    rest.remove_prefix(size + 2);
    if (size == 0)
      break;
  }
  out.bytes_read = text.size() - rest.size();
  return out;
}

} // namespace fake_server
