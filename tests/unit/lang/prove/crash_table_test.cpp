#include "lang/prove/crash_table.h"

#include <map>

#include <gmock/gmock.h>

#include "tests/unit/lang/prove/programs.h"

namespace piperun::prove {
namespace {

using ir::Delivery;
using ir::SystemKind;

constexpr Effects kLost{0, 0}, kOnce{1, 1}, kTwice{2, 2}, kOnceOrLost{0, 1}, kOnceOrTwice{1, 2};

TEST(CrashTable, ExactlyOnceIsOnceBehindEveryStep) {
  const auto program = program_of({.sinks = {SystemKind::Embedded, SystemKind::Embedded}, .dedup = true});
  const auto table = crash_table(program, program.units[0]);
  ASSERT_EQ(table.size(), program.units[0].protocol.batch.size());
  bool committed = false;
  for (const CrashRow& row : table) {
    committed = committed || row.step == "commit";
    EXPECT_EQ(row.position_moved, committed) << row.step;
    EXPECT_THAT(row.visible, testing::Each(committed ? kOnce : kLost)) << row.step;
    EXPECT_THAT(row.finally, testing::ElementsAre(kOnce, kOnce)) << row.step;
  }
}

TEST(CrashTable, AtLeastOnceRepeatsWhatWasWritten) {
  const auto program = program_of({.delivery = Delivery::AtLeastOnce, .sinks = {SystemKind::Embedded, SystemKind::Stdout}});
  for (const CrashRow& row : crash_table(program, program.units[0])) {
    if (row.step == "process") { EXPECT_THAT(row.finally, testing::ElementsAre(kOnce, kOnce)); }
    if (row.step == "write sink0") { EXPECT_THAT(row.finally, testing::ElementsAre(kTwice, kOnce)); }
    if (row.step == "write sink1") { EXPECT_THAT(row.finally, testing::ElementsAre(kTwice, kTwice)); }
    if (row.step == "commit_offsets(sync)") { EXPECT_THAT(row.finally, testing::ElementsAre(kOnce, kOnce)); }
  }
}

TEST(CrashTable, AtMostOnceLosesWhatWasNotWritten) {
  const auto program = program_of({.delivery = Delivery::AtMostOnce, .sinks = {SystemKind::Embedded, SystemKind::Stdout}});
  for (const CrashRow& row : crash_table(program, program.units[0])) {
    if (row.step == "fetch") { EXPECT_THAT(row.finally, testing::ElementsAre(kOnce, kOnce)); }
    if (row.step == "commit_offsets(sync)") { EXPECT_THAT(row.finally, testing::ElementsAre(kLost, kLost)); }
    if (row.step == "write sink0") { EXPECT_THAT(row.finally, testing::ElementsAre(kOnce, kLost)); }
    if (row.step == "write sink1") { EXPECT_THAT(row.finally, testing::ElementsAre(kOnce, kOnce)); }
  }
}

// A Kafka producer has sent what it was given, or not, until it is awaited.
TEST(CrashTable, WhatIsQueuedIsSentOrNot) {
  const auto table_of = [](Delivery delivery) {
    const auto program =
        program_of({.delivery = delivery, .domain = SystemKind::Kafka, .sinks = {SystemKind::Kafka, SystemKind::Stdout}});
    std::map<std::string, std::vector<Effects>> rows;
    for (const CrashRow& row : crash_table(program, program.units[0])) rows[row.step] = row.finally;
    return rows;
  };
  auto at_most = table_of(Delivery::AtMostOnce);
  EXPECT_THAT(at_most["process"], testing::ElementsAre(kLost, kLost));
  EXPECT_THAT(at_most["write sink0"], testing::ElementsAre(kOnceOrLost, kLost));
  EXPECT_THAT(at_most["write sink1"], testing::ElementsAre(kOnceOrLost, kOnce));
  EXPECT_THAT(at_most["await sink0"], testing::ElementsAre(kOnce, kOnce));
  auto at_least = table_of(Delivery::AtLeastOnce);
  EXPECT_THAT(at_least["process"], testing::ElementsAre(kOnce, kOnce));
  EXPECT_THAT(at_least["write sink0"], testing::ElementsAre(kOnceOrTwice, kOnce));
  EXPECT_THAT(at_least["write sink1"], testing::ElementsAre(kOnceOrTwice, kTwice));
  EXPECT_THAT(at_least["await sink0"], testing::ElementsAre(kTwice, kTwice));
  EXPECT_THAT(at_least["commit_offsets(sync)"], testing::ElementsAre(kOnce, kOnce));
  EXPECT_EQ(words(kOnceOrLost), "once or lost");
  EXPECT_EQ(words(kOnceOrTwice), "once or twice");
}

}  // namespace
}  // namespace piperun::prove
