// A compacted topic as look-up data: the last value of each key.
#pragma once
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/connectors/kafka/topic_log.h"
#include "runtime/connectors/table.h"
#include "runtime/record/decoder.h"

namespace piperun::kafka {

// What becomes of a record that cannot be decoded.
enum class Misfit : std::uint8_t {
  Stops,  // the table cannot be opened, nor looked up in
  IsPassedOver,  // told; what looks for its row is refused where it is known which row that would be, and finds none where it is not
};

// All of the topic is read when it is opened, and before each look-up what came since. The values are held in memory as bytes and decoded
// when they are looked up. The row's key comes from the fields that the table names; a tombstone removes the row that its message key
// wrote last. SchemaMismatch, with the record's name: the newest record of a message key cannot be decoded (Misfit::Stops), or two message
// keys have one row key. What a later record of the same message key has replaced never fails.
class KafkaTable final : public connectors::Table {
 public:
  // `program` outlives it; `table` is one of its tables.
  static base::Result<std::unique_ptr<connectors::Table>> open(const ClientSettings& client, const ir::Program& program,
                                                               const ir::Table& table, Misfit misfit);
  base::Result<void> lookup(std::span<const value::Cell* const> keys, value::Arena& arena,
                            std::span<const value::Cell*> rows) override;

 private:
  struct Record {
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::optional<std::string> key, value;  // the value with the padding that decoders need
    std::optional<std::string> former;  // the key of the row that its message key had until now
  };
  struct PassedOver {  // what those are told who look for the row
    base::ErrorCode code = base::ErrorCode::InvalidJson;
    std::string words;
  };
  using Newest = std::unordered_map<std::string, Record>;  // by message key
  KafkaTable(TopicLog log, const ir::Program& program, const ir::Table& table, Misfit misfit);
  base::Result<void> load();
  base::Result<void> follow();
  static Record record_of(const rd_kafka_message_t& message);
  std::string identity(const Record& record);
  base::Result<void> take_all(Newest newest);
  base::Result<void> take(Record record);
  std::expected<std::string, record::DecodeFault> row_key(const Record& record);
  std::optional<std::string> row_key_of(std::string_view message_key);
  std::optional<std::string> remove(const std::string& message_key);
  void pass_over(const Record& record, const record::DecodeFault& fault);
  std::string words(const Record& record, const std::string& why) const;

  TopicLog log_;
  const ir::Program& program_;
  const ir::Table& table_;
  const Misfit misfit_;
  const std::vector<value::Field>& fields_;
  std::vector<std::size_t> offsets_;  // of fields, in cells
  std::size_t width_ = 0;
  std::unique_ptr<record::Decoder> decoder_;
  value::Arena scratch_;
  std::unordered_map<std::string, std::string> rows_;  // by row key: values, with the padding that decoders need
  std::unordered_map<std::string, PassedOver> passed_over_;  // by row key; a row of another message key goes before it
  std::unordered_map<std::string, std::string> row_keys_, passed_keys_;  // by message key
};

}  // namespace piperun::kafka
