#include "ledger/disk/standings.hpp"

#include "ledger/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace ledger::disk {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view title = "scheduler standings 1";

std::string spelled(const file_identity& i) {
  return fmt::format("{} {} {} {}", i.inode, i.size, i.modified_ns, i.changed_ns);
}

// Takes a number and the blank behind it, if there is one.
template <class Number>
bool take(std::string_view& text, Number& n) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{})
    return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty() && text.front() != ' ')
    return false;
  text.remove_prefix(text.empty() ? 0 : 1);
  return true;
}

bool take(std::string_view& text, file_identity& i) {
  return take(text, i.inode) && take(text, i.size) && take(text, i.modified_ns)
         && take(text, i.changed_ns);
}

bool take_word(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word) || text.size() == word.size() || text[word.size()] != ' ')
    return false;
  text.remove_prefix(word.size() + 1);
  return true;
}

std::string_view next_line(std::string_view& text) {
  auto end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

// A task's name holds no tab and no backslash: it is the text's first field as it is.
bool take_row(std::string_view line, kept_standings& out) {
  standings_row row;
  if (!take(line, row.last_id) || !take(line, row.journal))
    return false;
  row.text = line;
  auto task = line.substr(0, line.find('\t'));
  out.last_id = std::max(out.last_id, row.last_id);
  out.rows.insert_or_assign(task, row);
  return !task.empty();
}

// False: it is not spelled as we spell it, and nothing of it is believed.
bool take_line(std::string_view line, kept_standings& out) {
  out.closed.reset(); // Something came behind it.
  if (take_word(line, "row"))
    return take_row(line, out);
  if (take_word(line, "low"))
    return take(line, out.low) && line.empty();
  file_identity database;
  if (!take_word(line, "closed") || !take(line, database) || !line.empty())
    return false;
  out.closed = database;
  return true;
}

std::string low_line(std::uint64_t low) {
  return fmt::format("low {}\n", low);
}

} // namespace

std::unique_ptr<const kept_standings> read_standings(const keyring& keys,
                                                     std::string_view boot_id) {
  auto content = read_file(keys.standings_file());
  auto trusted = identity_of(keys.trusted_file());
  if (!content || !trusted || !keys.trouble().empty())
    return nullptr;
  auto out = std::make_unique<kept_standings>();
  out->content = std::move(*content);
  std::string_view rest = out->content;
  if (next_line(rest) != title || next_line(rest) != "trusted " + spelled(*trusted))
    return nullptr;
  auto boot = next_line(rest);
  // What is written just now may end in the middle of a line.
  rest = rest.substr(0, rest.rfind('\n') + 1);
  out->rows.reserve(static_cast<std::size_t>(std::count(rest.begin(), rest.end(), '\n')));
  while (!rest.empty())
    if (!take_line(next_line(rest), *out))
      return nullptr;
  if (!out->closed && (boot_id.empty() || boot != fmt::format("boot {}", boot_id)))
    return nullptr;
  return out;
}

std::string row_line(std::uint64_t last_id, const file_identity& journal, std::string_view text) {
  return fmt::format("row {} {} {}\n", last_id, spelled(journal), text);
}

void standings_writer::begin(const keyring& keys, std::string_view boot_id,
                             const std::vector<std::string>& rows, std::uint64_t low) {
  file_ = keys.standings_file();
  auto trusted = identity_of(keys.trusted_file());
  if (!trusted)
    return give_up();
  auto text = fmt::format("{}\ntrusted {}\nboot {}\n", title, spelled(*trusted), boot_id);
  for (auto& row : rows)
    text += row;
  text += low_line(low);
  if (!put_file(file_, text, durability::none))
    return give_up();
  fd_ = unique_fd(::open(file_.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC));
  if (!fd_)
    give_up();
}

void standings_writer::add(const std::vector<std::string>& rows, std::uint64_t low) {
  if (rows.empty())
    return;
  std::string text;
  for (auto& row : rows)
    text += row;
  write(text + low_line(low));
}

void standings_writer::close(const file_identity& database) {
  write(fmt::format("closed {}\n", spelled(database)));
  if (fd_ && !sync(fd_.get(), file_.string()))
    give_up();
  fd_ = unique_fd();
}

void standings_writer::write(std::string_view text) {
  if (fd_ && !write_all(fd_.get(), text, file_.string()))
    give_up();
}

void standings_writer::give_up() noexcept {
  fd_ = unique_fd();
  std::error_code ignored;
  fs::remove(file_, ignored);
}

} // namespace ledger::disk
