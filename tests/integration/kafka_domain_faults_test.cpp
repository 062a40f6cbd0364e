// A Kafka domain behind a proxy that loses acknowledgements.
#include <gmock/gmock.h>

#include <cstdlib>
#include <functional>
#include <random>

#include "tests/integration/kafka_domain_member.h"

namespace piperun::integration {
namespace {

using base::ErrorClass;
using ::testing::ElementsAre;

// Of the servers in $PIPERUN_SERVERS, which `servers up --proxy` started.
void proxy(const std::string& command) {
  const std::string line = std::string(PIPERUN_SOURCE_DIR) + "/tests/integration/servers proxy all " + command + " > /dev/null";
  if (std::system(line.c_str()) != 0) throw std::runtime_error(line);
}

class KafkaFaultsTest : public KafkaDomainTest {
 protected:
  void TearDown() override {
    proxy("pass");
    KafkaDomainTest::TearDown();
  }
};

// The list on_unclear: what the group holds decides.
bool was_committed(kafka::KafkaDomain& domain, const commit::Advance& advance) {
  done(domain.init_producer());
  const auto positions = value_of(domain.read_positions(ir::StepMode::Locking));
  done(domain.restore_state());
  for (const commit::Position& position : positions) {
    if (position.partition == advance.partition) return position.next_offset == advance.to;
  }
  return false;
}

// Each batch until its commit is known, as the engine does it.
void run(kafka::KafkaDomain& domain, const commit::Advance& advance, const std::function<base::Result<void>()>& batch) {
  for (int tries = 0; tries < 10; ++tries) {
    const auto committed = batch();
    if (committed) return;
    ASSERT_EQ(base::traits(committed.error().code).error_class, ErrorClass::Transient) << committed.error().message;
    if (was_committed(domain, advance)) return;
  }
  FAIL() << "not committed after 10 tries";
}

TEST_F(KafkaFaultsTest, ALostAcknowledgementOfEndTxnIsResolvedByTheGroupsOffsets) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member);
  assign(*domain);
  std::vector<std::string> written;
  for (int i = 0; i < 6; ++i) {
    const commit::Advance advance = this->advance(i, i + 1);
    written.push_back("batch " + std::to_string(i));
    if (i % 2 == 1) proxy("lose api:26");
    run(*domain, advance, [&] { return batch(*domain, advance, written.back()); });
  }
  EXPECT_EQ(output(), written);
  EXPECT_EQ(stored(*domain).counts.used, 6);
  EXPECT_THAT(value_of(domain->rows()), ElementsAre(std::pair<std::string, std::int64_t>("lines", 6)));
}

TEST_F(KafkaFaultsTest, AProducerWhoseRequestWasNotAnsweredGetsANewEpoch) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member);
  assign(*domain);
  done(domain->begin());
  const std::string before = client_name(*domain);
  write(*domain, "a");
  done(domain->store_offsets(std::vector{advance(0, 1)}));
  proxy("lose api:26");
  const auto committed = domain->commit();  // the client repeats the request by itself and says that all is well
  if (committed) {
    done(domain->retire_producer_if_unclear());
    done(domain->begin());
    EXPECT_NE(client_name(*domain), before);
    domain->abort();
  } else {
    EXPECT_TRUE(was_committed(*domain, advance(0, 1)));
  }
  EXPECT_THAT(output(), ElementsAre("a"));
}

TEST_F(KafkaFaultsTest, ALostAcknowledgementOfTxnOffsetCommitCommitsOnce) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member);
  assign(*domain);
  std::vector<std::string> written;
  for (int i = 0; i < 4; ++i) {
    const commit::Advance advance = this->advance(i, i + 1);
    written.push_back("batch " + std::to_string(i));
    proxy(i % 2 == 1 ? "lose api:28" : "lose api:24");
    run(*domain, advance, [&] { return batch(*domain, advance, written.back()); });
  }
  EXPECT_EQ(output(), written);
  EXPECT_EQ(stored(*domain).counts.used, 4);
}

// Any acknowledgement of a producer or of its transaction, at any moment, with keys. Number of faults: $PIPERUN_FAULTS, or 20.
TEST_F(KafkaFaultsTest, RandomLossesOfAcknowledgementsLeaveAllExact) {
  constexpr const char* kStage = "lines.dedup";
  const char* wanted = std::getenv("PIPERUN_FAULTS");
  const int faults = wanted ? std::atoi(wanted) : 20;
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  SCOPED_TRACE("seed " + std::to_string(seed));
  stages_ = {kStage};
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member);
  assign(*domain);
  done(domain->restore_state());
  const auto with_key = [&](const commit::Advance& advance, const std::string& value) -> base::Result<void> {
    const std::string key = std::to_string(advance.from % 7);
    auto held = domain->lookup_keys(kStage, std::vector{key});
    if (!held) return std::unexpected(held.error());
    commit::KeyClaim claim{key, held->front().times, held->front().times, 0};
    claim.set.push_back(advance.from);
    if (auto begun = domain->begin(); !begun) return begun;
    auto claimed = domain->claim_keys(kStage, std::vector{claim});
    if (!claimed) return std::unexpected(claimed.error());
    EXPECT_TRUE(*claimed);
    if (domain->producer() == nullptr) return base::failure(base::ErrorCode::SystemUnavailable, "no transaction");
    write(*domain, value);
    done(domain->add_rows("lines", 1));
    if (auto stored = domain->store_offsets(std::vector{advance}); !stored) return stored;
    if (auto committed = domain->commit(); !committed) return committed;
    return domain->retire_producer_if_unclear();
  };
  std::vector<std::string> written;
  constexpr const char* kCommands[] = {"lose api:0",  "lose api:22", "lose api:24", "lose api:25", "lose api:26",
                                       "lose api:28", "lose api:10", "reset",       "lose api:9"};
  for (int i = 0; i < faults * 2; ++i) {
    const commit::Advance advance = this->advance(i, i + 1);
    written.push_back("batch " + std::to_string(i));
    if (i % 2 == 1) proxy(kCommands[random() % std::size(kCommands)]);
    run(*domain, advance, [&] {
      const auto tried = with_key(advance, written.back());
      if (!tried) domain->abort();
      return tried;
    });
    if (HasFatalFailure()) return;
    const auto applied = domain->apply_state();
    if (!applied) done(domain->restore_state());
    member.poll();
  }
  proxy("pass");
  EXPECT_EQ(output(), written);
  EXPECT_EQ(stored(*domain).counts.used, faults * 2);
  for (int key = 0; key < 7; ++key) {
    std::vector<std::int64_t> times;
    for (int i = key; i < faults * 2; i += 7) times.push_back(i);
    EXPECT_EQ(value_of(domain->lookup_keys(kStage, std::vector{std::to_string(key)})).at(0).times, times) << key;
  }
  std::printf("%d faults, seed %u\n", faults, seed);
}

// Without transactions: the acknowledgement of the commit of positions.
TEST_F(KafkaFaultsTest, ALostAcknowledgementOfPositionsCountsOnce) {
  Member member(group(), source_);
  ASSERT_TRUE(member.joins(2));
  auto domain = this->domain(&member, false);
  assign(*domain);
  for (int i = 0; i < 4; ++i) {
    proxy("lose api:8");
    done(domain->add_rows("lines", 1));
    const auto committed = domain->commit_offsets(std::vector{advance(i, i + 1)}, ir::StepMode::Sync);
    if (committed) continue;
    ASSERT_EQ(base::traits(committed.error().code).error_class, ErrorClass::Transient) << committed.error().message;
    if (stored(*domain).next_offset == i + 1) continue;
    done(domain->commit_offsets(std::vector{advance(i, i + 1)}, ir::StepMode::Sync));
  }
  EXPECT_EQ(stored(*domain).counts.used, 4);
  EXPECT_THAT(value_of(domain->rows()), ElementsAre(std::pair<std::string, std::int64_t>("lines", 4)));
}

}  // namespace
}  // namespace piperun::integration
