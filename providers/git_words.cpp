#include "providers/git_words.hpp"

#include <cerrno>
#include <system_error>

namespace providers {

namespace {

/// git prints what strerror says, in the C locale as we do.
bool has_words_of(std::string_view text, int error) {
  return text.find(std::generic_category().message(error)) != std::string_view::npos;
}

} // namespace

bool is_object_id(std::string_view id) {
  return (id.size() == 40 || id.size() == 64)
         && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string without_newline(std::string text) {
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  return text;
}

std::string words_of(const child_result& r) {
  auto words = without_newline(r.err.empty() ? r.output : r.err);
  if (words.size() > 2000)
    words.resize(2000);
  return words.empty() ? r.ended() : words;
}

std::vector<std::string_view> split(std::string_view text, char end) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto at = text.find(end);
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  }
  return parts;
}

bool tells_of_the_machine(std::string_view words) {
  for (const int error : {ENOSPC, EDQUOT, EFBIG, ENOMEM, EMFILE, ENFILE, EIO, EACCES, EPERM, EROFS,
                          EAGAIN, EBUSY, ESTALE, ENODEV, ETIMEDOUT})
    if (has_words_of(words, error))
      return true;
  return words.find("out of memory") != std::string_view::npos
         || words.find("Out of memory") != std::string_view::npos;
}

bool tells_of_a_full_disk(std::string_view words) {
  return has_words_of(words, ENOSPC) || has_words_of(words, EDQUOT);
}

} // namespace providers
