// prompt_folder.hpp -- the folder of prompts, as tasks.
//
// A *prompt* is a file `<TASK>.md` directly in the folder. One that cannot
// become a task is *left out*, with a stable reason word and a sentence that
// names the remedy; the rest of the batch runs. One whose front matter has an
// error is a task all the same, which its caller parks.
//
//   1. Every `*.md` entry that --only selects is found or left out; none is
//      passed over in silence but hidden ones (`.name.md`), which editors and
//      systems leave behind.
//   2. A prompt that holds a known secret is never given on, nor is any of it
//      in the sentence.
//   3. Content is byte for byte the file's. Links are followed; a device or a
//      pipe is never waited for.
//   4. Of two names that differ in case only, the later in sort order is left
//      out, whatever becomes of the first: which task a name means must not
//      depend on the content of another file.
//
// Blocks on disk.

#pragma once

#include "ledger/prompt.hpp"
#include "ledger/redact.hpp"
#include "ledger/result.hpp"

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

struct found_prompt {
  std::string task;
  std::filesystem::path path;
  std::shared_ptr<const std::string> content;
  ledger::front_matter front;
  std::string front_error; ///< Not empty: park the task with this sentence.
  std::string notice;      ///< Not empty: what its author may not have meant.
};

struct left_out {
  std::string file_name; ///< Printable: control characters are escaped.
  std::string reason;    ///< bad-name, duplicate-name, not-a-file, unreadable,
                         ///< too-large, not-text, empty, holds-secret, not-a-prompt.
  std::string why;       ///< A sentence with the remedy.
};

struct prompt_folder {
  std::vector<found_prompt> prompts; ///< Sorted by task.
  std::vector<cli::left_out> left_out;
  std::vector<std::string> unmatched; ///< Globs of --only that no file matched.
  std::set<std::string> names;        ///< Stems of all prompts there, --only or not.
};

/// Whether `only` (globs over task names; empty: all) selects `task`.
bool is_wanted(const std::vector<std::string>& only, std::string_view task);

/// Reads the folder `directory`. `only` are globs over task names; empty: all.
/// Errors: not_found (no such folder), refused (no folder), unavailable.
ledger::result<prompt_folder> read_prompt_folder(const std::filesystem::path& directory,
                                                 const std::vector<std::string>& only,
                                                 const ledger::redactor& secrets);

} // namespace cli
