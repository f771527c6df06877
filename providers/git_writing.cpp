// Objects that are made here: trees of which a few files differ, commits. Written by
// a git that stays (git_talk.hpp); what that cannot write, by one that is started
// for it.

#include "ledger/text.hpp"
#include "providers/git.hpp"
#include "providers/git_talk.hpp"
#include "providers/git_words.hpp"
#include "providers/spawn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <unistd.h>
#include <utility>

namespace providers {

namespace {

constexpr std::string_view folder_mode = "40000";

/// An entry of a tree object, with the id as its bytes. Source: git's
/// tree-walk.c and base_name_compare(): "<mode> <name>\0<id>", sorted by names, those
/// of folders as if they ended in a slash.
struct entry {
  std::string mode, name, id;
  bool is_folder() const { return mode == folder_mode; }
  std::string sorted_by() const { return is_folder() ? name + "/" : name; }
};

std::optional<std::vector<entry>> entries_of(std::string_view object, std::size_t id_bytes) {
  std::vector<entry> entries;
  while (!object.empty()) {
    const auto blank = object.find(' '), end = object.find('\0');
    if (blank > end || end == object.npos || object.size() - end - 1 < id_bytes)
      return std::nullopt;
    entries.push_back({std::string(object.substr(0, blank)),
                       std::string(object.substr(blank + 1, end - blank - 1)),
                       std::string(object.substr(end + 1, id_bytes))});
    object.remove_prefix(end + 1 + id_bytes);
  }
  return entries;
}

/// Of a tree; none of no tree (empty).
std::optional<std::vector<entry>> entries_in(const git& g, const std::string& tree) {
  if (tree.empty())
    return std::vector<entry>();
  const auto said = g.objects({tree}, true);
  const auto line = said ? said->find('\n') : std::string::npos; // "<id> tree <bytes>"
  if (line == std::string::npos || said->compare(tree.size(), 6, " tree ") != 0)
    return std::nullopt;
  return entries_of(std::string_view(*said).substr(line + 1, said->size() - line - 2),
                    tree.size() / 2);
}

/// The edits of the first name in a folder: of a file, or of what is below a folder.
struct edits_of_one {
  std::string name;
  bool is_folder = false;
  std::span<const file_edit> edits;
};

edits_of_one first_of(std::span<const file_edit> edits, std::size_t known_bytes) {
  const std::string_view path = edits.front().path;
  const auto slash = path.find('/', known_bytes);
  if (slash == path.npos)
    return {std::string(path.substr(known_bytes)), false, edits.first(1)};
  const auto folder = path.substr(0, slash + 1);
  const auto last = std::find_if(edits.begin(), edits.end(), [&](const file_edit& e) {
    return e.path.compare(0, folder.size(), folder) != 0;
  });
  return {std::string(path.substr(known_bytes, slash - known_bytes)), true,
          edits.first(static_cast<std::size_t>(last - edits.begin()))};
}

std::string object_of(std::vector<entry> entries) {
  std::sort(entries.begin(), entries.end(),
            [](const entry& a, const entry& b) { return a.sorted_by() < b.sorted_by(); });
  std::string object;
  for (const auto& e : entries)
    object.append(e.mode).append(" ").append(e.name).append(1, '\0').append(e.id);
  return object;
}

std::string to_hex(std::string_view bytes) {
  std::string hex;
  for (const auto b : bytes)
    hex += fmt::format("{:02x}", static_cast<unsigned char>(b));
  return hex;
}

/// Of an object id.
std::string from_hex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  return bytes;
}

/// Whether git leaves a name or address of a person as it is. Source: ident.c,
/// strbuf_addstr_without_crud().
bool is_plain_in_an_ident(std::string_view text) {
  const auto is_crud = [](char c) {
    return static_cast<unsigned char>(c) <= 32
           || std::string_view(".,:;<>\"\\'").find(c) != std::string_view::npos;
  };
  return !text.empty() && !is_crud(text.front()) && !is_crud(text.back())
         && text.find_first_of(std::string_view("\n<>\0", 4)) == text.npos;
}

talker::judge one_id(std::size_t digits) {
  return [digits](std::string_view said) {
    if (said.size() < digits + 1)
      return talker::progress::more;
    const auto is_one =
        said.size() == digits + 1 && said.back() == '\n' && is_object_id(said.substr(0, digits));
    return is_one ? talker::progress::whole : talker::progress::wrong;
  };
}

} // namespace

/// Writes an object by a git that stays, durable. Nothing: it cannot.
std::optional<std::string> git::put_object(git_talk::kind k, std::string_view content) const {
  const auto text = file_with(content);
  if (!text)
    return std::nullopt;
  const auto name = fmt::format("/proc/{}/fd/{}\n", ::getpid(), text->get());
  auto id = ask(k, name, one_id(object_format_ == "sha1" ? 40 : 64));
  return id ? std::optional(without_newline(std::move(*id))) : id;
}

/// The tree object that `edits`, sorted by paths of which the first `known_bytes` name
/// the folder it is, make of `tree` (empty: there is none). Empty: nothing is left.
std::optional<std::string> git::edited(const std::string& tree, std::size_t known_bytes,
                                       std::span<const file_edit> edits) const {
  auto entries = entries_in(*this, tree);
  while (entries && !edits.empty()) {
    const auto now = first_of(edits, known_bytes);
    edits = edits.subspan(now.edits.size());
    const auto old = std::find_if(entries->begin(), entries->end(),
                                  [&](const entry& e) { return e.name == now.name; });
    const auto was = old == entries->end() ? std::string() : to_hex(old->id);
    // What else becomes of a folder that turns into a file is git's business.
    if (!was.empty() && old->is_folder() != now.is_folder)
      return std::nullopt;
    const auto& edit = now.edits.front();
    const auto id = now.is_folder       ? edited(was, known_bytes + now.name.size() + 1, now.edits)
                    : edit.mode.empty() ? std::optional<std::string>("")
                                        : put_object(git_talk::kind::blobs, edit.content);
    if (!id)
      return std::nullopt;
    if (!was.empty())
      entries->erase(old);
    if (!id->empty())
      entries->push_back(
          {now.is_folder ? std::string(folder_mode) : edit.mode, now.name, from_hex(*id)});
  }
  if (!entries)
    return std::nullopt;
  return entries->empty() ? std::optional<std::string>("")
                          : put_object(git_talk::kind::trees, object_of(std::move(*entries)));
}

std::optional<std::string> git::tree_edited(const std::string& base_tree,
                                            std::vector<file_edit> edits) const {
  std::sort(edits.begin(), edits.end(),
            [](const file_edit& a, const file_edit& b) { return a.path < b.path; });
  auto tree = is_object_id(base_tree) ? edited(base_tree, 0, edits) : std::nullopt;
  return tree && tree->empty() ? put_object(git_talk::kind::trees, "") : tree;
}

/// By a git that stays. Nothing: it cannot, or git would write something else.
std::optional<std::string> git::quick_commit(const commit_spec& c) const {
  if (!is_plain_in_an_ident(c.name) || !is_plain_in_an_ident(c.email) || c.time_s < 0
      || !ledger::is_utf8(c.name + "\n" + c.email + "\n" + c.message)
      || c.message.find('\0') != c.message.npos || !is_object_id(c.tree)
      || (!c.parent.empty() && !is_object_id(c.parent)))
    return std::nullopt;
  std::vector<std::string> named{c.tree};
  if (!c.parent.empty())
    named.push_back(c.parent);
  const auto there = objects(named, false);
  const auto lines = there ? split(*there, '\n') : std::vector<std::string_view>();
  if (lines.size() != named.size() || lines[0].find(c.tree + " tree ") != 0
      || (lines.size() == 2 && lines[1].find(c.parent + " commit ") != 0))
    return std::nullopt;
  const auto person = fmt::format("{} <{}> {} +0000", c.name, c.email, c.time_s);
  const auto parent = c.parent.empty() ? "" : fmt::format("parent {}\n", c.parent);
  return put_object(git_talk::kind::commits,
                    fmt::format("tree {}\n{}author {}\ncommitter {}\n\n{}", c.tree, parent, person,
                                person, c.message.empty() ? "\n" : c.message));
}

ledger::result<std::string> git::commit_tree(const commit_spec& c) const {
  if (auto id = quick_commit(c))
    return std::move(*id);
  const auto date = fmt::format("@{} +0000", c.time_s);
  call made;
  made.args = {"commit-tree", "--no-gpg-sign", c.tree, "-F", "-"};
  if (!c.parent.empty())
    made.args.insert(made.args.end(), {"-p", c.parent});
  made.env = {{"GIT_AUTHOR_NAME", c.name},      {"GIT_AUTHOR_EMAIL", c.email},
              {"GIT_AUTHOR_DATE", date},        {"GIT_COMMITTER_NAME", c.name},
              {"GIT_COMMITTER_EMAIL", c.email}, {"GIT_COMMITTER_DATE", date}};
  made.input = c.message.empty() ? "\n" : c.message;
  made.durable = true;
  auto id = must(std::move(made));
  return id ? ledger::result<std::string>(without_newline(std::move(*id))) : id;
}

} // namespace providers
