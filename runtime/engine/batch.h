// One batch: the records that are processed and committed together, and what became of each.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lang/ir/dataflow.h"
#include "lang/value/arena.h"
#include "runtime/base/result.h"
#include "runtime/commit/domain.h"
#include "runtime/connectors/sink.h"
#include "runtime/record/slab.h"

namespace piperun::engine {

// A partition that a worker reads.
struct ReadPartition {
  std::uint32_t source = 0;      // index into Unit::sources
  std::uint32_t number = 0;      // index into what that source's partitions() returned
  commit::PartitionName name;
  std::uint64_t seed = 0;        // of stable randomness: a hash of pipeline and partition
  std::string mark{};            // commit::Position::mark: stored with its position
};

// Why a record is dead.
struct Failure {
  base::ErrorCode code = base::ErrorCode::FunctionFailed;
  std::string message;
  std::string sqlstate;
  ir::Site site;
  std::string flow;              // flow and stage
  std::uint32_t policy = 0;      // index into Program::policies
  std::uint32_t element = 0;
  bool letter_sent = false;      // at_most_once: a sink of dead letters has it
  bool letter_refused = false;   // that sink does not take it: only the store has it
};

struct BatchRecord {
  const record::RawRecord* raw = nullptr;
  std::uint32_t partition = 0;   // index into the unit's partitions
  std::string_view header;       // csv: the header line of its file
  const commit::Letter* replayed = nullptr;  // the dead letter that it is, else null
  std::int64_t time = commit::kNoTime;  // where its unit keeps keys: what they are compared by, microseconds
  // What its paths came to in the last processing.
  bool used = false, late = false, duplicate = false, filtered = false, passed_dedup = false;
};

// Rows for one sink, in the order of their records.
struct SinkRows {
  std::vector<connectors::OutputRow> rows;
  std::vector<std::uint32_t> records;                        // per row: index into Batch::records
  std::vector<ir::NodeId> outputs;                           // per row: which has made it

  void clear() {
    rows.clear();
    records.clear();
    outputs.clear();
  }
};

struct StageClaims {
  std::string stage;
  std::vector<commit::KeyClaim> claims;
};

struct Batch {
  std::vector<record::Slab> slabs;                           // own the payloads
  std::vector<commit::Letter> replays;                       // own the records of a replay
  std::vector<record::RawRecord> replayed_records;
  std::vector<BatchRecord> records;                          // contiguous per partition, ascending
  std::map<std::uint32_t, Failure> dead;                     // by index into `records`: fixed, whatever processing says
  std::int64_t now = 0;                                      // microseconds; what now() gives to every record of it
  bool is_replay = false;
  bool is_processed = false;                                 // ahead, all of it, as it still is

  bool empty() const { return records.empty(); }

  // As new, but for the memory, which the next batch needs again.
  void clear() {
    slabs.clear();
    replays.clear();
    replayed_records.clear();
    records.clear();
    dead.clear();
    now = 0;
    is_replay = is_processed = false;
  }
};

// What processing a range of a batch yields. Its views live in the batch's slabs and in `memory`.
struct Processed {
  std::size_t first = 0, last = 0;                           // records [first, last)
  value::Arena memory{256 * 1024};
  std::vector<SinkRows> sinks;                               // one per Unit::sinks
  std::vector<StageClaims> claims;                           // in stage order
  std::vector<std::string> encoded;                          // per sink: what OutputRow::encoded views
  std::vector<std::int64_t> newest_time;                     // per partition: of the records that live, at most `now`
};

}  // namespace piperun::engine
