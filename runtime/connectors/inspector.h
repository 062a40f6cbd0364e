// What a person asks a system that holds data of pipelines, in the same words for all of them: topics, tables, stored ledgers.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/commit/domain.h"
#include "runtime/connectors/source.h"

namespace piperun::connectors {

// What is stored for one unit of one pipeline.
struct StoredLedger {
  std::string pipeline, unit;
  std::vector<commit::Position> positions;  // by partition; one of the topic `#replay` counts replayed dead letters
  std::vector<std::pair<std::string, std::int64_t>> sinks;  // rows written per sink
};

struct ListedTopic {
  std::string name;
  std::vector<Partition> partitions;  // by number
};

struct TopicRecord {
  std::int32_t partition = 0;
  std::int64_t offset = 0, timestamp = 0;  // microseconds
  std::optional<std::string> key, value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
};

struct PutRecord {
  std::optional<std::string> key, value;
  std::int32_t partition = -1;  // -1: by key, and without one wherever
  std::int64_t timestamp = 0;  // microseconds; 0: of now
};

struct ListedTable {
  std::string name;  // `orders`, or `schema.orders` outside of the search path
  std::vector<std::string> columns, types;  // types as the system writes them
  std::int64_t rows = 0;  // of a server perhaps its estimate
};

// A value as it is stored.
struct TableValue {
  enum class Kind : std::uint8_t { Null, Number, Bool, Text, Json, Bytes } kind = Kind::Null;
  std::string text;  // of whatever kind; bytes as they are
};

struct TableRows {
  std::vector<std::string> columns;
  std::vector<std::vector<TableValue>> rows;
};

}  // namespace piperun::connectors
