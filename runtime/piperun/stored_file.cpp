// A database file, of an embedded connection or of a stand-in.
#include <algorithm>
#include <filesystem>

#include "runtime/connectors/embedded/inspector.h"
#include "runtime/piperun/stored_system.h"

namespace piperun::cli {
namespace {

using base::Result;
using embedded::Database;
using embedded::Inspector;

std::vector<connectors::Partition> bounds_of(const embedded::Topic& topic) {
  std::vector<connectors::Partition> result;
  for (const embedded::TopicPartition& each : topic.partitions) result.push_back({topic.name, each.number, each.begin, each.end});
  return result;
}

class FileStore final : public StoredSystem {
 public:
  FileStore(std::string path, base::Clock& clock) : path_(std::move(path)), clock_(clock) {}

  Result<std::vector<UnitLedger>> ledgers(const std::string& pipeline) override {
    auto inspector = open(Database::Access::Read);
    if (!inspector) return std::unexpected(inspector.error());
    auto found = inspector->ledgers();
    if (!found) return std::unexpected(found.error());
    std::erase_if(*found, [&](const UnitLedger& each) { return !pipeline.empty() && each.pipeline != pipeline; });
    return found;
  }

  Result<std::unique_ptr<commit::Domain>> domain(const std::string& pipeline, const std::string& unit) override {
    auto inspector = open(Database::Access::Write);
    if (!inspector) return std::unexpected(inspector.error());
    return std::move(*inspector).domain(pipeline, unit);
  }

  bool is_transactional() const override { return true; }

  Result<std::vector<ListedTopic>> topics() override {
    auto inspector = open(Database::Access::Read);
    if (!inspector) return std::unexpected(inspector.error());
    const auto found = inspector->topics();
    if (!found) return std::unexpected(found.error());
    std::vector<ListedTopic> result;
    for (const embedded::Topic& topic : *found) result.push_back({topic.name, bounds_of(topic)});
    return result;
  }

  Result<std::vector<TopicRecord>> peek(const std::string& topic, std::int32_t partition, std::int64_t from,
                                        std::int64_t limit) override {
    auto inspector = open(Database::Access::Read);
    if (!inspector) return std::unexpected(inspector.error());
    const auto topics = inspector->topics();
    if (!topics) return std::unexpected(topics.error());
    const auto found = std::ranges::find(*topics, topic, &embedded::Topic::name);
    if (found == topics->end())
      return base::failure(base::ErrorCode::NoSuchTopic, "there is no topic `" + topic + "` in " + path_);
    if (auto there = has_partition(topic, bounds_of(*found), partition); !there) return std::unexpected(there.error());
    std::vector<TopicRecord> result;
    for (const embedded::TopicPartition& each : found->partitions) {
      if (partition >= 0 && each.number != partition) continue;
      const std::int64_t first = from >= 0 ? from : limit > each.end - each.begin ? each.begin : each.end - limit;
      auto records = inspector->peek(topic, each.number, first, limit);
      if (!records) return std::unexpected(records.error());
      std::ranges::move(*records, std::back_inserter(result));
    }
    return result;
  }

  // One transaction in any case.
  Result<void> put(const std::string& topic, const std::vector<PutRecord>& records, bool,
                   std::int64_t partitions_if_missing) override {
    std::vector<embedded::NewRecord> made;
    for (const PutRecord& record : records) {
      embedded::NewRecord& each = made.emplace_back();
      each.timestamp = clock_.now();
      if (record.key) each.key = *record.key;
      if (record.value) each.value = *record.value;
      each.partition = record.partition;
    }
    auto inspector = open(Database::Access::Write);
    if (!inspector) return std::unexpected(inspector.error());
    return inspector->put(topic, made, partitions_if_missing);
  }

  Result<std::vector<ListedTable>> tables() override {
    auto inspector = open(Database::Access::Read);
    if (!inspector) return std::unexpected(inspector.error());
    return inspector->tables();
  }

  Result<TableRows> rows(const std::string& name, std::int64_t limit) override {
    auto inspector = open(Database::Access::Read);
    if (!inspector) return std::unexpected(inspector.error());
    return inspector->rows(name, limit);
  }

  // Offsets are dense, and what was trimmed had come in.
  Result<std::optional<std::int64_t>> count_records(const std::string& name) override {
    const auto all = topics();
    if (!all) return std::unexpected(all.error());
    std::int64_t records = 0;
    for (const ListedTopic& topic : *all) {
      for (const connectors::Partition& partition : topic.partitions) records += topic.name == name ? partition.end : 0;
    }
    return records;
  }

  Result<std::int64_t> count_rows(const std::string& name) override {
    const auto all = tables();
    if (!all) return std::unexpected(all.error());
    const auto table = std::ranges::find(*all, name, &ListedTable::name);
    return table == all->end() ? 0 : table->rows;
  }

 private:
  Result<Inspector> open(Database::Access access) const { return Inspector::open(path_, access); }

  std::string path_;
  base::Clock& clock_;
};

}  // namespace

std::unique_ptr<StoredSystem> open_file_store(std::string path, base::Clock& clock) {
  return std::make_unique<FileStore>(std::move(path), clock);
}

}  // namespace piperun::cli
