// Appends to a topic of a database file.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "runtime/connectors/embedded/topics.h"
#include "runtime/connectors/sink.h"

namespace piperun::embedded {

struct TopicSettings {
  std::string topic;
  std::int64_t partitions = 1;       // of a topic that is made
  std::vector<std::string> headers{};  // names: ir::Sink::headers
  bool is_internal = false;  // the order of the source's partitions is kept: without a key, a record stays in its partition
};

class TopicSink final : public connectors::Sink {
 public:
  // Makes the topic if it is missing. `own`: null, or the connection that `database` refers to.
  static base::Result<std::unique_ptr<connectors::Sink>> open(Database& database, std::unique_ptr<Database> own,
                                                              TopicSettings settings);

  base::Result<void> write(std::span<const connectors::OutputRow> rows) override;
  base::Result<void> await() override { return {}; }

 private:
  TopicSink(Database& database, std::unique_ptr<Database> own, TopicSettings settings)
      : own_(std::move(own)), database_(database), settings_(std::move(settings)) {}

  std::unique_ptr<Database> own_;
  Database& database_;
  TopicSettings settings_;  // `partitions`: those that are there
  std::vector<NewRecord> records_;
  std::vector<std::string> header_bytes_;
};

}  // namespace piperun::embedded
