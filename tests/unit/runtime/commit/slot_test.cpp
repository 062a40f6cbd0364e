#include "runtime/commit/slot.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

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

TEST_F(SlotTest, WhatAFullDiskLeftOfTheHostIsNoHost) {
  for (const char* left : {"", "3f"}) {
    std::ofstream(folder_ + "/host") << left;
    const auto slot = Slot::take(folder_, "orders");
    ASSERT_TRUE(slot) << slot.error().message;
    EXPECT_EQ(slot->name().size(), 10u) << slot->name();
    const auto second = Slot::take(folder_, "orders");
    ASSERT_TRUE(second);
    EXPECT_EQ(second->name().substr(0, 8), slot->name().substr(0, 8));
  }
}

TEST_F(SlotTest, AHostThatCannotBeWrittenDownIsNone) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit full{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  const auto refused = Slot::take(folder_, "orders");
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("cannot write"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("/host"), std::string::npos);
  const auto slot = Slot::take(folder_, "orders");
  EXPECT_TRUE(slot) << slot.error().message;
}

TEST_F(SlotTest, FirstProcessesAgreeOnTheHost) {
  std::mutex mutex;
  std::set<std::string> hosts, names;
  std::vector<base::Result<Slot>> held;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      auto slot = Slot::take(folder_, "orders");
      const std::lock_guard guard(mutex);
      if (slot) hosts.insert(slot->name().substr(0, 8)), names.insert(slot->name());
      held.push_back(std::move(slot));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(hosts.size(), 1u);
  EXPECT_EQ(names.size(), 8u);
}

TEST_F(SlotTest, AStateDirectoryThatCannotBeWrittenIsNamed) {
  const auto slot = Slot::take("/proc/piperun", "orders");
  ASSERT_FALSE(slot);
  EXPECT_NE(slot.error().message.find("/proc/piperun"), std::string::npos);
}

}  // namespace
}  // namespace piperun::commit
