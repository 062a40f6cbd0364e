// Appends to a topic of a database file.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "runtime/connectors/embedded/topics.h"
#include "runtime/connectors/sink.h"

namespace piperun::embedded {

class TopicSink final : public connectors::Sink {
 public:
  // Makes the topic if it is missing. `own`: null, or the connection that `database` refers to.
  static base::Result<std::unique_ptr<connectors::Sink>> open(Database& database, std::unique_ptr<Database> own,
                                                              std::string topic, std::int64_t partitions,
                                                              std::vector<std::string> headers);

  base::Result<void> write(std::span<const connectors::OutputRow> rows) override;
  base::Result<void> await() override { return {}; }

 private:
  TopicSink(Database& database, std::unique_ptr<Database> own, std::string topic, std::vector<std::string> headers)
      : own_(std::move(own)), database_(database), topic_(std::move(topic)), headers_(std::move(headers)) {}

  std::unique_ptr<Database> own_;
  Database& database_;
  std::string topic_;
  std::vector<std::string> headers_;
  std::vector<NewRecord> records_;
  std::vector<std::string> header_bytes_;
};

}  // namespace piperun::embedded
