// What lies in the metadata of a committed offset: the ledger of its partition. ASCII, as librdkafka and tools take it for text.
//   `piperun/1 read=12 used=10 filtered=2 in_flight=3 at=7 time=1780000000000000 rows.order_lines=10`      (what is 0 is left out)
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/commit/domain.h"

namespace piperun::kafka {

struct OffsetMetadata {
  // Brokers refuse more than offset.metadata.max.bytes, 4096 unless somebody changed it, and then abort the whole transaction.
  static constexpr std::size_t kLimit = 4095;

  bool is_none = false;  // the offset stands for none: it could not be removed while members read the topic
  commit::Counts counts;
  std::int64_t in_flight = 0;  // Position::in_flight
  std::int64_t at = 0;  // of the replay topic alone: how many dead letters were replayed
  std::optional<std::int64_t> time{};  // Position::newest_time
  std::string topic_id{};  // of the topic that the offset belongs to: another one of the same name has another; "": not known
  std::string database{};  // of an outbox's position: commit/database_identity.h; "": not known
  std::map<std::string, std::int64_t> rows;  // per sink, written by commits of this partition

  base::Result<std::string> text() const;  // StoreDamaged when it does not fit
  static bool is_ours(std::string_view text);  // not so: another tool has set the offset
  static OffsetMetadata parse(std::string_view text);  // all zero where it is not ours
  friend bool operator==(const OffsetMetadata&, const OffsetMetadata&);
};

}  // namespace piperun::kafka
