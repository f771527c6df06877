// netlify_folder.hpp -- a published folder as Netlify is told of it.
//
//   1. Every file counts, hidden ones too. A link to a file is that file; a
//      link to a folder is refused, since a site has none.
//
// Private to providers/deploy.

#pragma once

#include "providers/deploy/netlify_service.hpp"

#include <filesystem>
#include <map>
#include <string>

namespace providers::netlify {

struct folder_files {
  announced_files announced;
  std::map<std::string, upload> by_digest; ///< One file for each content.
};

/// Errors: refused, if it is the change's fault; unavailable.
ledger::result<folder_files> read_folder(const std::filesystem::path& folder);

} // namespace providers::netlify
