// Reads a topic of a database file through a read-only connection; other processes may write to it meanwhile.
#pragma once
#include <memory>
#include <string>

#include "runtime/base/clock.h"
#include "runtime/connectors/embedded/topics.h"
#include "runtime/connectors/source.h"

namespace piperun::embedded {

class TopicSource final : public connectors::Source {
 public:
  // CannotOpen, NoSuchTopic.
  static base::Result<std::unique_ptr<connectors::Source>> open(const std::string& path, const std::string& topic,
                                                                base::Clock& clock);

  base::Result<std::vector<connectors::Partition>> partitions() override;
  base::Result<std::int64_t> resolve(const std::string& start, std::uint32_t partition) override;
  base::Result<record::Slab> read(std::uint32_t partition, std::int64_t position, std::size_t max_records,
                                  std::size_t max_bytes) override;
  bool is_finite() const override { return false; }
  void wait(std::int64_t microseconds) override;

 private:
  TopicSource(std::unique_ptr<Database> database, std::string topic, base::Clock& clock)
      : database_(std::move(database)), topic_(std::move(topic)), clock_(clock) {}
  base::Result<Topic> topic();
  base::Result<TopicPartition> bounds(std::uint32_t partition);

  std::unique_ptr<Database> database_;
  std::string topic_;
  base::Clock& clock_;
  std::vector<TopicPartition> known_;  // partitions are never removed nor renumbered
  std::int64_t seen_version_ = -1;     // of the data, when the last read found nothing
};

}  // namespace piperun::embedded
