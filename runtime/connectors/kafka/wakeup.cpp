#include "runtime/connectors/kafka/wakeup.h"

#include <algorithm>
#include <chrono>

namespace piperun::kafka {
namespace {

constexpr std::int64_t kLongestWait = 100'000;  // microseconds

}  // namespace

void Wakeup::notify(rd_kafka_t*, void* wakeup) {
  auto& self = *static_cast<Wakeup*>(wakeup);
  {
    const std::lock_guard lock(self.mutex_);
    self.is_set_ = true;
  }
  self.arrived_.notify_one();
}

void Wakeup::wait(std::int64_t microseconds) {
  std::unique_lock lock(mutex_);
  arrived_.wait_for(lock, std::chrono::microseconds(std::min(microseconds, kLongestWait)), [this] { return is_set_; });
  is_set_ = false;
}

}  // namespace piperun::kafka
