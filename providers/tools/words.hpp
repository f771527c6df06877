// words.hpp -- foreign text made fit to be told to a model.
//
//   1. Whatever went in, UTF-8 comes out; bytes that are none are `\xNN`.
//
// Pure. Private to tools/.

#pragma once

#include "ledger/result.hpp"
#include "providers/conversation.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace providers::tools {

/// The text with bytes that are no UTF-8 shown; control characters stay.
std::string shown(std::string_view text);
/// On one line: what is invisible or drives a terminal is shown as `\xNN` too,
/// cut after about `bytes_max`.
std::string shown_on_one_line(std::string_view text, std::size_t bytes_max = 4096);
/// The longest beginning of at most `bytes_max` bytes that ends with a whole
/// character.
std::string_view cut_at_character(std::string_view text, std::size_t bytes_max);

/// As git and grep judge: a NUL makes a file binary.
bool is_binary(std::string_view content);

/// `12,345`
std::string with_commas(std::uint64_t number);

/// "3 files", "1 file".
std::string counted(std::uint64_t number, std::string_view one);

std::string joined(const std::vector<std::string>& words, std::string_view between = ", ");

tool_result told(std::string text);
tool_result refused(std::string text);
/// What is the model's to mend is told in the failure's words. What is not (git
/// failed, the disk is full, we are ending) says "could not be run … try again"
/// in words of ours: git's name places of this machine.
tool_result not_done(const ledger::failure& f);

} // namespace providers::tools
