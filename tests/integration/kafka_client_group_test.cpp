// Reading as a member of a consumer group, from a real broker.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <thread>

#include "runtime/commit/kafka/admin.h"
#include "runtime/commit/kafka/groups.h"
#include "runtime/commit/kafka/producer.h"
#include "runtime/connectors/kafka/group.h"
#include "tests/integration/kafka_client.h"

namespace piperun::kafka {
namespace {

using base::ErrorCode;
using commit::PartitionName;
using connectors::Group;
using connectors::StartAt;
using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

ClientSettings client() {
  ClientSettings settings;
  settings.brokers = integration::server("KAFKA_BOOTSTRAP");
  return settings;
}

std::unique_ptr<KafkaGroup> join(const std::string& group, const std::string& topic, ConsumerSettings settings = {}) {
  settings.group = group;
  auto opened = KafkaGroup::open(client(), settings, {{0, topic}});
  if (!opened) throw std::runtime_error(opened.error().message);
  return std::move(*opened);
}

// What one member does in its thread: reads from what the group has committed, and commits everything it read when it must let go.
class Member {
 public:
  Member(std::string group, const std::string& topic, ConsumerSettings settings = {})
      : group_(join(group, topic, std::move(settings))) {}

  // One poll; false: nothing came.
  bool step(std::int64_t wait = 50'000) {
    auto polled = group_->poll(wait, true, 1000, 1 << 20);
    EXPECT_TRUE(polled) << polled.error().message;
    if (!polled) return false;
    switch (polled->change) {
      case Group::Change::Assigned: assigned(polled->partitions); return true;
      case Group::Change::Revoked: commit(); [[fallthrough]];
      case Group::Change::Lost: let_go(*polled); return true;
      case Group::Change::None: break;
    }
    if (!polled->slab) return false;
    for (const record::RawRecord& record : polled->slab->records) {
      const PartitionName& name = partitions[polled->slab->partition];
      EXPECT_GE(record.offset, next[name]);
      next[name] = record.next;
      seen.push_back({name, record.offset, std::string(record.value.value_or("(none)"))});
    }
    return true;
  }

  void commit() {
    std::vector<PartitionOffset> offsets;
    for (const auto& [name, offset] : next) offsets.push_back({name, offset, fmt::format("at {}", offset)});
    if (offsets.empty()) return;
    const auto done = group_->consumer().commit(offsets);
    EXPECT_TRUE(done) << done.error().message;
  }

  bool until(const std::function<bool()>& condition, std::chrono::seconds limit = std::chrono::seconds(20)) {
    for (const auto begun = Clock::now(); !condition();) {
      if (Clock::now() - begun > limit) return false;
      step();
    }
    return true;
  }

  KafkaGroup& group() { return *group_; }

  struct Seen {
    PartitionName partition;
    std::int64_t offset;
    std::string value;
  };
  std::vector<Seen> seen;
  std::vector<PartitionName> partitions;
  std::map<PartitionName, std::int64_t> next;
  std::vector<Group::Change> changes;

 private:
  void assigned(const std::vector<PartitionName>& names) {
    changes.push_back(Group::Change::Assigned);
    read(names);
  }

  // What is left is read again at once.
  void let_go(const Group::Polled& polled) {
    changes.push_back(polled.change);
    next.clear();
    std::vector<PartitionName> kept;
    if (polled.change == Group::Change::Revoked)
      std::ranges::set_difference(partitions, polled.partitions, std::back_inserter(kept));
    partitions.clear();
    EXPECT_TRUE(group_->let_go());
    if (!kept.empty()) read(kept);
  }

  void read(const std::vector<PartitionName>& names) {
    partitions = names;
    next.clear();
    const auto stored = group_->consumer().committed(names);
    ASSERT_TRUE(stored) << stored.error().message;
    std::vector<StartAt> starts;
    for (const PartitionOffset& each : *stored) {
      starts.push_back({each.partition, std::max<std::int64_t>(each.offset, 0)});
      next[each.partition] = starts.back().offset;
    }
    const auto reading = group_->read_from(starts);
    EXPECT_TRUE(reading) << reading.error().message;
  }

  std::unique_ptr<KafkaGroup> group_;
};

void fill(const std::string& topic, int partitions, int from, int to) {
  const auto producer = integration::make_client(RD_KAFKA_PRODUCER, {{"linger.ms", "5"}});
  for (int i = from; i < to; ++i) integration::produce(producer.get(), topic, i % partitions, fmt::format("{}", i));
  ASSERT_EQ(rd_kafka_flush(producer.get(), 30'000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

struct TopicOf {
  explicit TopicOf(int partitions) { integration::create_topic(name, partitions); }
  std::string name = integration::new_name("group-test");
};

TEST(KafkaGroup, ReadsFromWhereItIsTold) {
  const TopicOf topic(2);
  fill(topic.name, 2, 0, 1000);
  Member member(topic.name, topic.name);
  ASSERT_TRUE(member.until([&] { return member.seen.size() == 1000; }));
  std::set<std::string> values;
  for (const auto& each : member.seen) values.insert(each.value);
  EXPECT_EQ(values.size(), 1000u);

  const auto all = member.group().partitions();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[1].partition.number, 1);
  EXPECT_EQ((*all)[1].partition.end, 500);

  member.seen.clear();
  member.next.clear();
  ASSERT_TRUE(member.group().read_from(std::vector<StartAt>{{{topic.name, 1}, 490}}));  // partition 0 is held
  ASSERT_TRUE(member.until([&] { return member.seen.size() == 10; }));
  for (int i = 0; i < 5; ++i) member.step();
  ASSERT_EQ(member.seen.size(), 10u);
  EXPECT_EQ(member.seen.front().offset, 490);
  EXPECT_EQ(member.seen.front().value, "981");
}

TEST(KafkaGroup, StartsAgainUnderLoadWithoutGapsOrRepeats) {
  const TopicOf topic(3);
  fill(topic.name, 3, 0, 60'000);
  Member member(topic.name, topic.name);
  ASSERT_TRUE(member.until([&] { return member.seen.size() > 5'000; }));
  for (int round = 0; round < 20; ++round) {
    std::vector<StartAt> starts;
    for (int i = 0; i < 3; ++i) starts.push_back({{topic.name, i}, round * 37});
    member.seen.clear();
    member.next.clear();
    ASSERT_TRUE(member.group().read_from(starts));
    ASSERT_TRUE(member.until([&] { return member.seen.size() > static_cast<std::size_t>(200 + round * 500); }));
    std::map<std::int32_t, std::int64_t> expected;
    for (const auto& each : member.seen) {
      const auto [at, is_first] = expected.try_emplace(each.partition.number, round * 37);
      ASSERT_EQ(each.offset, at->second) << "round " << round;
      ++at->second;
    }
  }
}

TEST(KafkaGroup, MembersShareAndHandOverWithoutLossOrRepeat) {
  const TopicOf topic(6);
  std::atomic<bool> is_over = false;
  std::atomic<int> written = 0;
  std::jthread writer([&] {
    while (!is_over) {
      fill(topic.name, 6, written, written + 1000);
      written += 1000;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  });
  Member first(topic.name, topic.name);
  EXPECT_TRUE(first.until([&] { return first.seen.size() > 2'000; }));
  std::vector<Member::Seen> others;
  std::jthread second([&] {
    for (int round = 0; round < 3; ++round) {
      Member member(topic.name, topic.name);
      EXPECT_TRUE(member.until([&] { return member.seen.size() > 500 || is_over; }));
      EXPECT_LT(member.partitions.size(), 6u);
      member.commit();
      member.next.clear();
      member.group().close();
      others.insert(others.end(), member.seen.begin(), member.seen.end());
    }
    is_over = true;
  });
  EXPECT_TRUE(first.until([&] { return is_over.load(); }, std::chrono::seconds(60)));
  second.join();
  writer.join();
  const auto all = static_cast<std::size_t>(written);
  EXPECT_TRUE(first.until([&] { return first.seen.size() + others.size() >= all; }, std::chrono::seconds(30)))
      << first.seen.size() << " + " << others.size();
  for (int i = 0; i < 10; ++i) first.step();
  std::map<std::string, int> times;
  for (const auto& each : first.seen) ++times[each.value];
  for (const auto& each : others) ++times[each.value];
  EXPECT_EQ(times.size(), all);
  EXPECT_EQ(first.seen.size() + others.size(), all);
  EXPECT_THAT(first.changes, testing::Contains(Group::Change::Revoked));
  EXPECT_THAT(first.changes, testing::Not(testing::Contains(Group::Change::Lost)));
}

TEST(KafkaGroup, WhoKeepsPartitionsIsToldOnlyOfWhatMoves) {
  const TopicOf topic(6);
  constexpr int kAll = 12'000;
  ConsumerSettings keeping;
  keeping.keeps_partitions = true;
  std::jthread writer([&] {
    for (int i = 0; i < kAll; i += 100) {
      fill(topic.name, 6, i, i + 100);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  Member first(topic.name, topic.name, keeping), second(topic.name, topic.name, keeping);
  EXPECT_TRUE(first.until([&] {
    second.step(1'000);
    return first.seen.size() > 1'000 && !second.seen.empty();
  }));
  EXPECT_EQ(first.partitions.size(), 3u);
  EXPECT_EQ(second.partitions.size(), 3u);
  Member third(topic.name, topic.name, keeping);
  first.changes.clear();
  EXPECT_TRUE(first.until([&] {
    second.step(1'000);
    third.step(1'000);
    return third.partitions.size() == 2 && first.partitions.size() == 2 && second.partitions.size() == 2;
  }));
  EXPECT_EQ(first.changes, std::vector{Group::Change::Revoked}) << "what stays is no change";
  writer.join();
  const auto read = [&] { return first.seen.size() + second.seen.size() + third.seen.size(); };
  EXPECT_TRUE(first.until([&] {
    second.step(1'000);
    third.step(1'000);
    return read() >= kAll;
  })) << read();
  std::map<std::string, int> times;
  for (const Member* each : {&first, &second, &third}) {
    for (const auto& record : each->seen) ++times[record.value];
  }
  EXPECT_EQ(times.size(), static_cast<std::size_t>(kAll));
  EXPECT_EQ(read(), static_cast<std::size_t>(kAll));
}

// Its records go on without a gap or a repeat, although librdkafka throws away what it had fetched of all partitions.
TEST(KafkaGroup, AGenerationThatMovesNothingIsNoChange) {
  const TopicOf topic(2);
  ConsumerSettings keeping;
  keeping.keeps_partitions = true;
  Member first(topic.name, topic.name, keeping), second(topic.name, topic.name, keeping);
  const auto both_step = [&](const std::function<bool()>& condition) {
    return first.until([&] {
      second.step(1'000);
      return condition();
    });
  };
  ASSERT_TRUE(both_step([&] { return first.partitions.size() == 1 && second.partitions.size() == 1; }));
  first.changes.clear();
  std::atomic<bool> is_over = false;
  std::jthread writer([&] {
    for (int i = 0; !is_over; i += 1'000) fill(topic.name, 2, i, i + 1'000);
  });
  const auto generation = [&] { return first.group().consumer().membership()->generation(); };
  for (int round = 0; round < 5; ++round) {  // there is nothing for the third
    const auto before = generation();
    const auto third = std::make_unique<Member>(topic.name, topic.name, keeping);
    EXPECT_TRUE(both_step([&] {
      third->step(1'000);
      return generation() > before;
    }));
    const std::size_t read = first.seen.size();
    EXPECT_TRUE(both_step([&] { return first.seen.size() > read + 100; })) << "round " << round;
  }
  is_over = true;
  EXPECT_EQ(first.changes, std::vector<Group::Change>{});
  std::int64_t expected = 0;
  for (const auto& record : first.seen) ASSERT_EQ(record.offset, expected++);
}

TEST(KafkaGroup, ItsMembersShareOutInOneWay) {
  const TopicOf topic(2);
  fill(topic.name, 2, 0, 100);
  Member member(topic.name, topic.name);
  ASSERT_TRUE(member.until([&] { return member.seen.size() == 100; }));
  ConsumerSettings keeping;
  keeping.keeps_partitions = true;
  const auto other = join(topic.name, topic.name, keeping);
  base::Result<Group::Polled> polled;
  EXPECT_TRUE(member.until([&] {
    polled = other->poll(10'000, true, 100, 1 << 20);
    return !polled;
  }));
  ASSERT_FALSE(polled);
  EXPECT_EQ(polled.error().code, ErrorCode::CannotOpen);
  EXPECT_THAT(polled.error().message, HasSubstr("`assignment = cooperative_sticky`"));
}

TEST(KafkaGroup, WhoStopsPollingLosesItsPartitions) {
  const TopicOf topic(2);
  fill(topic.name, 2, 0, 100);
  ConsumerSettings impatient;
  impatient.max_poll_interval = 6'000'000;
  Member member(topic.name, topic.name, impatient);
  ASSERT_TRUE(member.until([&] { return member.seen.size() == 100; }));
  ASSERT_TRUE(member.group().consumer().membership(member.partitions));
  std::this_thread::sleep_for(std::chrono::seconds(9));  // the time that must pass, nothing to wait for
  const auto gone = member.group().consumer().membership(member.partitions);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::LostOwnership);
  member.changes.clear();
  ASSERT_TRUE(member.until([&] { return !member.changes.empty(); }));
  EXPECT_EQ(member.changes.front(), Group::Change::Lost);
  ASSERT_TRUE(member.until([&] { return member.changes.back() == Group::Change::Assigned; }));
  EXPECT_TRUE(member.group().consumer().membership(member.partitions));
}

TEST(KafkaGroup, ChangesComeWhileRecordsAreNotWanted) {
  const TopicOf topic(2);
  fill(topic.name, 2, 0, 50'000);
  Member member(topic.name, topic.name);
  ASSERT_TRUE(member.until([&] { return !member.seen.empty(); }));
  Member other(topic.name, topic.name);
  bool is_revoked = false;
  for (const auto begun = Clock::now(); !is_revoked && Clock::now() - begun < std::chrono::seconds(10);) {
    const auto polled = member.group().poll(50'000, false, 1000, 1 << 20);
    ASSERT_TRUE(polled);
    EXPECT_FALSE(polled->slab);
    is_revoked = polled->change == Group::Change::Revoked;
    other.step(1000);
  }
  ASSERT_TRUE(is_revoked);
  const auto silent = member.group().poll(200'000, true, 1000, 1 << 20);  // not before the change is answered
  ASSERT_TRUE(silent);
  EXPECT_FALSE(silent->slab);
  EXPECT_EQ(silent->change, Group::Change::None);
  ASSERT_TRUE(member.group().read_from(std::vector<StartAt>{{{topic.name, 0}, 0}}));  // too late: it does nothing
  ASSERT_TRUE(member.group().let_go());
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * 4096;
}

TEST(KafkaGroup, WhatIsNotWantedStaysInTheBroker) {
  const TopicOf topic(4);
  {
    const auto producer = integration::make_client(RD_KAFKA_PRODUCER, {{"linger.ms", "5"}});
    const std::string value(2000, 'x');
    for (int i = 0; i < 60'000; ++i) {
      integration::produce(producer.get(), topic.name, i % 4, value);
      if (i % 2000 == 0) rd_kafka_flush(producer.get(), 30'000);
    }
    ASSERT_EQ(rd_kafka_flush(producer.get(), 30'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  ConsumerSettings settings;
  settings.queued_kilobytes = 4096;
  Member member(topic.name, topic.name, settings);
  ASSERT_TRUE(member.until([&] { return !member.seen.empty(); }));
  member.seen.clear();
  const std::size_t before = resident_bytes();
  for (const auto begun = Clock::now(); Clock::now() - begun < std::chrono::seconds(3);)
    ASSERT_FALSE(member.group().poll(50'000, false, 1000, 1 << 20)->slab);
  EXPECT_LT(resident_bytes(), before + (40u << 20));  // of 120 MB; a fetch under way comes to what is queued
  EXPECT_TRUE(member.until([&] { return member.next[{topic.name, 0}] == 15'000; }));
}

TEST(KafkaGroup, NothingOfAnAbortedTransactionComes) {
  const TopicOf topic(1);
  const auto producer = integration::make_transactional(topic.name);
  const auto write = [&](const std::string& value, bool commits) {
    ASSERT_EQ(integration::text_of(rd_kafka_begin_transaction(producer.get())), "");
    for (int i = 0; i < 10; ++i) integration::produce(producer.get(), topic.name, 0, value);
    ASSERT_EQ(rd_kafka_flush(producer.get(), 30'000), RD_KAFKA_RESP_ERR_NO_ERROR);  // what is not sent is not aborted
    ASSERT_EQ(integration::text_of(commits ? rd_kafka_commit_transaction(producer.get(), -1)
                                           : rd_kafka_abort_transaction(producer.get(), -1)),
              "");
  };
  write("kept", true);
  write("dropped", false);
  write("kept", true);
  write("dropped", false);
  Member member(topic.name, topic.name);
  ASSERT_TRUE(member.until([&] { return member.seen.size() == 20; }));
  bool is_at_end = false;  // the log ends in the marker of an aborted transaction
  ASSERT_TRUE(member.until([&] {
    const auto at_end = member.group().is_at_end();
    EXPECT_TRUE(at_end);
    return is_at_end = at_end && *at_end;
  }));
  for (const auto& each : member.seen) EXPECT_EQ(each.value, "kept");
  ASSERT_EQ(member.seen.size(), 20u);
  EXPECT_EQ(member.seen.back().offset, 31);
}

TEST(KafkaGroup, TheEndIsThatOfTheFirstQuestion) {
  const TopicOf topic(2);
  fill(topic.name, 2, 0, 100);
  Member member(topic.name, topic.name);
  ASSERT_TRUE(member.until([&] { return member.changes.size() == 1; }));
  const auto early = member.group().is_at_end();
  ASSERT_TRUE(early);
  EXPECT_FALSE(*early);
  fill(topic.name, 2, 100, 200);
  ASSERT_TRUE(member.until([&] {
    const auto at_end = member.group().is_at_end();
    return at_end && *at_end;
  }));
  EXPECT_GE(member.seen.size(), 100u);
}

TEST(KafkaGroup, WhatIsBehindAnOpenTransactionWasThereToo) {
  const TopicOf topic(1);
  const auto producer = integration::make_transactional(topic.name);
  ASSERT_EQ(integration::text_of(rd_kafka_begin_transaction(producer.get())), "");
  integration::produce(producer.get(), topic.name, 0, "open");
  ASSERT_EQ(rd_kafka_flush(producer.get(), 30'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  fill(topic.name, 1, 0, 10);
  Member member(topic.name, topic.name);
  ASSERT_TRUE(member.until([&] { return member.changes.size() == 1; }));
  for (const auto begun = Clock::now(); Clock::now() - begun < std::chrono::seconds(1);) {
    ASSERT_FALSE(member.group().poll(50'000, true, 1000, 1 << 20)->slab);
    const auto early = member.group().is_at_end();
    ASSERT_TRUE(early);
    ASSERT_FALSE(*early);
  }
  ASSERT_EQ(integration::text_of(rd_kafka_commit_transaction(producer.get(), -1)), "");
  ASSERT_TRUE(member.until([&] {
    const auto at_end = member.group().is_at_end();
    return at_end && *at_end;
  }));
  EXPECT_EQ(member.seen.size(), 11u);
}

TEST(KafkaGroup, RestartsAtWhatIsCommitted) {
  const TopicOf topic(1);
  fill(topic.name, 1, 0, 100);
  {
    Member member(topic.name, topic.name);
    ASSERT_TRUE(member.until([&] { return member.seen.size() == 100; }));
    member.next[{topic.name, 0}] = 42;
    member.commit();
  }
  Member member(topic.name, topic.name);
  ASSERT_TRUE(member.until([&] { return !member.seen.empty(); }));
  EXPECT_EQ(member.seen.front().offset, 42);
  const auto stored = member.group().consumer().committed(member.partitions);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->front().metadata, "at 42");
}

TEST(KafkaGroup, APositionThatIsGoneIsNamedWithTheGap) {
  const TopicOf topic(1);
  fill(topic.name, 1, 0, 100);
  auto admin = open_admin(client());
  ASSERT_TRUE(admin);
  const auto cut = delete_records(admin->get(), std::vector<PartitionOffset>{{{topic.name, 0}, 60, {}}});
  ASSERT_TRUE(cut) << cut.error().message;
  for (const std::int64_t wanted : {20, 200}) {
    const auto group = join(fmt::format("{}-{}", topic.name, wanted), topic.name);
    base::Result<Group::Polled> polled;
    for (const auto begun = Clock::now(); Clock::now() - begun < std::chrono::seconds(20);) {
      polled = group->poll(100'000, true, 100, 1 << 20);
      if (!polled) break;
      ASSERT_FALSE(polled->slab);
      if (polled->change == Group::Change::Assigned) {
        ASSERT_TRUE(group->read_from(std::vector<StartAt>{{{topic.name, 0}, wanted}}));
      }
    }
    ASSERT_FALSE(polled);
    EXPECT_EQ(polled.error().code, ErrorCode::PositionGone);
    EXPECT_THAT(polled.error().message, HasSubstr(topic.name + "[0]"));
    EXPECT_THAT(polled.error().message, HasSubstr(fmt::format("is {}, and the topic has 60 to 100", wanted)));
  }
}

// Each time the topic has been read up to 100 when it is made anew; 300 records lie in the new one.
class KafkaGroupOfATopicMadeAnew : public testing::Test {
 protected:
  base::Result<void> read(std::chrono::seconds limit, const std::function<bool()>& is_enough) {
    for (const auto begun = Clock::now(); Clock::now() - begun < limit && !is_enough();) {
      const auto polled = group_->poll(100'000, true, 100, 1 << 20);
      if (!polled && polled.error().code == ErrorCode::NoSuchTopic) continue;  // between the old one and the new one
      if (!polled) return std::unexpected(polled.error());
      if (polled->slab) next_ = polled->slab->records.back().next;
      if (polled->change == Group::Change::Assigned) { EXPECT_TRUE(group_->read_from(from(0))); }
    }
    return {};
  }
  void make_anew() {
    const auto admin = open_admin(client());
    ASSERT_TRUE(admin);
    ASSERT_TRUE(delete_topic(admin->get(), topic_.name));
    integration::create_topic(topic_.name, 1);
    fill(topic_.name, 1, 0, 300);
  }
  std::vector<StartAt> from(std::int64_t offset) const { return {{{topic_.name, 0}, offset}}; }
  void SetUp() override {
    fill(topic_.name, 1, 0, 100);
    group_ = join(topic_.name, topic_.name);
    ASSERT_TRUE(read(std::chrono::seconds(20), [&] { return next_ == 100; }));
  }

  const TopicOf topic_{1};
  std::unique_ptr<KafkaGroup> group_;
  std::int64_t next_ = 0;
};

// The client itself reads on at its old offset when the new topic has grown that far.
TEST_F(KafkaGroupOfATopicMadeAnew, NoticesItWhileItReads) {
  ASSERT_TRUE(read(std::chrono::seconds(6), [] { return false; })) << "it is the same topic";
  make_anew();
  const auto noticed = read(std::chrono::seconds(20), [] { return false; });
  ASSERT_FALSE(noticed);
  EXPECT_EQ(noticed.error().code, ErrorCode::PositionGone);
  EXPECT_THAT(noticed.error().message, HasSubstr(topic_.name + " was made anew while it was read"));
}

TEST_F(KafkaGroupOfATopicMadeAnew, ReadsOnAtNoPositionOfTheOldOne) {
  ASSERT_TRUE(group_->read_from(from(50))) << "it is the same topic";
  make_anew();
  base::Result<void> noticed;  // at once, where the broker answers in time
  for (const auto begun = Clock::now(); noticed && Clock::now() - begun < std::chrono::seconds(20);)
    noticed = group_->read_from(from(100));
  ASSERT_FALSE(noticed);
  EXPECT_EQ(noticed.error().code, ErrorCode::PositionGone);
  EXPECT_THAT(noticed.error().message, HasSubstr(topic_.name + " was made anew while it was read"));
}

TEST(KafkaGroup, AMissingTopicIsNamed) {
  const auto opened = KafkaGroup::open(client(), {.group = "nobody"}, {{0, "there-is-none"}});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::NoSuchTopic);
  EXPECT_THAT(opened.error().message, HasSubstr("there-is-none"));
}

TEST(KafkaGroup, ResolvesWhereToStart) {
  const TopicOf topic(1);
  auto producer = Producer::open(client(), {});
  ASSERT_TRUE(producer);
  const auto handle = (*producer)->topic(topic.name);
  ASSERT_TRUE(handle);
  for (int i = 0; i < 5; ++i) {
    NewRecord record{.value = "x"};
    record.timestamp = 1'700'000'000'000'000 + i * 1'000'000;
    ASSERT_TRUE((*producer)->produce(*handle, record));
    ASSERT_TRUE((*producer)->flush(30'000'000));
  }
  const auto group = join(topic.name, topic.name);
  ASSERT_TRUE(group->partitions());
  EXPECT_EQ(group->resolve("earliest", 0), 0);
  EXPECT_EQ(group->resolve("latest", 0), 5);
  EXPECT_EQ(group->resolve("2023-11-14T22:13:22Z", 0), 2);
  EXPECT_EQ(group->resolve("2023-11-14T22:13:22.000001Z", 0), 3);
  EXPECT_EQ(group->resolve("2030-01-01T00:00:00Z", 0), 5);
  const auto none = group->resolve("none", 0);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::PositionGone);
}

TEST(KafkaGroup, RecordsComeWhole) {
  const TopicOf topic(1);
  auto producer = Producer::open(client(), {});
  ASSERT_TRUE(producer);
  const auto handle = (*producer)->topic(topic.name);
  ASSERT_TRUE(handle);
  const RecordHeader headers[] = {{"kind", "order"}, {"empty", ""}, {"none", std::nullopt}};
  ASSERT_TRUE((*producer)->produce(*handle, {.key = "k", .value = "v", .headers = headers, .timestamp = 1'700'000'000'123'000}));
  ASSERT_TRUE((*producer)->produce(*handle, {.key = "", .value = ""}));
  ASSERT_TRUE((*producer)->produce(*handle, {.key = "gone"}));
  ASSERT_TRUE((*producer)->flush(30'000'000));
  const auto group = join(topic.name, topic.name);
  std::vector<record::Slab> slabs;
  std::size_t count = 0;
  for (const auto begun = Clock::now(); count < 3 && Clock::now() - begun < std::chrono::seconds(20);) {
    auto polled = group->poll(100'000, true, 100, 1 << 20);
    ASSERT_TRUE(polled);
    if (polled->change == Group::Change::Assigned) { ASSERT_TRUE(group->read_from(std::vector<StartAt>{{{topic.name, 0}, 0}})); }
    if (!polled->slab) continue;
    count += polled->slab->records.size();
    slabs.push_back(std::move(*polled->slab));
  }
  ASSERT_EQ(count, 3u);
  std::vector<record::RawRecord> records;
  for (const record::Slab& slab : slabs) records.insert(records.end(), slab.records.begin(), slab.records.end());
  EXPECT_EQ(records[0].key, "k");
  EXPECT_EQ(records[0].value, "v");
  EXPECT_EQ(records[0].timestamp, 1'700'000'000'123'000);
  ASSERT_EQ(records[0].headers.size(), 3u);
  EXPECT_EQ(records[0].headers[0].name, "kind");
  EXPECT_EQ(records[0].headers[0].value, "order");
  EXPECT_EQ(records[0].headers[1].value, "");
  EXPECT_EQ(records[0].headers[2].value, std::nullopt);
  EXPECT_EQ(records[1].key, "");
  EXPECT_EQ(records[1].value, "");
  EXPECT_EQ(records[2].key, "gone");
  EXPECT_EQ(records[2].value, std::nullopt);
}

}  // namespace
}  // namespace piperun::kafka
