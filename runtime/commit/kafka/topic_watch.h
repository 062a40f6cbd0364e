// Notices that a topic was made anew while it is read: its records begin at 0 again, and the client reads on at the old offset.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/commit/kafka/client.h"

namespace piperun::kafka {

// For one thread. `handle` is there until stop().
class TopicWatch {
 public:
  TopicWatch(rd_kafka_t* handle, std::vector<std::string> topics) : handle_(handle), topics_(std::move(topics)) {}

  // Asks for the topics' ids every 5 s, and takes the answer when it has come; never waits. `now`: monotonic microseconds. PositionGone
  // when a topic has another id than at first. One that cannot be seen now is told, for it may come back.
  base::Result<void> look(std::int64_t now);
  // Asks now and waits for the answer, 2 s at most: before positions are read on that somebody may have set behind a topic made anew.
  base::Result<void> check(std::int64_t now);
  void stop() { answers_.reset(); }

 private:
  void ask();
  base::Result<void> take_answer(std::int64_t now, int patience);
  base::Result<void> compare(const rd_kafka_TopicDescription_t& topic, std::int64_t now);

  rd_kafka_t* handle_;
  std::vector<std::string> topics_;
  std::map<std::string, std::string> ids_;
  QueuePtr answers_;  // null: nothing is asked
  std::int64_t next_ = 0;  // when to ask
  std::map<std::string, std::int64_t> next_words_;  // when to tell again of a topic that is not there
};

}  // namespace piperun::kafka
