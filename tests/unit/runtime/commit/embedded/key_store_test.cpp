#include "runtime/commit/embedded/key_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/runtime/commit/embedded/temporary.h"

namespace piperun::embedded {
namespace {

using commit::KeyEntry;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class KeyStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<KeyStore> open() {
    auto opened = KeyStore::open(path_);
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }
  piperun::testing::TemporaryFolder folder_;
  std::string path_ = folder_ / "keys.db";
};

TEST_F(KeyStoreTest, KeepsEntriesAndPlaceTogether) {
  auto store = open();
  EXPECT_FALSE(*store->place("dedup"));
  ASSERT_TRUE(store->apply("dedup", std::vector<KeyEntry>{{"a", {1, 2}}, {"b", {3}}}, {"log", 7, 4}));
  store = open();
  const auto place = *store->place("dedup");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->log, "log");
  EXPECT_EQ(place->position, 7);
  EXPECT_EQ(place->generation, 4);
  EXPECT_THAT(*store->times("dedup", "a"), ElementsAre(1, 2));
  ASSERT_TRUE(store->apply("dedup", std::vector<KeyEntry>{{"a", {}}, {"b", {3, 9}}}, {"log", 8, 4}));
  EXPECT_THAT(*store->times("dedup", "a"), IsEmpty());
  EXPECT_THAT(*store->times("dedup", "b"), ElementsAre(3, 9));
}

TEST_F(KeyStoreTest, StagesDoNotMeet) {
  auto store = open();
  ASSERT_TRUE(store->apply("one", std::vector<KeyEntry>{{"a", {1}}}, {"log", 1, 0}));
  EXPECT_THAT(*store->times("two", "a"), IsEmpty());
  ASSERT_TRUE(store->wipe("one"));
  EXPECT_THAT(*store->times("one", "a"), IsEmpty());
  EXPECT_FALSE(*store->place("one"));
}

TEST_F(KeyStoreTest, FindsKeysByTheirNewestTime) {
  auto store = open();
  ASSERT_TRUE(store->apply("dedup", std::vector<KeyEntry>{{"a", {1, 9}}, {"b", {5}}, {"c", {2}}}, {"log", 1, 0}));
  EXPECT_THAT(*store->keys_before("dedup", 9, 10), ElementsAre("c", "b"));
  EXPECT_THAT(*store->keys_before("dedup", 9, 1), ElementsAre("c"));
}

TEST_F(KeyStoreTest, AnEarlierOwnerCannotWrite) {
  auto old = open();
  auto next = open();
  const auto refused = old->apply("dedup", std::vector<KeyEntry>{{"a", {1}}}, {"log", 1, 0});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::ErrorCode::LostOwnership);
  EXPECT_FALSE(old->wipe("dedup"));
  EXPECT_THAT(*next->times("dedup", "a"), IsEmpty());
}

}  // namespace
}  // namespace piperun::embedded
