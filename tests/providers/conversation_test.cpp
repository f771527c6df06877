// Turns as lines: what is written is read back, and nothing else is.

#include "providers/conversation.hpp"
#include "providers/dialect.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tests {
namespace {

using ledger::json;
using providers::line_of;
using providers::tool_result;
using providers::turn;
using providers::turns_of;

const std::string digest(64, 'a');

std::string written(const std::vector<turn>& turns) {
  std::string all;
  std::vector<tool_result> before;
  for (auto& t : turns) {
    all += line_of(t, before, digest).dump() + "\n";
    before = t.results;
  }
  return all;
}

/// Everything of a turn, so that two can be compared to the byte.
std::string spelled(const turn& t) {
  return line_of(t, t.results, digest).dump();
}

struct dice {
  std::mt19937 source;
  std::size_t up_to(std::size_t most) {
    return std::uniform_int_distribution<std::size_t>(0, most)(source);
  }
  std::string text() {
    static const std::vector<std::string> pieces{"a",    "\n",        "\"",
                                                 "\\",   "é",         "日本",
                                                 "\x01", "\x7f",      "\xf0\x9f\x98\x80",
                                                 "}",    "{\"a\":1}", std::string(1, '\0'),
                                                 " "};
    std::string all;
    for (auto n = up_to(8); n > 0; --n)
      all += pieces[up_to(pieces.size() - 1)];
    return all;
  }
  json value(int depth) {
    switch (up_to(depth > 0 ? 8 : 6)) {
      case 0:
        return nullptr;
      case 1:
        return up_to(1) == 1;
      case 2:
        return -static_cast<std::int64_t>(up_to(1'000'000));
      case 3:
        return std::numeric_limits<std::uint64_t>::max() - up_to(5);
      case 4:
        return static_cast<double>(up_to(1'000'000)) / 7.0;
      case 5:
      case 6:
        return text();
      case 7: {
        json all = json::array();
        for (auto n = up_to(4); n > 0; --n)
          all.push_back(value(depth - 1));
        return all;
      }
      default:
        return object(depth - 1);
    }
  }
  json object(int depth) {
    json all = json::object();
    for (auto n = up_to(4); n > 0; --n)
      all[text()] = value(depth);
    return all;
  }
  turn any_turn(bool last) {
    turn t;
    t.raw = value(5);
    t.text = text();
    for (auto n = up_to(3); n > 0; --n)
      t.calls.push_back({text(), "n" + text(), object(4)});
    if (!last)
      for (std::size_t i = 0; i < t.calls.size(); ++i)
        t.results.push_back({text(), up_to(1) == 1});
    t.used = {up_to(1'000'000), up_to(9), std::numeric_limits<std::uint64_t>::max(), up_to(9)};
    return t;
  }
};

turn calling() {
  turn t;
  t.raw = json{{"signature", "c2ln"}};
  t.text = "I look.";
  t.calls = {{"c1", "read_file", json{{"path", "a"}}}, {"", "list_files", json::object()}};
  t.results = {{"text", false}, {"refused", true}};
  t.used = {1, 2, 3, 4};
  return t;
}

TEST(conversation, ALineIsAsTheHeaderSays) {
  turn t = calling();
  EXPECT_EQ(line_of(t, {{"before", true}}, digest).dump(),
            R"({"request_sha256":")" + digest
                + R"(","results":[{"content":"before","is_error":true}],)"
                  R"("answer":{"raw":{"signature":"c2ln"},"text":"I look.","calls":[)"
                  R"({"id":"c1","name":"read_file","arguments":{"path":"a"}},)"
                  R"({"id":"","name":"list_files","arguments":{}}],)"
                  R"("used":{"input":1,"cached":2,"written":3,"output":4}}})");
}

TEST(conversation, WhatIsWrittenIsReadBackExactly) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    dice d{std::mt19937(seed)};
    std::vector<turn> turns;
    auto count = d.up_to(6);
    for (std::size_t i = 0; i < count; ++i)
      turns.push_back(d.any_turn(i + 1 == count));
    auto read = turns_of(written(turns));
    ASSERT_TRUE(read) << read.error().detail;
    ASSERT_EQ(read->size(), turns.size());
    for (std::size_t i = 0; i < turns.size(); ++i) {
      EXPECT_EQ(spelled((*read)[i]), spelled(turns[i]));
      EXPECT_EQ((*read)[i].text, turns[i].text);
      EXPECT_EQ((*read)[i].used, turns[i].used);
      EXPECT_EQ((*read)[i].results.size(), turns[i].results.size());
    }
  }
}

TEST(conversation, TheLastTurnHasNoResultsYet) {
  turn done;
  done.text = "Done.";
  auto read = turns_of(written({calling(), done}));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ((*read)[0].results.size(), 2U);
  EXPECT_TRUE((*read)[0].results[1].is_error);
  EXPECT_TRUE((*read)[1].results.empty());
  auto one = turns_of(written({calling()}));
  ASSERT_TRUE(one);
  EXPECT_TRUE(one->front().results.empty());
  EXPECT_EQ(turns_of("")->size(), 0U);
}

TEST(conversation, ARequestIsTheSameAfterARestartWhateverFilesHold) {
  auto t = calling();
  t.results[0].content = "bytes \xff\xfe\xc3 and \xed\xa0\x80 of a file";
  auto read = turns_of(written({t, calling()}));
  ASSERT_TRUE(read) << read.error().detail;
  for (auto* kind : {"gemini", "anthropic", "openai", "openai-chat"}) {
    auto speaks = providers::dialect_of(kind);
    providers::model_settings m{"https://ai.example", "", "m", 1};
    providers::prompt p{"s", {"p"}, {}, ""};
    EXPECT_EQ(speaks->write(m, p, {&t, 1}).body, speaks->write(m, p, {read->data(), 1}).body)
        << kind;
  }
}

TEST(conversation, WhatIsNoLineOfOursIsCorruptAndNamed) {
  // Before it stands a turn without calls: no row is refused for its results.
  turn quiet;
  quiet.text = "Hm.";
  auto good = written({quiet});
  auto line = line_of(calling(), {}, digest).dump();
  ASSERT_TRUE(turns_of(good + line + "\n"));
  auto changed = [&](const std::string& from, const std::string& to) {
    auto at = line.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return std::string(line).replace(at, from.size(), to);
  };
  struct {
    const char* name;
    std::string second;
  } rows[] = {
      {"html", "<html>"},
      {"empty", ""},
      {"null", "null"},
      {"list", "[]"},
      {"object", "{}"},
      {"torn", line.substr(0, line.size() / 2)},
      {"spaces", changed(":", ": ")},
      {"no digest", changed(digest, "abc")},
      {"upper case digest", changed(digest, std::string(64, 'A'))},
      {"unknown key", changed("\"answer\":{", "\"answer\":{\"more\":1,")},
      {"repeated key", changed("\"answer\":{", "\"answer\":{\"raw\":1,")},
      {"text a number", changed("\"I look.\"", "7")},
      {"negative count", changed("\"input\":1", "\"input\":-1")},
      {"count a text", changed("\"input\":1", "\"input\":\"1\"")},
      {"fraction", changed("\"input\":1", "\"input\":1.5")},
      {"arguments a list", changed("{\"path\":\"a\"}", "[]")},
      {"call without name", changed("\"read_file\"", "\"\"")},
      {"not UTF-8", changed("I look.", "\xff")},
      {"too deep", std::string(100'000, '[')},
  };
  for (auto& r : rows) {
    auto read = turns_of(good + r.second + "\n");
    ASSERT_FALSE(read) << r.name;
    EXPECT_EQ(read.error().kind, ledger::fault::corrupt) << r.name;
    EXPECT_NE(read.error().detail.find("line 2"), std::string::npos)
        << r.name << read.error().detail;
  }
}

TEST(conversation, ResultsMustFitTheCallsBeforeThem) {
  auto t = calling();
  auto first = line_of(t, {}, digest).dump() + "\n";
  EXPECT_FALSE(turns_of(first + line_of(t, {{"one", false}}, digest).dump()));
  EXPECT_TRUE(turns_of(first + line_of(t, {{"one", false}, {"two", false}}, digest).dump()));
  auto lonely = turns_of(line_of(t, {{"one", false}}, digest).dump());
  ASSERT_FALSE(lonely);
  EXPECT_NE(lonely.error().detail.find("line 1"), std::string::npos);
}

} // namespace
} // namespace tests
