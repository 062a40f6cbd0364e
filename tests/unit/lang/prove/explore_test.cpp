#include "lang/prove/explore.h"

#include <algorithm>

#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include "tests/unit/lang/prove/programs.h"

namespace piperun::prove {
namespace {

using ir::Delivery;
using ir::StepKind;
using ir::StepMode;
using ir::SystemKind;
using testing::HasSubstr;

Verdict verdict_of(const ir::Program& program, int faults = 2) {
  return explore(program, program.units[0], {.faults = faults})[0];
}

std::string told(const std::vector<std::string>& trace) { return fmt::format("{}", fmt::join(trace, "; ")); }

void erase(std::vector<ir::Step>& list, StepKind kind) {
  ASSERT_GT(std::erase_if(list, [&](const ir::Step& s) { return s.kind == kind; }), 0U);
}

std::size_t at(const std::vector<ir::Step>& list, StepKind kind) {
  return static_cast<std::size_t>(std::ranges::find(list, kind, &ir::Step::kind) - list.begin());
}

void move_before(std::vector<ir::Step>& list, StepKind kind, StepKind before) {
  const std::size_t from = at(list, kind);
  ASSERT_LT(from, list.size());
  const ir::Step step = list[from];
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(from));
  list.insert(list.begin() + static_cast<std::ptrdiff_t>(at(list, before)), step);
}

struct Case {
  Delivery delivery;
  SystemKind domain;
  bool dedup;
};

std::vector<Case> every_case() {
  std::vector<Case> cases;
  for (const Delivery delivery : {Delivery::AtMostOnce, Delivery::AtLeastOnce, Delivery::ExactlyOnce}) {
    for (const SystemKind domain : {SystemKind::Embedded, SystemKind::StateStore, SystemKind::Postgres, SystemKind::Kafka}) {
      cases.push_back({delivery, domain, false});
      if (delivery != Delivery::AtMostOnce) cases.push_back({delivery, domain, true});
    }
  }
  return cases;
}

TEST(Explore, EveryProtocolThatIsEmittedKeepsItsPromise) {
  for (const Case& c : every_case()) {
    const ir::Program program = program_of({.delivery = c.delivery, .domain = c.domain, .sinks = {c.domain}, .dedup = c.dedup});
    const Verdict verdict = verdict_of(program, 3);
    EXPECT_TRUE(verdict.holds(c.delivery)) << "delivery " << static_cast<int>(c.delivery) << " domain "
                                           << static_cast<int>(c.domain) << " dedup " << c.dedup << ": " << words(verdict) << "\n"
                                           << told(verdict.loss) << "\n"
                                           << told(verdict.repeat) << "\n"
                                           << told(verdict.state) << "\n"
                                           << told(verdict.alarm);
  }
}

TEST(Explore, RelaysOfAnOutboxKeepTheirPromise) {
  for (const Delivery delivery : {Delivery::AtMostOnce, Delivery::AtLeastOnce, Delivery::ExactlyOnce}) {
    for (const SystemKind domain : {SystemKind::Embedded, SystemKind::Postgres, SystemKind::Kafka}) {
      for (const auto mode : {ir::CommitMode::Sync, ir::CommitMode::Async, ir::CommitMode::Hybrid}) {
        const ir::Program program =
            program_of({.delivery = delivery, .domain = domain, .sinks = {domain}, .outbox = true, .mode = mode});
        const Verdict verdict = verdict_of(program, 3);
        EXPECT_TRUE(verdict.holds(delivery))
            << static_cast<int>(delivery) << " " << static_cast<int>(domain) << ": " << words(verdict) << "\n"
            << told(verdict.loss) << "\n"
            << told(verdict.repeat) << "\n"
            << told(verdict.alarm);
      }
    }
  }
}

TEST(Explore, NoPromiseIsStrongerThanDeclared) {
  const auto at_most = verdict_of(program_of({.delivery = Delivery::AtMostOnce}));
  EXPECT_EQ(words(at_most), "at most once");
  EXPECT_EQ(
      told(at_most.loss),
      "crash after `commit_offsets(sync)`, before `process`; restart; nobody reads the batch again, and it was never written");
  const auto at_least = verdict_of(program_of({.delivery = Delivery::AtLeastOnce}));
  EXPECT_EQ(words(at_least), "at least once");
  EXPECT_EQ(told(at_least.repeat),
            "crash after `write sink0`, before `commit_offsets(sync)`; restart; the batch is read again; `write sink0` takes "
            "effect a second time");
  EXPECT_EQ(words(verdict_of(program_of({}))), "exactly once");
}

TEST(Explore, AsynchronousCommitsStillLoseNothing) {
  for (const auto mode : {ir::CommitMode::Async, ir::CommitMode::Hybrid}) {
    for (const auto domain : {SystemKind::Embedded, SystemKind::Kafka}) {
      const auto program =
          program_of({.delivery = Delivery::AtLeastOnce, .domain = domain, .sinks = {SystemKind::Http}, .mode = mode});
      EXPECT_EQ(words(verdict_of(program, 3)), "at least once");
    }
  }
}

// The search must be able to fail: far fewer situations would mean that faults are not tried.
TEST(Explore, SeesManySituations) {
  for (const Case& c : every_case()) {
    const ir::Program program = program_of({.delivery = c.delivery, .domain = c.domain, .sinks = {c.domain}, .dedup = c.dedup});
    EXPECT_GT(verdict_of(program, 2).states, 2'000U);
    EXPECT_GT(verdict_of(program, 3).states, verdict_of(program, 2).states);
    EXPECT_LT(verdict_of(program, 0).states, 100U);
  }
}

TEST(Explore, SinkOutsideOfTheTransactionIsRepeated) {
  const auto program = program_of({.sinks = {SystemKind::Embedded, SystemKind::Http}});
  const auto verdicts = explore(program, program.units[0]);
  EXPECT_EQ(words(verdicts[0]), "exactly once");
  EXPECT_EQ(words(verdicts[1]), "at least once");
  EXPECT_EQ(verdicts[1].repeat.front(), "crash after `write sink1`, before `commit`");
  EXPECT_FALSE(verdicts[1].holds(Delivery::ExactlyOnce));
}

TEST(Explore, ReceiverThatIgnoresRepeatsHasAVerdictOfItsOwn) {
  const auto verdict = verdict_of(program_of({.sinks = {SystemKind::Http}, .idempotent = true}));
  EXPECT_EQ(words(verdict), "exactly once, if the receiver ignores what it has already");
  EXPECT_TRUE(verdict.holds(Delivery::ExactlyOnce));
}

// ---- Mutations: each takes one safeguard away, and the search must find what that breaks.

struct Mutation {
  const char* name;
  Shape shape;
  std::function<void(ir::Protocol&)> change;
  const char* words;  // in the trace
};

std::vector<Mutation> mutations() {
  const Shape once{};
  const Shape once_dedup{.dedup = true};
  const Shape once_postgres{.domain = SystemKind::Postgres, .sinks = {SystemKind::Postgres}};
  const Shape once_kafka{.domain = SystemKind::Kafka, .sinks = {SystemKind::Kafka}};
  const Shape once_kafka_dedup{.domain = SystemKind::Kafka, .sinks = {SystemKind::Kafka}, .dedup = true};
  const Shape at_least{.delivery = Delivery::AtLeastOnce};
  const Shape at_most{.delivery = Delivery::AtMostOnce};
  const Shape at_most_kafka{.delivery = Delivery::AtMostOnce, .domain = SystemKind::Kafka, .sinks = {SystemKind::Http}};
  const Shape at_least_kafka{.delivery = Delivery::AtLeastOnce, .domain = SystemKind::Kafka, .sinks = {SystemKind::Kafka}};
  const Shape at_most_to_kafka{.delivery = Delivery::AtMostOnce, .domain = SystemKind::Kafka, .sinks = {SystemKind::Kafka}};
  const Shape relay{.domain = SystemKind::Kafka, .sinks = {SystemKind::Kafka}, .outbox = true};
  const Shape relay_to_rows{.domain = SystemKind::Postgres, .sinks = {SystemKind::Postgres}, .outbox = true};
  const Shape at_least_relay{
      .delivery = Delivery::AtLeastOnce, .domain = SystemKind::Postgres, .sinks = {SystemKind::Kafka}, .outbox = true};
  return {
      {"no fence", once, [](auto& p) { erase(p.batch, StepKind::Fence); }, "second time"},
      {"a fence that compares nothing", once,
       [](auto& p) { p.batch[at(p.batch, StepKind::Fence)].kind = StepKind::StoreOffsets; }, "paused process wakes up"},
      {"no begin: each step by itself", once, [](auto& p) { erase(p.batch, StepKind::Begin); }, "crash"},
      {"no commit", once, [](auto& p) { erase(p.batch, StepKind::Commit); }, "no fault is needed"},
      {"the transaction is split: output first", once,
       [](auto& p) {
         auto& write = p.batch[at(p.batch, StepKind::Write)];
         write.in_transaction = false;
       },
       "crash after `write sink0`, before `commit`"},
      {"the transaction is split: position first", once,
       [](auto& p) {
         move_before(p.batch, StepKind::Commit, StepKind::Write);
         p.batch[at(p.batch, StepKind::Write)].in_transaction = false;
       },
       "crash after `commit`"},
      {"dead letters outside of the transaction", once,
       [](auto& p) { p.batch[at(p.batch, StepKind::PutState)].in_transaction = false; }, "does not fit"},
      {"keys stored before the transaction", once_dedup,
       [](auto& p) {
         p.batch[at(p.batch, StepKind::ClaimKeys)].in_transaction = false;
         move_before(p.batch, StepKind::ClaimKeys, StepKind::Begin);
       },
       "crash after `claim_keys`"},
      {"recovery reads without waiting", once_postgres,
       [](auto& p) { p.on_unclear[at(p.on_unclear, StepKind::ReadPosition)].mode = StepMode::Plain; }, "the owner stops itself"},
      {"at most once: recovery reads without waiting", at_most,
       [](auto& p) { p.on_unclear[at(p.on_unclear, StepKind::ReadPosition)].mode = StepMode::Plain; }, "a second time"},
      {"no claim", once, [](auto& p) { erase(p.on_assign, StepKind::Claim); }, "the owner stops itself"},
      {"recovery does not ask what is stored", at_most, [](auto& p) { erase(p.on_unclear, StepKind::ReadPosition); },
       "answer to"},
      {"no claim, and a fence that compares nothing", once,
       [](auto& p) {
         erase(p.on_assign, StepKind::Claim);
         p.batch[at(p.batch, StepKind::Fence)].kind = StepKind::StoreOffsets;
       },
       ""},
      {"kafka: no membership check", once_kafka, [](auto& p) { erase(p.batch, StepKind::CheckMembership); },
       "paused process wakes up"},
      {"kafka: positions outside of the transaction", once_kafka,
       [](auto& p) {
         move_before(p.batch, StepKind::StoreOffsets, StepKind::Begin);
         p.batch[at(p.batch, StepKind::StoreOffsets)].in_transaction = false;
       },
       "crash after `store_offsets`"},
      {"kafka: positions early, of an earlier transaction", once_kafka,
       [](auto& p) {
         erase(p.batch, StepKind::StoreOffsets);
         p.batch.insert(p.batch.begin() + 1, {StepKind::CommitOffsets, ir::kNone, StepMode::Sync, false});
       },
       "crash after `commit_offsets(sync)`"},
      {"kafka: state applied before the commit is known", once_kafka_dedup,
       [](auto& p) { move_before(p.batch, StepKind::ApplyState, StepKind::Commit); }, "does not fit"},
      {"kafka: recovery reads without waiting", once_kafka,
       [](auto& p) {
         for (auto* list : {&p.on_unclear, &p.on_assign}) (*list)[at(*list, StepKind::ReadPosition)].mode = StepMode::Plain;
       },
       ""},
      {"at least once: position before output", at_least,
       [](auto& p) { move_before(p.batch, StepKind::CommitOffsets, StepKind::Write); }, "crash after `commit_offsets(sync)`"},
      {"at least once: nobody waits for the producer", at_least_kafka, [](auto& p) { erase(p.batch, StepKind::Await); },
       "what it had queued was not sent"},
      {"at least once: the producer is awaited behind the position", at_least_kafka,
       [](auto& p) { move_before(p.batch, StepKind::CommitOffsets, StepKind::Await); }, "crash after `commit_offsets(sync)`"},
      {"at least once: the producer is awaited before it has anything", at_least_kafka,
       [](auto& p) { move_before(p.batch, StepKind::Await, StepKind::Write); }, "what it had queued was not sent"},
      {"at most once: the queue is sent before the position is stored", at_most_to_kafka,
       [](auto& p) {
         const ir::Step step = p.batch[at(p.batch, StepKind::CommitOffsets)];
         erase(p.batch, StepKind::CommitOffsets);
         p.batch.push_back(step);
       },
       "what it had queued was sent"},
      {"at least once: keys before output",
       {.delivery = Delivery::AtLeastOnce, .dedup = true},
       [](auto& p) { move_before(p.batch, StepKind::ClaimKeys, StepKind::Write); },
       "crash after `claim_keys`"},
      {"at most once: position after output", at_most,
       [](auto& p) {
         const ir::Step step = p.batch[at(p.batch, StepKind::CommitOffsets)];
         erase(p.batch, StepKind::CommitOffsets);
         p.batch.push_back(step);
       },
       "crash after `write sink0`"},
      {"at most once: a late request is not refused", at_most_kafka,
       [](auto& p) { erase(p.on_unclear, StepKind::ReopenConsumer); }, "on its way takes effect only now"},
      {"at most once: nobody waits for the position", at_most,
       [](auto& p) { p.batch[at(p.batch, StepKind::CommitOffsets)].mode = StepMode::Async; }, "crash"},
      {"outbox: rows are removed before the commit", relay,
       [](auto& p) { move_before(p.batch, StepKind::DeleteSent, StepKind::Commit); }, "its rows are gone"},
      {"outbox: rows are removed beside the commit", relay_to_rows,
       [](auto& p) { move_before(p.batch, StepKind::DeleteSent, StepKind::PutState); }, "crash after `delete_sent`"},
      {"outbox: rows are removed when they are read", relay,
       [](auto& p) { move_before(p.batch, StepKind::DeleteSent, StepKind::Process); }, "its rows are gone"},
      {"outbox: at least once: rows are removed before they are written", at_least_relay,
       [](auto& p) { move_before(p.batch, StepKind::DeleteSent, StepKind::Write); }, "its rows are gone"},
      {"outbox: at least once: rows are removed before the producer is awaited", at_least_relay,
       [](auto& p) { move_before(p.batch, StepKind::DeleteSent, StepKind::Await); }, "its rows are gone"},
      {"outbox: rows get no number", relay,
       [](auto& p) {
         erase(p.batch, StepKind::NumberRows);
         erase(p.on_assign, StepKind::NumberRows);
       },
       "no fault is needed"},
      {"outbox: rows get their number when nothing was read", relay,
       [](auto& p) {
         const ir::Step step = p.batch[at(p.batch, StepKind::NumberRows)];
         erase(p.batch, StepKind::NumberRows);
         p.batch.insert(p.batch.begin() + static_cast<std::ptrdiff_t>(at(p.batch, StepKind::Process)), step);
       },
       "no fault is needed"},
  };
}

TEST(Mutations, EachIsRefuted) {
  for (const Mutation& mutation : mutations()) {
    ir::Program program = program_of(mutation.shape);
    ASSERT_TRUE(verdict_of(program, 3).holds(program.delivery)) << mutation.name << ": the unchanged protocol";
    mutation.change(program.units[0].protocol);
    const Verdict verdict = verdict_of(program, 3);
    EXPECT_FALSE(verdict.holds(program.delivery)) << mutation.name << " is not noticed";
    const std::string all =
        told(verdict.loss) + "; " + told(verdict.repeat) + "; " + told(verdict.state) + "; " + told(verdict.alarm);
    EXPECT_THAT(all, HasSubstr(mutation.words)) << mutation.name;
    EXPECT_GT(all.size(), 10U) << mutation.name << " has no counterexample";
  }
}

}  // namespace
}  // namespace piperun::prove
