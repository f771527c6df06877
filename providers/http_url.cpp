#include "providers/http_url.hpp"

#include "providers/http.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

namespace providers {

namespace {

using ledger::fault;

struct url_ender {
  void operator()(CURLU* u) const noexcept { ::curl_url_cleanup(u); }
};

std::string part_of(CURLU* u, CURLUPart what) {
  char* text = nullptr;
  if (::curl_url_get(u, what, &text, 0) != CURLUE_OK || text == nullptr)
    return {};
  std::string part = text;
  ::curl_free(text);
  return part;
}

/// The host as libcurl writes it: in lower case, 127.1 as 127.0.0.1, IPv6 in
/// brackets.
bool is_loopback(std::string host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    in6_addr address{};
    const auto inner = host.substr(1, host.size() - 2);
    return ::inet_pton(AF_INET6, inner.c_str(), &address) == 1 && IN6_IS_ADDR_LOOPBACK(&address);
  }
  in_addr address{};
  if (::inet_pton(AF_INET, host.c_str(), &address) == 1)
    return (ntohl(address.s_addr) >> 24) == 127;
  for (auto& c : host)
    c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  return host == "localhost";
}

tl::unexpected<ledger::failure> refused(std::string text) {
  return ledger::fail(fault::refused, std::move(text), "url");
}

} // namespace

ledger::result<http_url> read_http_url(std::string_view url, bool plain_http_anywhere) {
  const auto host_begin = url.find("://");
  if (host_begin == std::string_view::npos || url.find('\0') != std::string_view::npos)
    return refused("the URL names no service; write https://HOST/PATH");
  const auto authority = url.substr(host_begin + 3);
  if (authority.substr(0, authority.find_first_of("/\\?#")).find('@') != std::string_view::npos)
    return refused("the URL holds a user or a password; take out all that stands between :// and "
                   "the @, a URL ends up in logs");
  std::unique_ptr<CURLU, url_ender> u{::curl_url()};
  const auto whole = std::string{url};
  const auto code = u ? ::curl_url_set(u.get(), CURLUPART_URL, whole.c_str(),
                                       CURLU_NON_SUPPORT_SCHEME | CURLU_DISALLOW_USER)
                      : CURLUE_OUT_OF_MEMORY;
  if (code != CURLUE_OK)
    return refused(fmt::format("the URL cannot be read ({}); write https://HOST/PATH",
                               ::curl_url_strerror(code)));
  const auto scheme = part_of(u.get(), CURLUPART_SCHEME);
  const auto host = part_of(u.get(), CURLUPART_HOST);
  const auto port = part_of(u.get(), CURLUPART_PORT);
  const auto path = part_of(u.get(), CURLUPART_PATH);
  const auto server = port.empty() ? host : host + ":" + port;
  http_url read;
  read.origin = scheme + "://" + server;
  read.shown = read.origin + path;
  read.https = scheme == "https";
  read.loopback = is_loopback(host);
  if (host.empty() || (!read.https && scheme != "http"))
    return refused(
        fmt::format("{} is no URL of a web service; write https://HOST/PATH", read.shown));
  if (url.find('#') != std::string_view::npos)
    return refused(fmt::format("{} is followed by a fragment, which no service sees; take off the "
                               "# and all behind it",
                               read.shown));
  if (!read.https && !read.loopback && !plain_http_anywhere)
    return refused(fmt::format("{} is not encrypted, and keys would travel in the open; write "
                               "https://{}, or allow plain http for this service",
                               read.shown, server + path));
  return read;
}

std::string why_no_base_url(std::string_view url, bool plain_http_anywhere) {
  auto read = read_http_url(url, plain_http_anywhere);
  if (!read)
    return read.error().detail;
  if (url.find('?') != std::string_view::npos)
    return fmt::format("{} is followed by a query, and a path could not be added; take off the ? "
                       "and all behind it",
                       read->shown);
  return {};
}

} // namespace providers
