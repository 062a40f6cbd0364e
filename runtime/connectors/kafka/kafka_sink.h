// Appends to a topic of a Kafka cluster: in the open transaction of the unit's domain, or with an idempotent producer of its own.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/commit/kafka/producer.h"
#include "runtime/connectors/sink.h"

namespace piperun::kafka {

struct SinkSettings {
  std::string name;  // of the declaration, for messages
  std::string topic;
  std::vector<std::string> headers{};  // ir::Sink::headers
  bool is_internal = false;  // the order of the source's partitions is kept: without a key, a record stays in its partition
  std::uint32_t number = 0;  // ir::SinkId: tells sinks that share a producer apart
  std::int64_t await_limit = 30'000'000;  // microseconds
};

class KafkaSink final : public connectors::Sink {
 public:
  // Of the transaction that is open now; null: none is.
  using OpenProducer = std::function<Producer*()>;

  // NoSuchTopic says how to make it. `joined`: null for a producer of its own, which is then made from `client`; it is idempotent
  // unless the client's property `acks` is 0.
  static base::Result<std::unique_ptr<connectors::Sink>> open(const ClientSettings& client, SinkSettings settings,
                                                              OpenProducer joined);

  // Oversize with its row before anything is written.
  base::Result<void> write(std::span<const connectors::OutputRow> rows) override;
  // A broker refuses a whole batch for one record: outside of a transaction those of the last call are written again, each alone.
  // After a failure that is none of a row the producer is given up, with what it had not sent: the rows are written again.
  base::Result<void> await() override;
  base::Result<std::string> hidden_at() override;

 private:
  KafkaSink(ClientSettings client, SinkSettings settings, OpenProducer joined)
      : client_(std::move(client)), settings_(std::move(settings)), joined_(std::move(joined)) {}
  base::Result<void> prepare();
  base::Result<void> open_own();
  base::Result<void> check_sizes(std::span<const connectors::OutputRow> rows) const;
  base::Result<Producer*> producer();
  base::Result<void> produce(Producer& producer, rd_kafka_topic_t* topic, const connectors::OutputRow& row, std::uint64_t number);
  base::Result<void> await_refused(Producer& producer);
  base::Error named(base::Error error) const;
  std::span<const RecordHeader> headers_of(const connectors::OutputRow& row);
  std::uint64_t tag(std::uint64_t row) const;

  ClientSettings client_;
  SinkSettings settings_;
  OpenProducer joined_;
  std::unique_ptr<Producer> own_;
  std::int64_t most_bytes_ = 0;  // of a record
  std::int64_t batch_bytes_ = 0;
  std::int32_t partitions_ = 0;
  std::uint64_t written_ = 0;  // rows so far: each has a number of its own
  std::uint64_t first_ = 0;  // of them, the first of the last call
  std::span<const connectors::OutputRow> last_;  // of the last call
  std::vector<std::uint64_t> refused_;  // of them, from the last to the first: refused in a batch, and not written alone yet
  std::optional<Client> looking_;  // of hidden_at()
  std::vector<std::int64_t> ends_;  // by partition, with what is not committed, when that was asked first
  std::vector<RecordHeader> headers_;
};

}  // namespace piperun::kafka
