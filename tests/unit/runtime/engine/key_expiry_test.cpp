#include "runtime/engine/key_expiry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/runtime/engine/stored_positions.h"

namespace piperun::engine {
namespace {

using commit::kNoTime;
using commit::PartitionName;
using commit::Position;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Expired {
  std::string stage;
  std::int64_t before;
  std::int32_t partition;
  friend bool operator==(const Expired&, const Expired&) = default;
};

// Remembers what was to expire.
class Positions final : public StoredPositions {
 public:
  std::vector<Expired> expired;
  bool is_by_partition = false;

  base::Result<void> expire_keys(const std::string& stage, std::int64_t before, std::int32_t partition) override {
    expired.push_back({stage, before, partition});
    return {};
  }
  bool keeps_keys_by_partition() const override { return is_by_partition; }
};

// Two sources of two partitions each come to `keys`; a third source comes to a sink alone. This worker has the partitions 0.
class KeyExpiryTest : public ::testing::Test {
 protected:
  static constexpr std::int64_t kWithin = 100, kNow = 1'000'000;

  KeyExpiryTest() {
    program_.systems = {{"bus", ir::SystemKind::Kafka, {}}, {"lines", ir::SystemKind::File, {}}};
    for (ir::SourceId id = 0; id < 3; ++id) {
      ir::Source source;
      source.name = kTopics[id];
      program_.sources.push_back(source);
      unit_.sources.push_back(id);
      unit_.dataflow.nodes.push_back(node(ir::Input{id}, {id < 2 ? 3U : 5U}));
    }
    ir::Dedup dedup;
    dedup.name = "keys";
    dedup.within = kWithin;
    unit_.dataflow.nodes.push_back(node(ir::Apply{0}, {4}));
    unit_.dataflow.nodes.push_back(node(std::move(dedup), {5}));
    unit_.dataflow.nodes.push_back(node(ir::Output(), {}));
    for (std::uint32_t source = 0; source < 3; ++source) {
      for (std::int32_t number = 0; number < 2; ++number) {
        share_.all.push_back({source, static_cast<std::uint32_t>(number), {kTopics[source], number}, 0});
        ends_.push_back({{kTopics[source], number}, 10, false});
        Position position;
        position.partition = {kTopics[source], number};
        position.next_offset = 10;
        position.counts.read = 10;
        position.newest_time = 5'000;
        domain_.stored.push_back(position);
        if (number == 0) share_.mine.push_back(static_cast<std::uint32_t>(share_.all.size() - 1));
      }
    }
    share_.all.push_back({ir::kNone, 0, {kReplayTopic, 0}, 0});
  }

  template <typename Op>
  static ir::Node node(Op op, std::vector<ir::NodeId> next) {
    ir::Node result;
    result.op = std::move(op);
    result.next.resize(1);
    for (const ir::NodeId to : next) result.next[0].push_back({to});
    return result;
  }
  Position& at(const std::string& topic, std::int32_t number) {
    return *std::ranges::find(domain_.stored, PartitionName{topic, number}, &Position::partition);
  }
  PartitionEnd& end(const std::string& topic, std::int32_t number) {
    return *std::ranges::find(ends_, PartitionName{topic, number}, &PartitionEnd::name);
  }
  // Nothing of it was read.
  void never_read(Position& position) {
    position.counts = {};
    position.newest_time = kNoTime;
  }
  std::vector<Expired> run(std::int64_t now = kNow) {
    KeyExpiry expiry(program_, unit_);
    domain_.expired.clear();
    EXPECT_TRUE(expiry.run(domain_, share_, now, [this] { return ends_; }));
    return domain_.expired;
  }

  static constexpr const char* kTopics[] = {"a", "b", "c"};
  ir::Program program_;
  ir::Unit unit_;
  Share share_;
  std::vector<PartitionEnd> ends_;
  Positions domain_;
};

TEST_F(KeyExpiryTest, ThePartitionThatIsFurthestBehindHoldsTheKeysOfAll) {
  EXPECT_THAT(run(), ElementsAre(Expired{"keys", 5'000 - 2 * kWithin, -1}));
  at("b", 1).newest_time = 3'000;  // of another worker
  EXPECT_THAT(run(), ElementsAre(Expired{"keys", 3'000 - 2 * kWithin, -1}));
  at("a", 0).newest_time = 9'000;
  EXPECT_THAT(run(), ElementsAre(Expired{"keys", 3'000 - 2 * kWithin, -1}));
}

TEST_F(KeyExpiryTest, ASourceThatDoesNotComeToTheStageHasNoPartInIt) {
  at("c", 1).newest_time = 10;
  never_read(at("c", 0));
  EXPECT_THAT(run(), ElementsAre(Expired{"keys", 5'000 - 2 * kWithin, -1}));
}

TEST_F(KeyExpiryTest, APartitionThatWasNeverReadHoldsKeysWhileRecordsWaitInIt) {
  never_read(at("b", 1));
  at("b", 1).next_offset = 9;
  EXPECT_THAT(run(), IsEmpty());
  at("b", 1).next_offset = 10;
  EXPECT_THAT(run(), ElementsAre(Expired{"keys", 5'000 - 2 * kWithin, -1}));
}

TEST_F(KeyExpiryTest, APartitionThatWasReadWithoutATimeHoldsKeys) {
  at("b", 1).newest_time = kNoTime;
  EXPECT_THAT(run(), IsEmpty()) << "it was read by an earlier version, or all of it is dead";
}

TEST_F(KeyExpiryTest, APartitionWithoutAPositionHoldsKeys) {
  at("b", 1).next_offset = -1;
  EXPECT_THAT(run(), IsEmpty());
  std::erase_if(domain_.stored, [](const Position& position) { return position.partition == PartitionName{"b", 1}; });
  EXPECT_THAT(run(), IsEmpty());
}

TEST_F(KeyExpiryTest, AFileThatIsReadToItsEndHoldsNone) {
  program_.sources[1].system = 1;
  at("b", 0).newest_time = at("b", 1).newest_time = 10;
  EXPECT_THAT(run(), ElementsAre(Expired{"keys", 10 - 2 * kWithin, -1})) << "more may come";
  end("b", 0).is_final = end("b", 1).is_final = true;
  EXPECT_THAT(run(), ElementsAre(Expired{"keys", 5'000 - 2 * kWithin, -1}));
  end("b", 1).end = 11;
  EXPECT_THAT(run(), ElementsAre(Expired{"keys", 10 - 2 * kWithin, -1})) << "a record waits";
}

TEST_F(KeyExpiryTest, ATimeThatIsStillToComeTakesNoMoreThanNow) {
  EXPECT_THAT(run(4'000), ElementsAre(Expired{"keys", 4'000 - 2 * kWithin, -1}));
}

TEST_F(KeyExpiryTest, KeysThatLieByPartitionGoByThePartitionsOfTheirNumber) {
  domain_.is_by_partition = true;
  at("a", 1).newest_time = 10;  // another worker's, with keys of its own
  at("b", 0).newest_time = 4'000;
  EXPECT_THAT(run(), ElementsAre(Expired{"keys", 4'000 - 2 * kWithin, 0}));
  share_.mine = {0};  // b/0 is somebody else's
  EXPECT_THAT(run(), IsEmpty());
}

TEST_F(KeyExpiryTest, IsDoneNowAndThen) {
  KeyExpiry expiry(program_, unit_);
  for (int batch = 0; batch < 129; ++batch) ASSERT_TRUE(expiry.run(domain_, share_, kNow, [this] { return ends_; }));
  EXPECT_EQ(domain_.expired.size(), 3U);
}

}  // namespace
}  // namespace piperun::engine
