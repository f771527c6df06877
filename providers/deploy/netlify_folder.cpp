#include "providers/deploy/netlify_folder.hpp"

#include "ledger/text.hpp"
#include "providers/deploy/sha1.hpp"
#include "providers/full_disk.hpp"

#include <fmt/format.h>

#include <system_error>
#include <utility>

namespace providers::netlify {

using ledger::fail;
using ledger::fault;
namespace fs = std::filesystem;

ledger::result<folder_files> read_folder(const fs::path& folder) {
  folder_files all;
  std::error_code e;
  fs::recursive_directory_iterator at(folder, e);
  for (const fs::recursive_directory_iterator end; !e && at != end; at.increment(e)) {
    const auto name = at->path().lexically_relative(folder).generic_string();
    if (!at->is_symlink() && at->is_directory())
      continue;
    if (!ledger::is_utf8(name))
      return fail(fault::refused, "the published folder holds a file whose name is no UTF-8, which "
                                  "Netlify does not take: let the build rename it");
    if (at->is_directory())
      return fail(fault::refused,
                  fmt::format("the published folder holds `{}`, a link to a folder, which Netlify "
                              "does not take: let the build copy the folder instead",
                              name));
    const auto real = fs::canonical(at->path(), e);
    if (e)
      return cannot("look at", at->path(), e);
    auto digest = sha1_of_file(real);
    if (!digest)
      return tl::make_unexpected(digest.error());
    all.by_digest.try_emplace(*digest, upload{real, "/" + name});
    all.announced.emplace("/" + name, std::move(*digest));
  }
  if (e)
    return cannot("look into", folder, e);
  if (all.announced.empty())
    return fail(fault::refused, "the published folder holds no file: there is nothing to deploy");
  return all;
}

} // namespace providers::netlify
