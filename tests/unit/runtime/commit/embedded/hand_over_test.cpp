#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/commit/embedded/embedded_domain.h"
#include "tests/unit/runtime/commit/embedded/temporary.h"

namespace piperun::embedded {
namespace {

using base::ErrorCode;
using commit::Advance;
using commit::KeyClaim;
using commit::PartitionName;
using commit::Position;
using piperun::testing::exit_status;
using piperun::testing::in_child;
using piperun::testing::Turns;

const PartitionName kOrders{"orders", 0};

class HandOverTest : public ::testing::Test {
 protected:
  std::unique_ptr<EmbeddedDomain> open() {
    auto database = Database::open(path_, Database::Access::Write);
    if (!database) {
      ADD_FAILURE() << database.error().message;
      std::abort();
    }
    return std::make_unique<EmbeddedDomain>(std::move(*database), "p", "orders.shop");
  }
  std::unique_ptr<EmbeddedDomain> owner() {
    auto domain = open();
    EXPECT_TRUE(domain->claim(std::vector{kOrders}));
    Position position;
    position.partition = kOrders;
    EXPECT_TRUE(domain->seed_positions(std::vector{position}));
    EXPECT_TRUE(domain->claim_keys("a.dedup", std::vector{KeyClaim{"k1", {}, {1}}, KeyClaim{"k2", {}, {2, 3}}}).value_or(false));
    EXPECT_TRUE(domain->add_rows("s", 1));
    return domain;
  }

  piperun::testing::TemporaryFolder folder_;
  std::string path_ = folder_ / "shop.db";
};

TEST_F(HandOverTest, AFrozenUnitCommitsNothingMore) {
  auto old = owner();
  for (int times = 0; times < 2; ++times) ASSERT_TRUE(open()->freeze({"orders.shop", "{}", true}));
  const auto committed = old->commit_offsets(std::vector{Advance{kOrders, 0, 1, {}, 0}}, ir::StepMode::Sync);
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().code, ErrorCode::LostOwnership);
  EXPECT_TRUE(open()->manifests()->front().moved);
}

TEST_F(HandOverTest, AProcessAtWorkIsLeftAlone) {
  Turns turns;
  const pid_t child = in_child([&] {
    auto mine = owner();
    turns.parent_may_go();
    turns.wait_for_parent();
    return mine->commit_offsets(std::vector{Advance{kOrders, 0, 1, {}, 0}}, ir::StepMode::Sync) ? 0 : 1;
  });
  turns.wait_for_child();
  const auto refused = open()->freeze({"orders.shop", "{}", true});
  turns.child_may_go();
  EXPECT_EQ(exit_status(child), 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::LostOwnership);
  EXPECT_TRUE(open()->freeze({"orders.shop", "{}", true}));
}

TEST_F(HandOverTest, KeysAreReadPageByPage) {
  auto domain = owner();
  const auto first = domain->all_keys("a.dedup", "", 1);
  ASSERT_EQ(first->size(), 1u);
  const auto second = domain->all_keys("a.dedup", first->front().key, 1);
  ASSERT_EQ(second->size(), 1u);
  EXPECT_EQ(second->front().times, (std::vector<std::int64_t>{2, 3}));
  EXPECT_TRUE(domain->all_keys("a.dedup", "k2", 1)->empty());
  EXPECT_TRUE(domain->all_keys("other", "", 1)->empty());
}

TEST_F(HandOverTest, ARenamedStageHasTheKeys) {
  auto domain = owner();
  ASSERT_TRUE(domain->claim_keys("b.dedup", std::vector{KeyClaim{"x", {}, {1}}}).value_or(false));
  ASSERT_TRUE(domain->claim_keys("b.dedup", std::vector{KeyClaim{"x", {1}, {}}}).value_or(false));  // known, and empty
  ASSERT_TRUE(domain->rename_stage("a.dedup", "b.dedup"));
  EXPECT_TRUE(domain->all_keys("a.dedup", "", 9)->empty());
  EXPECT_EQ(domain->all_keys("b.dedup", "", 9)->size(), 2u);
  EXPECT_TRUE(domain->rename_stage("a.dedup", "b.dedup"));  // again: nothing is lost
  EXPECT_EQ(domain->all_keys("b.dedup", "", 9)->size(), 2u);
}

TEST_F(HandOverTest, OnlyTheManifestStays) {
  ASSERT_TRUE(owner()->put_manifest({"orders.shop", "{}", true}));
  auto domain = open();
  ASSERT_TRUE(domain->retire());
  EXPECT_TRUE(domain->read_positions(ir::StepMode::Plain)->empty());
  EXPECT_TRUE(domain->all_keys("a.dedup", "", 9)->empty());
  EXPECT_TRUE(domain->rows()->empty());
  EXPECT_EQ(domain->manifests()->size(), 1u);
}

}  // namespace
}  // namespace piperun::embedded
