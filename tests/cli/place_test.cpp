#include "cli/place.hpp"

#include "tests/cli/told_ledger.hpp"

namespace {

namespace fs = std::filesystem;
using ledger::fault;
using test::has;

class Place : public test::told_ledger {};

// In a linked worktree `verify` said that the ledger was gone, and a batch made
// a second one under the lock, the keys and the heads of the first.
TEST_F(Place, ALinkedWorktreeIsRefusedNamingTheMainOne) {
  auto linked = repository.folder() / "linked";
  repository.git({"worktree", "add", "--quiet", "--detach", linked.string()});
  auto found = cli::find_place(linked.string());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, fault::refused);
  EXPECT_TRUE(has(found.error().detail, "--repo " + fs::canonical(top()).string()))
      << found.error().detail;
  EXPECT_TRUE(cli::find_place(top()));
  fs::create_directories(repository.top() / "below");
  EXPECT_TRUE(cli::find_place((repository.top() / "below").string()));
}

TEST_F(Place, AWorktreeOfABareRepositoryIsRefusedNamingAClone) {
  auto bare = repository.folder() / "bare";
  auto linked = repository.folder() / "linked";
  repository.git({"clone", "--quiet", "--bare", top(), bare.string()});
  repository.git({"worktree", "add", "--quiet", "--detach", linked.string()}, bare);
  auto found = cli::find_place(linked.string());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, fault::refused);
  EXPECT_TRUE(has(found.error().detail, "clone")) << found.error().detail;
}

TEST_F(Place, AGitFolderAtAPlaceOfItsOwnIsNoLinkedWorktree) {
  auto apart = repository.folder() / "apart";
  repository.git({"init", "--quiet", "--separate-git-dir", apart.string()});
  ASSERT_TRUE(fs::is_regular_file(repository.top() / ".git"));
  auto found = cli::find_place(top());
  EXPECT_TRUE(found) << found.error().detail;
}

} // namespace
