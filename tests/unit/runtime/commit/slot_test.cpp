#include "runtime/commit/slot.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <optional>

namespace piperun::commit {
namespace {

class SlotTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/piperun-slot-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_F(SlotTest, TheLowestFreeNumberIsTaken) {
  std::optional<base::Result<Slot>> first(Slot::take(folder_, "orders"));
  const auto second = Slot::take(folder_, "orders");
  ASSERT_TRUE(first->has_value() && second);
  EXPECT_TRUE((*first)->name().ends_with("-0"));
  EXPECT_TRUE(second->name().ends_with("-1"));
  const std::string name = (*first)->name();
  first.reset();
  const auto again = Slot::take(folder_, "orders");
  EXPECT_EQ(again->name(), name);
}

TEST_F(SlotTest, PipelinesDoNotShareSlotsAndDirectoriesNotNames) {
  const auto orders = Slot::take(folder_, "orders");
  const auto payments = Slot::take(folder_, "payments/eu");
  const auto elsewhere = Slot::take(folder_ + "/other", "orders");
  EXPECT_EQ(orders->name(), payments->name());
  EXPECT_NE(orders->name(), elsewhere->name());
}

TEST_F(SlotTest, AStateDirectoryThatCannotBeWrittenIsNamed) {
  const auto slot = Slot::take("/proc/piperun", "orders");
  ASSERT_FALSE(slot);
  EXPECT_NE(slot.error().message.find("/proc/piperun"), std::string::npos);
}

}  // namespace
}  // namespace piperun::commit
