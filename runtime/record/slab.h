// Records as a source delivers them: views into memory that the slab owns. Nothing behind a connector knows where a slab came from.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace piperun::record {

struct Header {
  std::string_view name;
  std::optional<std::string_view> value;
};

// The views live as long as the slab. At least kPadding readable bytes follow each value (a JSON parser reads past the end).
inline constexpr std::size_t kPadding = 64;
struct RawRecord {
  std::int64_t offset = 0;  // of this record: a number in a topic, a byte position in a file
  std::int64_t next = 0;  // position after it: what is committed when it is done
  std::int64_t timestamp = 0;  // the log's, microseconds; 0 if it has none
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;  // nullopt: a tombstone
  std::vector<Header> headers;
};

class SlabOwner {
 public:
  virtual ~SlabOwner() = default;
};

struct Slab {
  std::uint32_t partition = 0;  // index into what Source::partitions() returned
  std::vector<RawRecord> records;  // contiguous, ascending
  std::string_view header;  // csv: the first line of the file that they come from; else empty
  // What stands before the position behind the last record, in a few characters: Source::check knows it again. Empty where a system
  // keeps what it once had at a position.
  std::string_view mark;
  std::unique_ptr<SlabOwner> owner;
};

}  // namespace piperun::record
