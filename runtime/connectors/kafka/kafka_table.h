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
// wrote last. SchemaMismatch: the newest record of a message key cannot be decoded, or two message keys have one row key; it names the
// record. What a later record of the same message key has replaced never fails.
class KafkaTable final : public connectors::Table {
 public:
  // `program` outlives it; `table` is one of its tables.
  static base::Result<std::unique_ptr<connectors::Table>> open(const ClientSettings& client, const ir::Program& program,
                                                               const ir::Table& table);
  base::Result<void> lookup(std::span<const value::Cell* const> keys, value::Arena& arena,
                            std::span<const value::Cell*> rows) override;

 private:
  struct Record {
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::optional<std::string> key, value;  // the value with the padding that decoders need
  };
  using Newest = std::unordered_map<std::string, Record>;  // by message key
  KafkaTable(TopicLog log, const ir::Program& program, const ir::Table& table);
  base::Result<void> load();
  base::Result<void> follow();
  static Record record_of(const rd_kafka_message_t& message);
  std::string identity(const Record& record);
  base::Result<void> take_all(Newest newest);
  base::Result<void> take(Record record);
  base::Result<std::string> row_key(const Record& record);
  void remove(const std::string& message_key);
  base::Error bad(const Record& record, const std::string& why) const;

  TopicLog log_;
  const ir::Program& program_;
  const ir::Table& table_;
  const std::vector<value::Field>& fields_;
  std::vector<std::size_t> offsets_;  // of fields, in cells
  std::size_t width_ = 0;
  std::unique_ptr<record::Decoder> decoder_;
  value::Arena scratch_;
  std::unordered_map<std::string, std::string> rows_;  // by row key: values, with the padding that decoders need
  std::unordered_map<std::string, std::string> row_keys_;  // by message key
};

}  // namespace piperun::kafka
