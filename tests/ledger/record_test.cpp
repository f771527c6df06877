#include "ledger/record.hpp"

#include "ledger/digest.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace ledger {
namespace {

record sample() {
  record r;
  r.seq = 3;
  r.time = "2026-11-22T17:14:49.123Z";
  r.what = event::said_no;
  r.at = step::review;
  r.round = 2;
  r.attempt = 4;
  r.files = {file_ref{"claude/post-implement-audit.md", sha256("x"), 1},
             file_ref{"claude/ü \"q\".md", sha256("y"), 18'446'744'073'709'551'615ULL}};
  r.detail = json{{"why", "a\nb"}, {"usd", 0.25}, {"nested", {{"list", {1, 2}}}}};
  r.prev = sha256("before");
  r.sig = "c2ln";
  return r;
}

std::string chain_of(std::size_t count) {
  std::string text;
  std::string prev{no_predecessor};
  for (std::size_t i = 1; i <= count; ++i) {
    record r;
    r.seq = i;
    r.time = format_time(static_cast<std::int64_t>(i) * 1000);
    r.detail = json{{"n", i}, {"text", "{\"seq\":1}\\n"}};
    r.prev = prev;
    auto line = to_line(r);
    prev = sha256(line);
    text += line + "\n";
  }
  return text;
}

TEST(Record, HasOneSpelling) {
  EXPECT_EQ(to_line(sample()),
            R"({"seq":3,"time":"2026-11-22T17:14:49.123Z","event":"said-no","step":"review",)"
            R"("round":2,"attempt":4,"files":[{"path":"claude/post-implement-audit.md","sha256":")"
                + sha256("x") + R"(","bytes":1},{"path":"claude/ü \"q\".md","sha256":")"
                + sha256("y") + R"(","bytes":18446744073709551615}],"detail":{"why":"a\nb",)"
                + R"("usd":0.25,"nested":{"list":[1,2]}},"prev":")" + sha256("before")
                + R"(","sig":"c2ln"})");
}

TEST(Record, IsReadBackAsItWasWritten) {
  auto r = sample();
  auto again = parse_line(to_line(r));
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(*again, r);
  r.sig.clear();
  r.files.clear();
  r.detail = json::object();
  again = parse_line(to_line(r));
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(*again, r);
}

TEST(Record, EveryEventHasItsName) {
  for (int i = 0; i <= static_cast<int>(event::retried); ++i) {
    auto e = static_cast<event>(i);
    EXPECT_EQ(to_string(e).find('_'), std::string_view::npos);
    ASSERT_TRUE(event_named(to_string(e)));
    EXPECT_EQ(*event_named(to_string(e)), e);
  }
  EXPECT_EQ(to_string(event::round_opened), "round-opened");
  EXPECT_EQ(event_named("round_opened").error().kind, fault::corrupt);
  EXPECT_EQ(event_named("").error().kind, fault::corrupt);
}

TEST(Record, TheSignatureCoversAllButItself) {
  auto r = sample();
  auto bare = r;
  bare.sig.clear();
  EXPECT_EQ(signed_part(r), to_line(bare));
  EXPECT_EQ(signed_part(bare), to_line(bare));
}

TEST(Record, BytesThatAreNoUtf8StillGiveALine) {
  auto r = sample();
  r.detail = json{{"why", "bad \xff byte"}};
  auto line = to_line(r);
  EXPECT_NE(line.find("\xef\xbf\xbd"), std::string::npos);
  EXPECT_TRUE(parse_line(line));
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(ReadableLine, IsTheLineOfWhatCanBeReadAgain) {
  auto r = sample();
  EXPECT_EQ(readable_line(r), to_line(r));
  r.files.pop_back(); // Plain ASCII from here on, which is not read again.
  ASSERT_TRUE(readable_line(r));
  EXPECT_EQ(*readable_line(r), to_line(r));
  EXPECT_EQ(parse_line(*readable_line(r)), r);
}

// What is spelled by a shorter way must be refused as the long way refuses it.
TEST(ReadableLine, RefusesWhatParseLineWouldRefuse) {
  std::vector<void (*)(record&)> spoil{
      [](record& r) { r.seq = 0; },
      [](record& r) { r.time = "yesterday"; },
      [](record& r) { r.prev = "short"; },
      [](record& r) { r.detail = json::array({1}); },
      [](record& r) { r.files[0].path = "../up"; },
      [](record& r) { r.files[0].sha256 = "ABC"; },
      [](record& r) { r.detail["moved"] = "nowhere"; },
      [](record& r) {
        r.detail["appended"] = json::array({json{{"path", "x"}}});
      },
      [](record& r) {
        json deep = 1;
        for (int i = 0; i < 80; ++i)
          deep = json::array({deep});
        r.detail["deep"] = deep;
      },
      [](record& r) { r.detail["none"] = json(json::value_t::discarded); },
      // Two keys that are no UTF-8 become the same one.
      [](record& r) { r.detail["\xff"] = r.detail["\xfe"] = 1; },
  };
  for (std::size_t i = 0; i < spoil.size(); ++i)
    for (bool plain : {true, false}) {
      auto r = sample();
      if (plain)
        r.files.pop_back();
      spoil[i](r);
      auto line = readable_line(r);
      auto read = parse_line(to_line(r));
      ASSERT_FALSE(read) << i;
      ASSERT_FALSE(line) << i;
      EXPECT_EQ(line.error().detail, read.error().detail) << i;
    }
}

TEST(Record, EveryTextIsSpelledAsTheJsonLibraryDoes) {
  std::string all;
  for (int c = 1; c < 256; ++c) {
    all += static_cast<char>(c);
    for (auto& text : {std::string(1, static_cast<char>(c)), all, "plain" + all}) {
      auto r = sample();
      r.detail = json{{text, json::array({text, nullptr, true, -1, 1.5, json::object()})}};
      auto spelled = r.detail.dump(-1, ' ', false, json::error_handler_t::replace);
      EXPECT_NE(to_line(r).find("\"detail\":" + spelled + ",\"prev\""), std::string::npos) << c;
    }
  }
}

TEST(ParseLine, RefusesEveryOtherSpelling) {
  auto line = to_line(sample());
  struct row {
    std::string_view name, from, to;
  };
  for (auto& r : {row{"space", "\"seq\":3", "\"seq\": 3"},
                  row{"unknown key", "\"round\":2", "\"round\":2,\"x\":1"},
                  row{"order", "\"round\":2,\"attempt\":4", "\"attempt\":4,\"round\":2"},
                  row{"repeated key", "\"round\":2", "\"round\":1,\"round\":2"},
                  row{"missing key", "\"round\":2,", ""},
                  row{"null", "\"round\":2", "\"round\":null"},
                  row{"negative", "\"round\":2", "\"round\":-2"},
                  row{"fraction", "\"round\":2", "\"round\":2.0"},
                  row{"too large", "\"round\":2", "\"round\":4294967296"},
                  row{"seq 0", "\"seq\":3", "\"seq\":0"},
                  row{"event", "said-no", "said_no"},
                  row{"unknown event", "said-no", "sang"},
                  row{"unknown step", "\"review\"", "\"revue\""},
                  row{"time", "17:14:49.123Z", "17:14:49.123+"},
                  row{"bytes as text", "\"bytes\":1}", "\"bytes\":\"1\"}"},
                  row{"path climbs out", "claude/post-implement-audit.md", "../../escape"},
                  row{"digest", "\"sha256\":\"2", "\"sha256\":\"G"},
                  row{"detail", "\"detail\":{", "\"detail\":[{"},
                  row{"empty sig", ",\"sig\":\"c2ln\"", ",\"sig\":\"\""},
                  row{"second sig", "\"c2ln\"", "\"c2ln\",\"sig\":\"c2ln\""},
                  row{"escape that needs none", "said-no", "s\\u0061id-no"}}) {
    SCOPED_TRACE(r.name);
    auto bad = parse_line(replaced(line, r.from, r.to));
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().kind, fault::corrupt);
    EXPECT_FALSE(bad.error().detail.empty());
  }
  for (auto& bad : {std::string{}, line + "\n", line + " ", line + line, "[" + line + "]",
                    std::string("null"), std::string("{}")})
    EXPECT_EQ(parse_line(bad).error().kind, fault::corrupt) << bad;
}

TEST(ParseLine, ADeeplyNestedLineIsRefusedNotCrashedOn) {
  std::string deep(2'000'000, '[');
  EXPECT_EQ(parse_line(deep).error().kind, fault::corrupt);
  EXPECT_EQ(parse_line(replaced(to_line(sample()), "0.25", deep)).error().kind, fault::corrupt);
}

TEST(ParseLine, RefusesMovesThatAreNone) {
  auto r = sample();
  r.detail["moved"] =
      json::array({json{{"from", "a"}, {"to", "../b"}, {"sha256", sha256("")}, {"bytes", 0}}});
  EXPECT_FALSE(parse_line(to_line(r)));
  r.detail["moved"] = "a";
  EXPECT_FALSE(parse_line(to_line(r)));
}

TEST(MovesOf, AreThoseOfTheDetail) {
  auto r = sample();
  EXPECT_TRUE(moves_of(r).empty());
  r.detail["moved"] =
      json::array({json{{"from", "a"}, {"to", "old/a"}, {"sha256", sha256("")}, {"bytes", 7}}});
  auto moves = moves_of(r);
  ASSERT_EQ(moves.size(), 1u);
  EXPECT_EQ(moves[0].from, "a");
  EXPECT_EQ(moves[0].to, "old/a");
  EXPECT_EQ(moves[0].sha256, sha256(""));
  EXPECT_EQ(moves[0].bytes, 7u);
  auto again = parse_line(to_line(r));
  ASSERT_TRUE(again);
  EXPECT_EQ(moves_of(*again).size(), 1u);
}

json growth(std::string path, std::uint64_t at, std::string_view chunk) {
  return json{{"path", path}, {"at", at}, {"sha256", sha256(chunk)}, {"bytes", chunk.size()}};
}

TEST(GrowthsOf, AreThoseOfTheDetail) {
  auto r = sample();
  EXPECT_TRUE(growths_of(r).empty());
  r.files = {file_ref{"new", sha256("ab"), 2}, file_ref{"longer", sha256("abc"), 3}};
  r.detail["appended"] = json::array({growth("new", 0, "ab"), growth("longer", 2, "c")});
  auto again = parse_line(to_line(r));
  ASSERT_TRUE(again) << again.error().detail;
  auto all = growths_of(*again);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].path, "longer");
  EXPECT_EQ(all[1].at, 2u);
  EXPECT_EQ(all[1].sha256, sha256("c"));
  EXPECT_EQ(all[1].bytes, 1u);
}

TEST(GrowthsOf, ThatDoNotFitTheFilesAreCorrupt) {
  struct row {
    const char* name;
    json appended;
  };
  const row rows[] = {
      {"no list", "a"},
      {"no object", json::array({"a"})},
      {"no path", json::array({json{{"at", 0}}})},
      {"outside", json::array({growth("../a", 2, "c")})},
      {"not among the files", json::array({growth("b", 2, "c")})},
      {"twice", json::array({growth("a", 2, "c"), growth("a", 2, "c")})},
      {"a hole", json::array({growth("a", 1, "c")})},
      {"behind the end", json::array({growth("a", 3, "c")})},
      {"more than the file", json::array({growth("a", 0, "abcd")})},
      {"nothing", json::array({growth("a", 3, "")})},
      {"another beginning", json::array({growth("a", 0, "abd")})},
      {"an overflow", json::array({json{{"path", "a"},
                                        {"at", std::uint64_t{0} - 1},
                                        {"sha256", sha256("abcd")},
                                        {"bytes", 4}}})},
  };
  auto r = sample();
  r.files = {file_ref{"a", sha256("abc"), 3}};
  r.detail["appended"] = json::array({growth("a", 2, "c")});
  ASSERT_TRUE(parse_line(to_line(r)));
  for (auto& row : rows) {
    r.detail["appended"] = row.appended;
    auto got = parse_line(to_line(r));
    ASSERT_FALSE(got) << row.name;
    EXPECT_EQ(got.error().kind, fault::corrupt) << row.name;
  }
  r.files.push_back(r.files.front());
  r.detail["appended"] = json::array({growth("a", 2, "c")});
  EXPECT_FALSE(parse_line(to_line(r))) << "the file is there twice";
}

// For every possible truncation: no crash, never a longer chain, and exactly
// the whole lines that are left.
TEST(ParseJournal, EveryTruncationGivesAPrefixOfTheChain) {
  auto text = chain_of(6);
  auto whole = parse_journal(text);
  ASSERT_TRUE(whole);
  ASSERT_EQ(whole->size(), 6u);
  for (std::size_t n = 0; n <= text.size(); ++n) {
    auto cut = text.substr(0, n);
    std::size_t torn = 99;
    auto got = parse_journal(cut, &torn);
    ASSERT_TRUE(got) << n;
    auto lines = static_cast<std::size_t>(std::count(cut.begin(), cut.end(), '\n'));
    ASSERT_EQ(got->size(), lines) << n;
    EXPECT_TRUE(std::equal(got->begin(), got->end(), whole->begin()));
    auto last = cut.rfind('\n');
    EXPECT_EQ(torn, last == std::string::npos ? n : n - last - 1);
  }
}

// Any changed byte is noticed, by its own line or by the next one; only in the
// last line may the chain still hold, and then its digest differs.
TEST(ParseJournal, EveryFlippedByteIsNoticed) {
  auto text = chain_of(3);
  auto last_line = text.rfind('\n', text.size() - 2) + 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto bad = text;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    auto got = parse_journal(bad);
    bool noticed = !got || got->size() < 3;
    EXPECT_TRUE(noticed || i >= last_line) << i;
  }
}

TEST(ParseJournal, NamesTheLineThatBreaksTheChain) {
  auto text = chain_of(3);
  auto second = text.find('\n') + 1;
  auto third = text.find('\n', second) + 1;
  auto without_second = text.substr(0, second) + text.substr(third);
  EXPECT_NE(parse_journal(without_second).error().detail.find("line 2"), std::string::npos);
  auto twice = text + text.substr(third);
  EXPECT_NE(parse_journal(twice).error().detail.find("line 4"), std::string::npos);
  auto empty_line = text.substr(0, second) + "\n" + text.substr(second);
  EXPECT_NE(parse_journal(empty_line).error().detail.find("line 2"), std::string::npos);
}

TEST(Time, GoesBothWays) {
  EXPECT_EQ(format_time(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_time(1'795'367'689'123), "2026-11-22T17:14:49.123Z");
  EXPECT_EQ(format_time(-1), "1969-12-31T23:59:59.999Z");
  for (std::int64_t t : {std::int64_t{0}, std::int64_t{951'782'400'000}, std::int64_t{-1},
                         std::int64_t{1'795'367'689'123}})
    EXPECT_EQ(parse_time(format_time(t)).value_or(42), t);
  for (auto bad : {"", "2026-11-22", "2026-02-30T00:00:00.000Z", "2026-11-22T24:00:00.000Z",
                   "2026-11-22T17:14:60.000Z", "2026-11-22t17:14:49.123Z",
                   "2026-11-22T17:14:49.123Z ", "2026-11-22T17:14:4x.123Z"})
    EXPECT_FALSE(parse_time(bad)) << bad;
}

} // namespace
} // namespace ledger
