#include "ledger/redact.hpp"

#include "ledger/markdown.hpp"
#include "ledger/text.hpp"

#include <algorithm>
#include <set>

namespace ledger {

namespace {

constexpr std::string_view mark = "[redacted]";
static_assert(mark.size() < min_secret_bytes, "each pass of redact() must shorten the text");

struct range {
  std::size_t begin, end;
};

/// Every occurrence of `secret` in `text`, overlapping ones as one range
/// (Knuth, Morris, Pratt: linear, also where both are one letter repeated).
void find_all(std::string_view text, std::string_view secret, std::vector<range>& out) {
  auto from = text.find(secret); // The usual answer is "not there", and fast.
  if (from == text.npos)
    return;
  std::vector<std::size_t> border(secret.size() + 1, 0);
  for (std::size_t i = 1, k = 0; i < secret.size(); ++i) {
    while (k > 0 && secret[i] != secret[k])
      k = border[k];
    if (secret[i] == secret[k])
      ++k;
    border[i + 1] = k;
  }
  auto first = out.size();
  for (std::size_t i = from, k = 0; i < text.size(); ++i) {
    while (k > 0 && (k == secret.size() || text[i] != secret[k]))
      k = border[k];
    if (text[i] == secret[k])
      ++k;
    if (k < secret.size())
      continue;
    auto begin = i + 1 - secret.size();
    if (out.size() > first && begin < out.back().end)
      out.back().end = i + 1;
    else
      out.push_back({begin, i + 1});
  }
}

/// One pass; whether anything was replaced.
bool redact_once(std::string& text, const std::vector<std::string>& secrets) {
  std::vector<range> found;
  for (auto& secret : secrets)
    find_all(text, secret, found);
  if (found.empty())
    return false;
  std::sort(found.begin(), found.end(),
            [](const range& a, const range& b) { return a.begin < b.begin; });
  std::string out;
  std::size_t done = 0;
  for (std::size_t i = 0; i < found.size();) {
    auto all = found[i];
    while (++i < found.size() && found[i].begin < all.end)
      all.end = std::max(all.end, found[i].end);
    out.append(text, done, all.begin - done);
    out += mark;
    done = all.end;
  }
  out.append(text, done);
  text = std::move(out);
  return true;
}

/// The longest first.
bool comes_first(const std::string& a, const std::string& b) {
  return a.size() != b.size() ? a.size() > b.size() : a < b;
}

std::string_view unquoted(std::string_view value) {
  value = trimmed(value);
  while (!value.empty() && (value.back() == ',' || value.back() == ';'))
    value = trimmed(value.substr(0, value.size() - 1));
  if (!value.empty() && (value.front() == '"' || value.front() == '\'')) {
    auto end = value.find(value.front(), 1);
    return end == value.npos ? value.substr(1) : value.substr(1, end - 1);
  }
  return value;
}

/// The value of `KEY=value` or `key: value`; empty if the line is neither.
std::string_view value_in(std::string_view text) {
  if (text.starts_with("export "))
    text = trimmed(text.substr(7));
  bool quoted = text.starts_with('"') || text.starts_with('\'');
  std::size_t end = quoted ? text.find(text.front(), 1) : 0;
  if (end == text.npos)
    return {};
  if (quoted)
    ++end;
  else
    while (end < text.size()
           && (is_word_char(text[end]) || std::string_view("_.-").find(text[end]) != text.npos))
      ++end;
  auto rest = trimmed(text.substr(end));
  if (end == 0 || rest.empty() || (rest.front() != '=' && rest.front() != ':'))
    return {};
  // `https://…` is no key with a value.
  if (rest.front() == ':' && !quoted && (rest.size() < 2 || !is_blank(rest[1])))
    return {};
  auto value = trimmed(rest.substr(1));
  // `TWFu==` is a line of base64, padded.
  return value.find_first_not_of('=') == value.npos ? std::string_view{} : value;
}

} // namespace

redactor::redactor(std::vector<std::string> secrets)
    : secrets_(std::move(secrets)) {
  std::erase_if(secrets_, [](const std::string& s) { return s.size() < min_secret_bytes; });
  std::sort(secrets_.begin(), secrets_.end(), comes_first);
  secrets_.erase(std::unique(secrets_.begin(), secrets_.end()), secrets_.end());
}

void redactor::add(std::string secret) {
  if (secret.size() < min_secret_bytes)
    return;
  auto at = std::lower_bound(secrets_.begin(), secrets_.end(), secret, comes_first);
  if (at == secrets_.end() || *at != secret)
    secrets_.insert(at, std::move(secret));
}

std::string redactor::redact(std::string text) const {
  // A secret may hold parts of the mark itself, so that a replacement makes a
  // new occurrence; every pass shortens the text, so this ends.
  while (redact_once(text, secrets_)) {
  }
  return text;
}

// The bytes are taken away after the redaction: before it, that would be a cut
// of its own, through a secret that is whole.
std::string redactor::redact_before_cut(std::string text) const {
  text = redact(std::move(text));
  text.resize(text.size() - std::min(text.size(), margin_bytes()));
  return text;
}

std::string redactor::redact_after_cut(std::string text) const {
  text = redact(std::move(text));
  text.erase(0, std::min(text.size(), margin_bytes()));
  return text;
}

std::uint32_t redactor::line_of_secret(std::string_view text) const {
  auto first = text.npos;
  for (auto& secret : secrets_)
    first = std::min(first, text.find(secret));
  if (first == text.npos)
    return 0;
  auto before = text.substr(0, first);
  return 1 + static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n'));
}

void redact_values(json& value, const redactor& secrets) {
  if (value.is_string()) {
    value = secrets.redact(value.get<std::string>());
  } else if (value.is_array()) {
    for (auto& one : value)
      redact_values(one, secrets);
  } else if (value.is_object()) {
    auto all = json::object();
    for (auto& [name, one] : value.items()) {
      redact_values(one, secrets);
      all[secrets.redact(name)] = std::move(one);
    }
    value = std::move(all);
  }
}

bool names_secret(std::string_view variable, const std::vector<std::string>& named) {
  if (std::find(named.begin(), named.end(), variable) != named.end())
    return true;
  auto name = lowered_ascii(variable);
  return name.ends_with("_key") || name.ends_with("_token") || name.ends_with("_secret")
         || name.find("password") != name.npos;
}

std::vector<std::string> secrets_in(std::string_view file_content) {
  std::vector<std::string> out;
  std::set<std::string_view> seen;
  auto add = [&](std::string_view secret) {
    if (!secret.empty() && seen.insert(secret).second)
      out.emplace_back(secret);
  };
  for (auto& l : lines_of(file_content)) {
    auto text = trimmed(l.text);
    if (text.starts_with("\xef\xbb\xbf"))
      text = trimmed(text.substr(3));
    if (text.empty() || text.front() == '#' || text.starts_with("-----"))
      continue;
    auto value = value_in(text);
    if (value.empty()) {
      add(unquoted(text));
      continue;
    }
    add(unquoted(value));
    // Whether ` #` begins a comment differs from reader to reader: both count.
    auto comment = value.find(" #");
    if (comment != value.npos && value.front() != '"' && value.front() != '\'')
      add(unquoted(value.substr(0, comment)));
  }
  return out;
}

} // namespace ledger
