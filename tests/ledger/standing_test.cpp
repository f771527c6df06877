#include "ledger/standing.hpp"

#include <gtest/gtest.h>

namespace ledger {
namespace {

standing example() {
  standing s;
  s.task = "Fix-Footer";
  s.is = status::parked;
  s.at = step::review;
  s.round = 3;
  s.reason = "round-limit";
  s.why = "a tab\there, a line\nthere, and a \\ too";
  s.remedy = "scheduler retry Fix-Footer";
  s.last_time = "2026-11-27T01:02:03.004Z";
  s.branch = "ai-gated/Fix-Footer";
  s.usd = 0.1 + 0.2;
  s.spent[{step::audit, "gemini"}] = {2, 0.25, 1000, 20};
  s.spent[{step::plan, "codex"}] = {1, 1e-7, 3, 0};
  return s;
}

TEST(Standing, IsReadAsItWasWritten) {
  for (auto& s : {example(), [] {
                    standing least;
                    least.task = "T";
                    return least;
                  }()}) {
    auto text = to_text(s);
    EXPECT_EQ(text.find('\n'), std::string::npos);
    auto again = standing_in(text);
    ASSERT_TRUE(again) << text;
    EXPECT_EQ(to_text(*again), text);
    EXPECT_EQ(again->task, s.task);
    EXPECT_EQ(again->is, s.is);
    EXPECT_EQ(again->at, s.at);
    EXPECT_EQ(again->why, s.why);
    EXPECT_EQ(again->usd, s.usd);
    EXPECT_EQ(again->spent.size(), s.spent.size());
  }
}

TEST(Standing, EveryStatusIsReadAsItWasWritten) {
  for (auto is : {status::running, status::waiting, status::done, status::no_change,
                  status::stopped, status::parked, status::cancelled}) {
    auto s = example();
    s.is = is;
    EXPECT_EQ(standing_in(to_text(s)).value().is, is);
  }
}

TEST(Standing, HasWhatTheStateTells) {
  task_state s;
  s.task = "T";
  s.is = status::done;
  s.out.edit().commit = std::string(40, 'c');
  s.out.edit().deploy_url = "https://example.invalid";
  EXPECT_EQ(standing_of(s).commit, s.out->commit);
  EXPECT_EQ(standing_of(s).deploy_url, "") << "begun is not deployed";
  s.out.edit().deployed = true;
  EXPECT_EQ(standing_of(s).deploy_url, s.out->deploy_url);
  EXPECT_EQ(standing_of(s).pr_url, "");
  s.request = pull_request{};
  s.request->url = "https://example.invalid/1";
  EXPECT_EQ(standing_of(s).pr_url, s.request->url);
}

TEST(Standing, RefusesWhatIsNone) {
  auto text = to_text(example());
  for (std::string wrong :
       {std::string{}, std::string("T"), text.substr(0, text.size() / 2), text + "\t",
        text + "\taudit\tgemini\t1\t2\t3", "\t" + text, text + "\\", text.substr(text.find('\t'))})
    EXPECT_FALSE(standing_in(wrong)) << wrong;
  auto at = text.find("parked");
  EXPECT_FALSE(standing_in(std::string(text).replace(at, 6, "perked")));
}

} // namespace
} // namespace ledger
