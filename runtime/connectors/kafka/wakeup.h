// Wakes who waits for one of several queues of librdkafka.
#pragma once
#include <librdkafka/rdkafka.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace piperun::kafka {

// Notified from librdkafka's threads when a queue is no longer empty; one thread waits.
class Wakeup {
 public:
  // For rd_kafka_queue_cb_event_enable, with the Wakeup, which outlives that.
  static void notify(rd_kafka_t* client, void* wakeup);
  // At most so many microseconds, and not for long: nothing relies on every notification.
  void wait(std::int64_t microseconds);

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  bool is_set_ = false;
};

}  // namespace piperun::kafka
