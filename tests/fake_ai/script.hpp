// script.hpp -- answers from a folder.
//
// A *script* is a folder of answers. For task T, step S, turn n and the r-th
// conversation of that step, the first of these that is there is used, in the
// folder T, then `default`, then the script itself:
//
//     S.r<r>.<n>   S.r<r>   S.<n>   S        each as .json, then as .md
//
// A `.md` is the final text; a `.json` is a reply with any of the keys that
// README.md lists. `{{task}}` stands for the task's name.
//
//   1. All of it is read and checked at the start: an unknown key or a file
//      that cannot be read is an error that names the file.
//   2. A file with `times` is passed over once it was used so often.

#pragma once

#include "ledger/result.hpp"
#include "tests/fake_ai/speech.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace fake_ai {

/// A reply from the text of a `.json`. Errors: refused, a sentence.
ledger::result<reply> reply_of(std::string_view text);

class script {
public:
  script() = default; ///< Empty.
  static ledger::result<script> read(const std::filesystem::path& folder);

  /// `conversation` and `turn` count from 1. Nothing: no file answers.
  std::optional<reply> next(const std::string& task, const std::string& step,
                            std::size_t conversation, std::size_t turn);

private:
  struct entry {
    bool is_json = false;
    std::string text;
    std::optional<std::uint64_t> times_left;
  };
  /// The entry's reply, or nothing if there is none or it is used up.
  std::optional<reply> use(const std::string& name, const std::string& task);

  std::map<std::string, entry> entries_; ///< By path below the folder.
};

} // namespace fake_ai
