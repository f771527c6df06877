// glob.hpp -- patterns over repository paths.
//
// A *repository path* is relative to the repository's root, with forward
// slashes, without empty, `.` or `..` components. In a pattern `*` stands for
// any run of characters but `/`, `?` for one such character, `**` as a whole
// component for any number of components, everything else for itself.
//
//   1. A pattern without a slash matches the last component at any depth, as
//      in .gitignore: `.env*` matches `a/b/.env.local`. A leading slash binds a
//      pattern to the root; a trailing one stands for `/**`.
//   2. A pattern that ends in `/**` matches everything below the folder, not
//      the folder's own name.
//   3. glob_matches and glob_covers, which protect and forbid, compare in every
//      reading (readings_of): letter case and Unicode form never count, because
//      to some file systems they do not, and one reading that matches is enough:
//      `.GITHUB/x` and `.github::$DATA/x` are protected by `.github/**`, and
//      `a:b.pem` by `*.pem`.
//   4. Matching takes polynomial time, however many stars.
//
// Pure. Source: Unicode's NFKC_Casefold, through utf8proc.

#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace ledger {

/// Whether `path` matches `pattern` in any reading.
bool glob_matches(std::string_view pattern, std::string_view path);

/// The same to the letter: for rules that permit rather than protect.
bool glob_matches_exactly(std::string_view pattern, std::string_view path);

/// Whether a single component matches a pattern without a slash, to the letter.
bool glob_matches_name(std::string_view pattern, std::string_view name);

/// Whether `path`, or a folder that it lies in, matches `pattern` in any reading:
/// what protects a folder protects what is in it.
bool glob_covers(std::string_view pattern, std::string_view path);

/// Whether one of them does.
bool any_glob_covers(const std::vector<std::string>& patterns, std::string_view path);

/// The form in which two names are the same name: NFKC_Casefold (case, precomposed and
/// combining accents, full-width and other compatibility forms, zero-width and
/// other ignorable characters), then in each component an NTFS stream (`:…`)
/// and trailing dots and spaces removed. Bytes that are no UTF-8 stay.
std::string folded(std::string_view path);

/// What a name may be to a file system: folded; the same with what follows a
/// colon, which is part of the name where there are no streams; and casefolded
/// only. Any two of them may be equal.
std::array<std::string, 3> readings_of(std::string_view path);

/// Whether `path` is a repository path in the sense above. Back slashes,
/// control characters and names that fold to nothing (`．．`) make it none.
bool is_repository_path(std::string_view path);

} // namespace ledger
