// What commands ask of one system that holds data of pipelines: a database file, a Kafka cluster, a PostgreSQL database.
#pragma once
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/base/clock.h"
#include "runtime/commit/domain.h"
#include "runtime/connectors/inspector.h"

namespace piperun::cli {

using connectors::ListedTable;
using connectors::ListedTopic;
using connectors::PutRecord;
using connectors::TableRows;
using connectors::TableValue;
using connectors::TopicRecord;
using UnitLedger = connectors::StoredLedger;

// A server is connected to at the first question. Questions about topics to a system without topics find none; the same for tables.
class StoredSystem {
 public:
  virtual ~StoredSystem() = default;

  // Of the units that have stored something here and were not taken over by others. `pipeline` "": of all; a cluster does not know them.
  virtual base::Result<std::vector<UnitLedger>> ledgers(const std::string& pipeline) = 0;
  // The same of the units of other pipelines than `pipeline` that read one of these topics.
  virtual base::Result<std::vector<UnitLedger>> others(const std::string& pipeline, const std::set<std::string>& topics);
  virtual base::Result<std::unique_ptr<commit::Domain>> domain(const std::string& pipeline, const std::string& unit) = 0;
  // A domain that no worker runs can change several things in one transaction.
  virtual bool is_transactional() const = 0;
  // A unit that is in use may be without positions: those of a consumer group expire, and go with their topic.
  virtual bool may_lose_positions() const { return false; }

  virtual base::Result<std::vector<ListedTopic>> topics() = 0;  // by name
  // From `from` on, or with -1 the last ones; of one partition, or with -1 of each, partition after partition. At most `limit` of each
  // partition. NoSuchTopic.
  virtual base::Result<std::vector<TopicRecord>> peek(const std::string& topic, std::int32_t partition, std::int64_t from,
                                                      std::int64_t limit) = 0;
  // Makes a missing topic when `partitions_if_missing` > 0, else NoSuchTopic. `is_atomic`: readers see all of them or none.
  virtual base::Result<void> put(const std::string& topic, const std::vector<PutRecord>& records, bool is_atomic,
                                 std::int64_t partitions_if_missing) = 0;

  virtual base::Result<std::vector<ListedTable>> tables() = 0;  // by name
  // Rows in the order of their primary key, else as they lie. NoSuchTable.
  virtual base::Result<TableRows> rows(const std::string& table, std::int64_t limit) = 0;

  // What has come into a topic so far; nullopt: some of it has gone, or been compacted, so that nobody can tell. No topic: 0.
  virtual base::Result<std::optional<std::int64_t>> count_records(const std::string& topic) = 0;
  virtual base::Result<std::int64_t> count_rows(const std::string& table) = 0;  // exactly; no table: 0
};

// NoSuchTopic if a topic does not have that partition; -1: any.
base::Result<void> has_partition(const std::string& topic, const std::vector<connectors::Partition>& partitions,
                                 std::int32_t number);

std::unique_ptr<StoredSystem> open_file_store(std::string path, base::Clock& clock);
// `program` outlives what is returned.
std::unique_ptr<StoredSystem> open_cluster_store(const ir::Program& program, ir::SystemId system, const std::string& state_dir,
                                                 const std::string& base_dir, base::Clock& clock);
std::unique_ptr<StoredSystem> open_database_store(const ir::Program& program, ir::SystemId system);

}  // namespace piperun::cli
