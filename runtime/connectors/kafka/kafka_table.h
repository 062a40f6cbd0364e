// A compacted topic as look-up data: the last value of each key.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/connectors/kafka/topic_log.h"
#include "runtime/connectors/table.h"
#include "runtime/record/decoder.h"

namespace piperun::kafka {

// All of the topic is read when it is opened, and before each look-up what came since. The values are held in memory as bytes and decoded
// when they are looked up. The row's key comes from the fields that the table names; a tombstone removes the row that its message key
// wrote last. SchemaMismatch: a record that cannot be decoded, or two message keys with one row key; it names the record.
class KafkaTable final : public connectors::Table {
 public:
  // `program` outlives it; `table` is one of its tables.
  static base::Result<std::unique_ptr<connectors::Table>> open(const ClientSettings& client, const ir::Program& program,
                                                               const ir::Table& table);
  base::Result<void> lookup(std::span<const value::Cell* const> keys, value::Arena& arena,
                            std::span<const value::Cell*> rows) override;

 private:
  struct Stored {
    std::string value;  // with the padding that decoders need
    std::string message_key;
  };
  KafkaTable(TopicLog log, const ir::Program& program, const ir::Table& table);
  base::Result<void> load();
  base::Result<void> follow();
  base::Result<void> take(const rd_kafka_message_t& message);
  base::Result<std::string> row_key(const rd_kafka_message_t& message, std::string_view value);
  void remove(const std::string& message_key);
  base::Error bad(const rd_kafka_message_t& message, const std::string& why) const;

  TopicLog log_;
  const ir::Program& program_;
  const ir::Table& table_;
  const std::vector<value::Field>& fields_;
  std::vector<std::size_t> offsets_;  // of fields, in cells
  std::size_t width_ = 0;
  std::unique_ptr<record::Decoder> decoder_;
  value::Arena scratch_;
  std::unordered_map<std::string, Stored> rows_;  // by row key
  std::unordered_map<std::string, std::string> row_keys_;  // by message key
};

}  // namespace piperun::kafka
