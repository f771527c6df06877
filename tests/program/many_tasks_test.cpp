// Many tasks at once on one repository.

#include "tests/program/program_fixture.hpp"

#include <algorithm>
#include <iostream>

namespace {

using namespace tests;
using ledger::status;

struct expected_end {
  status is = status::done;
  std::uint32_t rounds = 1;
  std::string content; ///< Of a changed file in a done task's commit.
  std::string path = "src/index.html";
};

std::string page(const std::string& title) {
  return "<!doctype html>\n<html lang=\"en\">\n  <head>\n    <meta charset=\"utf-8\">\n    <title>"
         + title + "</title>\n  </head>\n  <body>\n    <main>\n      <h1>" + title
         + "</h1>\n    </main>\n  </body>\n</html>\n";
}

/// Writes one of 200 prompts: mostly plain edits, and of each ten one that adds
/// a page, one that is red at first, one that is refused or changes nothing.
expected_end generate(practice_site& site, const std::string& task, int i) {
  auto link = "<a href=\"" + task + ".html\">" + task + "</a>";
  auto new_page = "src/" + task + ".html";
  switch (i % 10) {
    case 3: {
      site.prompt(task, "A page of its own.\n\n"
                            + block(site.diff({{"src/index.html", site.index_with(link)},
                                               {new_page, page(task)}})));
      return {status::done, 1, page(task), new_page};
    }
    case 5:
      site.prompt(task, "First the link, then the page.\n\n"
                            + block(site.diff({{"src/index.html", site.index_with(link)}}))
                            + "\nand\n\n" + block(site.diff({{new_page, page(task)}})));
      return {status::done, 2, page(task), new_page};
    case 7:
      if (i % 20 == 7)
        site.prompt(task, "Make it nicer than " + std::to_string(i) + ", please.\n");
      else
        site.prompt(task, block(site.diff({{"netlify.toml", "# " + task + "\n"}})));
      return {status::stopped, 1, "", ""};
    case 9: {
      auto css = site.site_file("src/css/site.css");
      auto without = css.substr(0, css.rfind("\n\n") + 1);
      site.prompt(task, "As in " + std::to_string(i) + ".\n\n"
                            + block(site.diff({{"src/css/site.css", without}}, true)));
      return {status::no_change, 1, "", ""};
    }
    default:
      break;
  }
  auto about = with(site.site_file("src/about.html"), "    </main>\n",
                    "      <p>" + task + ", and that is that.</p>\n    </main>\n");
  if (i % 2 == 0) {
    site.prompt(task, block(site.diff({{"src/about.html", about}})));
    return {status::done, 1, about, "src/about.html"};
  }
  site.prompt(task, block(site.diff({{"src/index.html", site.index_with(task)}})));
  return {status::done, 1, site.index_with(task), "src/index.html"};
}

/// All that is the user's: checkout, index, HEAD, configuration, refs.
files users_own(const practice_site& site) {
  files all;
  for (auto& [path, content] : content_below(site.top())) {
    bool ours =
        path.rfind(".ai-stack-trace", 0) == 0 || path == ".git/info/exclude"
        || path.rfind(".git/objects", 0) == 0 || path.rfind(".git/refs/heads/ai-gated", 0) == 0
        || path.rfind(".git/logs/refs/heads/ai-gated", 0) == 0 || path == ".git/scheduler.lock"
        || path == ".git/scheduler.id" || path == ".git/worktrees";
    if (!ours)
      all[path] = content;
  }
  all["(git status)"] = site.git({"status", "--porcelain=v2", "--branch"});
  return all;
}

void expect_end(const practice_site& site, const std::string& task, const expected_end& want,
                const ledger::task_state& s) {
  SCOPED_TRACE(task);
  EXPECT_EQ(to_string(s.is), to_string(want.is)) << s.reason << ": " << s.why;
  EXPECT_EQ(s.round, want.rounds);
  if (want.is != status::done || s.is != status::done)
    return;
  EXPECT_EQ(site.commits_of(task), words{s.out->commit});
  EXPECT_EQ(site.git({"show", s.out->commit + ":" + want.path}), want.content);
  EXPECT_EQ(site.deploys_of(task).size(), 1u);
}

TEST(heavy_many_tasks, TwoHundredAtOnceEndRightAndTouchNothingOfTheUsers) {
  practice_site site;
  std::map<std::string, expected_end> expected;
  for (int i = 0; i < 200; ++i) {
    auto task = "Task-" + std::to_string(i);
    expected[task] = generate(site, task, i);
  }
  // Something of the user's that is neither committed nor staged, and staged.
  write_file(site.top() / "notes.txt", "mine\n");
  write_file(site.top() / "src/robots.txt", "User-agent: *\nDisallow: /mine\n");
  write_file(site.top() / "src/staged.txt", "mine too\n");
  site.git({"add", "src/staged.txt"});
  auto before = users_own(site);

  auto e = site.batch({"-j", "32"});
  std::cout << "200 tasks took " << static_cast<double>(e.took.count()) / 1000 << " s" << std::endl;
  EXPECT_EQ(e.exit_code, 3) << e.err;
  EXPECT_EQ(leftovers(), words{});
  EXPECT_EQ(site.worktrees(), words{});
  for (auto word : {".lock", "index.lock", "Unable to create", "another git process"})
    EXPECT_FALSE(has(e.err, word)) << e.err.substr(e.err.find(word), 300);

  auto after = users_own(site);
  for (auto& [path, content] : before)
    EXPECT_EQ(after[path], content) << path;
  for (auto& [path, content] : after)
    EXPECT_EQ(before.count(path), 1u) << path << " is new";

  auto states = site.states();
  EXPECT_EQ(states.size(), 200u);
  std::size_t done = 0;
  for (auto& [task, want] : expected) {
    ASSERT_EQ(states.count(task), 1u) << task;
    expect_end(site, task, want, states.at(task));
    done += want.is == status::done;
  }
  EXPECT_EQ(site.branches().size(), done);
  EXPECT_EQ(site.run({"verify"}).exit_code, 0);
}

} // namespace
