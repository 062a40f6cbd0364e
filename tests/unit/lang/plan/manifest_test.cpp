#include "lang/plan/manifest.h"

#include <algorithm>
#include <functional>

#include <gmock/gmock.h>

namespace piperun::plan {
namespace {

using diag::Code;
using testing::ElementsAre;
using testing::IsEmpty;

Manifest example() {
  Manifest m;
  m.id = "orders";
  m.unit = "orders.shop";
  m.program = "00ff";
  m.delivery = "exactly_once";
  m.domain = "shop";
  m.domain_kind = "postgres";
  m.sources = {{"orders", "orders", 3}};
  m.sinks = {"order_lines"};
  m.places = {"lines"};
  m.operators = {{"paid.dedup", "dedup", {"string", "int64"}, 86'400'000'000, {"order_id", "line.sku"}}};
  return m;
}

TEST(Manifest, IsReadAsItWasWritten) {
  Manifest m = example();
  m.sinks.push_back("a \"quoted\" \\ name\nwith \x01 all");
  const auto read = parse_manifest(to_text(m));
  ASSERT_TRUE(read.has_value()) << read.error();
  EXPECT_EQ(*read, m);
  EXPECT_EQ(to_text(*read), to_text(m));
}

TEST(Manifest, ARunThatHasEndedSaysSo) {
  Manifest m = example();
  EXPECT_FALSE(parse_manifest(to_text(m))->ended);
  m.until = "2026-02-01T00:00:00Z";
  m.ended = true;
  EXPECT_EQ(parse_manifest(to_text(m)), m);
  EXPECT_EQ(compare(m, example()).outcome, Outcome::Equal) << "what it does is the same";
}

TEST(Manifest, DamagedOrNewerTextsAreNotGuessed) {
  const std::string text = to_text(example());
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(parse_manifest(text.substr(0, size)).has_value()) << size;
  EXPECT_FALSE(parse_manifest("{\"format\":2}").has_value());
  EXPECT_EQ(compare("{}", text).code, Code::P0519);
  EXPECT_FALSE(parse_manifest(std::string(10'000, '[')).has_value());
}

struct Case {
  const char* name;
  std::function<void(Manifest&)> change;  // of what is stored into what is now
  Outcome outcome;
  std::optional<Code> code;
  Upgrade answer;  // makes it Compatible
};

std::vector<Case> cases() {
  return {
      {"nothing", [](Manifest&) {}, Outcome::Equal, {}, Upgrade::None},
      {"a stage added", [](Manifest& m) { m.program = "1234"; }, Outcome::Compatible, {}, Upgrade::None},
      {"a sink added", [](Manifest& m) { m.sinks.push_back("more"); }, Outcome::Compatible, {}, Upgrade::None},
      {"another table", [](Manifest& m) { m.places = {"lines2"}; }, Outcome::Compatible, {}, Upgrade::None},
      {"a second flow on a new source",
       [](Manifest& m) { m.sources.push_back({"returns", "returns", 1}); },
       Outcome::Compatible,
       {},
       Upgrade::None},
      {"another key", [](Manifest& m) { m.operators[0].key = {"int64"}; }, Outcome::Refused, Code::P0511, Upgrade::Reset},
      {"another field", [](Manifest& m) { m.operators[0].fields = {"customer_id", "line.sku"}; }, Outcome::Refused, Code::P0511,
       Upgrade::Reset},
      {"a field renamed", [](Manifest& m) { m.operators[0].fields = {"id", "line.sku"}; }, Outcome::Refused, Code::P0511,
       Upgrade::Migrate},
      {"fields in another order", [](Manifest& m) { std::ranges::reverse(m.operators[0].fields); }, Outcome::Refused, Code::P0511,
       Upgrade::Reset},
      {"another window", [](Manifest& m) { m.operators[0].within /= 2; }, Outcome::Refused, Code::P0512, Upgrade::Keep},
      {"a flow renamed", [](Manifest& m) { m.operators[0].name = "lines.dedup"; }, Outcome::Refused, Code::P0513,
       Upgrade::Migrate},
      {"a dedup removed", [](Manifest& m) { m.operators.clear(); }, Outcome::Refused, Code::P0513, Upgrade::Reset},
      {"a dedup added", [](Manifest& m) { m.operators.push_back({"x.dedup", "dedup", {"bool"}, 1}); }, Outcome::Refused,
       Code::P0514, Upgrade::Keep},
      {"a source removed", [](Manifest& m) { m.sources = {{"other", "other", 1}}; }, Outcome::Refused, Code::P0517,
       Upgrade::Keep},
      {"another topic", [](Manifest& m) { m.sources[0].topic = "orders2"; }, Outcome::Refused, Code::P0517, Upgrade::Keep},
      {"more partitions", [](Manifest& m) { m.sources[0].partitions = 4; }, Outcome::Refused, Code::P0518, Upgrade::Reset},
      {"another promise", [](Manifest& m) { m.delivery = "at_least_once"; }, Outcome::Refused, Code::P0520, Upgrade::Keep},
  };
}

TEST(Upgrade, EachChangeHasItsDecision) {
  for (const Case& c : cases()) {
    const Manifest stored = example();
    Manifest now = example();
    c.change(now);
    const Decision decision = compare(to_text(stored), to_text(now));
    EXPECT_EQ(decision.outcome, c.outcome) << c.name << "\n" << words(decision);
    EXPECT_EQ(decision.code, c.code) << c.name;
    if (!c.code) continue;
    EXPECT_EQ(compare(stored, now, c.answer).outcome, Outcome::Compatible) << c.name;
    EXPECT_FALSE(decision.changes.empty()) << c.name;
  }
}

TEST(Upgrade, ASinkThatWritesElsewhereIsNamed) {
  Manifest now = example();
  now.sinks = {"other", "order_lines"};
  now.places = {"other", "lines2"};
  EXPECT_THAT(
      compare(example(), now).changes,
      ElementsAre("the sinks have changed",
                  "`order_lines` wrote to `lines` and writes to `lines2` from now on; what was written stays where it is"));
  Manifest older = example();
  older.places.clear();
  EXPECT_THAT(compare(older, example()).changes, IsEmpty());
}

TEST(Upgrade, TheWrongAnswerMendsNothing) {
  Manifest now = example();
  now.operators[0].key = {"int64"};
  EXPECT_EQ(compare(example(), now, Upgrade::Keep).code, Code::P0511);
}

TEST(Upgrade, AnotherFieldOfTheSameTypeIsNamed) {
  Manifest now = example();
  now.operators[0].fields = {"customer_id", "line.sku"};
  const Decision asked = compare(example(), now);
  EXPECT_THAT(asked.changes,
              ElementsAre("the key of `paid.dedup` was `order_id`, `line.sku` (string, int64) and is `customer_id`, "
                          "`line.sku` (string, int64) now"));
  EXPECT_THAT(asked.ways, ElementsAre(Upgrade::Migrate, Upgrade::Reset));
  EXPECT_EQ(compare(example(), now, Upgrade::Keep).code, Code::P0511);
  EXPECT_THAT(compare(example(), now, Upgrade::Reset).keys, ElementsAre(StateMove{"paid.dedup", ""}));
  EXPECT_THAT(compare(example(), now, Upgrade::Migrate).keys, IsEmpty());
}

TEST(Upgrade, KeysOfAnotherTypeDoNotGoOn) {
  Manifest now = example();
  now.operators[0].key = {"string", "string"};
  EXPECT_THAT(compare(example(), now).ways, ElementsAre(Upgrade::Reset));
  EXPECT_EQ(compare(example(), now, Upgrade::Migrate).code, Code::P0511);
}

TEST(Upgrade, FieldsThatWereNotStoredAreNotCompared) {
  Manifest older = example();
  older.operators[0].fields.clear();
  EXPECT_EQ(to_text(older).find("fields"), std::string::npos);
  EXPECT_EQ(parse_manifest(to_text(older)), older);
  EXPECT_EQ(compare(older, example()).outcome, Outcome::Equal);
  Manifest now = example();
  now.operators[0].name = "lines.dedup";
  EXPECT_THAT(compare(older, now, Upgrade::Migrate).keys, ElementsAre(StateMove{"paid.dedup", "lines.dedup"}));
}

Manifest moved_example() {
  Manifest now = example();
  now.unit = "orders.other";
  now.domain = "other";
  return now;
}

TEST(Upgrade, AUnitWhoseSinkMovedHasMoved) {
  const auto asked = compare(std::vector{example()}, std::vector{moved_example()});
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].outcome, Outcome::Moved);
  EXPECT_EQ(asked[0].from, "orders.shop");
  EXPECT_EQ(asked[0].code, Code::P0515);
  const auto told = compare(std::vector{example()}, std::vector{moved_example()}, Upgrade::Migrate);
  EXPECT_FALSE(told[0].code.has_value());
  EXPECT_THAT(told[0].keys, ElementsAre(StateMove{"paid.dedup", "paid.dedup"}));
  EXPECT_THAT(told[0].left_behind->moved_to, ElementsAre("orders.other"));
  EXPECT_THAT(compare(std::vector{example()}, std::vector{moved_example()}, Upgrade::Reset)[0].keys,
              ElementsAre(StateMove{"paid.dedup", ""}));
}

TEST(Upgrade, AMoveTakesNoKeysOfAnotherField) {
  Manifest now = moved_example();
  now.operators[0].fields = {"customer_id", "line.sku"};
  const auto told = compare(std::vector{example()}, std::vector{now}, Upgrade::Migrate);
  EXPECT_EQ(told[0].code, Code::P0511);
  EXPECT_THAT(told[0].ways, ElementsAre(Upgrade::Reset));
  EXPECT_THAT(compare(std::vector{example()}, std::vector{now}, Upgrade::Reset)[0].keys,
              ElementsAre(StateMove{"paid.dedup", ""}));
}

TEST(Upgrade, KeysDoNotGoToASystemOfAnotherKind) {
  Manifest now = moved_example();
  now.domain_kind = "kafka";
  EXPECT_EQ(compare(std::vector{example()}, std::vector{now}, Upgrade::Migrate)[0].code, Code::P0516);
  EXPECT_FALSE(compare(std::vector{example()}, std::vector{now}, Upgrade::Reset)[0].code.has_value());
  Manifest stored = example();
  stored.operators.clear();
  now.operators.clear();
  EXPECT_EQ(compare(std::vector{stored}, std::vector{now})[0].code, Code::P0515);
}

TEST(Upgrade, AMoveThatDidNotGetToItsEndGoesOn) {
  Manifest second = moved_example();
  second.unit = "orders.third";
  const std::vector now{moved_example(), second};
  const auto both = compare(std::vector{example()}, now, Upgrade::Migrate);
  EXPECT_THAT(both[1].left_behind->moved_to, ElementsAre("orders.other", "orders.third"));
  // The first one has begun, then the process died.
  const auto rest = compare(std::vector{*both[1].left_behind, moved_example()}, now, Upgrade::Migrate);
  EXPECT_EQ(rest[0].outcome, Outcome::Equal);
  EXPECT_EQ(rest[1].outcome, Outcome::Moved);
  // A unit that was not named is new, and takes nothing.
  Manifest fourth = second;
  fourth.unit = "orders.fourth";
  EXPECT_EQ(compare(std::vector{*both[1].left_behind, moved_example(), second}, {moved_example(), second, fourth})[2].outcome,
            Outcome::New);
}

TEST(Upgrade, WhatHasMovedAwayDoesNotGoOn) {
  Manifest stored = example();
  stored.moved_to = {"orders.other"};
  const auto refused = compare(std::vector{stored, moved_example()}, {example(), moved_example()});
  EXPECT_EQ(refused[0].outcome, Outcome::Refused);
  EXPECT_EQ(compare(std::vector{stored, moved_example()}, {example(), moved_example()}, Upgrade::Reset)[0].outcome, Outcome::New);
  const auto back = compare(std::vector{stored, moved_example()}, {example()}, Upgrade::Migrate);
  EXPECT_EQ(back[0].outcome, Outcome::Moved);
  EXPECT_EQ(back[0].from, "orders.other");
}

TEST(Upgrade, TwoUnitsDoNotBecomeOne) {
  Manifest other = moved_example(), now = moved_example();
  now.unit = "orders.third";
  const auto refused = compare(std::vector{example(), other}, {now}, Upgrade::Migrate);
  EXPECT_EQ(refused[0].outcome, Outcome::Refused);
}

TEST(Upgrade, TheKeysOfARenamedStageHaveAnHeir) {
  Manifest now = example();
  now.operators[0].name = "lines.dedup";
  EXPECT_THAT(compare(example(), now, Upgrade::Migrate).keys, ElementsAre(StateMove{"paid.dedup", "lines.dedup"}));
  EXPECT_THAT(compare(example(), now, Upgrade::Reset).keys, ElementsAre(StateMove{"paid.dedup", ""}));
  EXPECT_EQ(compare(example(), now, Upgrade::Keep).code, Code::P0513);
}

TEST(Upgrade, AStageOfAnotherFieldIsNoHeir) {
  Manifest now = example();
  now.operators[0].name = "lines.dedup";
  now.operators[0].fields = {"customer_id", "line.sku"};
  EXPECT_NE(compare(example(), now, Upgrade::Migrate).outcome, Outcome::Compatible);
  EXPECT_THAT(compare(example(), now, Upgrade::Reset).keys, ElementsAre(StateMove{"paid.dedup", ""}));
}

TEST(Upgrade, NewAndGoneUnits) {
  Manifest now = example();
  now.unit = "clicks.shop";
  now.sources = {{"clicks", "clicks", 1}};
  std::vector<Outcome> outcomes;
  for (const Decision& d : compare(std::vector{example()}, std::vector{now})) outcomes.push_back(d.outcome);
  EXPECT_THAT(outcomes, ElementsAre(Outcome::New, Outcome::Gone));
  EXPECT_THAT(compare(std::vector<Manifest>{}, std::vector<Manifest>{}), IsEmpty());
}

}  // namespace
}  // namespace piperun::plan
