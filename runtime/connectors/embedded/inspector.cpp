#include "runtime/connectors/embedded/inspector.h"

#include <fmt/core.h>
#include <sqlite3.h>

#include <algorithm>

#include "lang/value/int.h"
#include "runtime/commit/embedded/header_bytes.h"
#include "runtime/commit/embedded/schema.h"
#include "runtime/connectors/embedded/table_layout.h"

namespace piperun::embedded {

using base::ErrorCode;
using base::Result;
using connectors::ListedTable;
using connectors::StoredLedger;
using connectors::TableRows;
using connectors::TableValue;
using connectors::TopicRecord;

Result<Inspector> Inspector::open(const std::string& path, Database::Access access) {
  auto database = Database::open(path, access);
  if (!database) return std::unexpected(database.error());
  return Inspector(std::move(*database));
}

Result<std::vector<TopicRecord>> Inspector::peek(const std::string& topic, std::int32_t partition, std::int64_t from,
                                                 std::int64_t limit) {
  auto found = find_topic(*database_, topic);
  if (!found) return std::unexpected(found.error());
  if (!*found)
    return base::failure(ErrorCode::NoSuchTopic, fmt::format("there is no topic `{}` in {}", topic, database_->path()));
  std::vector<TopicRecord> result;
  for (const TopicPartition& each : (*found)->partitions) {
    if (partition >= 0 && each.number != partition) continue;
    Query query = database_->query(
        "SELECT id, timestamp, key, value, headers FROM piperun_records WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3");
    const std::int64_t first = each.id << kOffsetBits;
    query.bind(1, first + std::max<std::int64_t>(from, 0))
        .bind(2, first + each.end - 1)
        .bind(3, limit - static_cast<std::int64_t>(result.size()));
    for (;;) {
      auto row = query.step();
      if (!row) return std::unexpected(row.error());
      if (!*row) break;
      TopicRecord& record = result.emplace_back(TopicRecord{
          each.number, query.integer(0) - first, query.integer(1), query.optional_bytes(2), query.optional_bytes(3), {}});
      each_header(query.bytes(4), [&](std::string_view name, const std::optional<std::string_view>& value) {
        record.headers.emplace_back(std::string(name), value ? std::optional<std::string>(*value) : std::nullopt);
      });
    }
  }
  return result;
}

Result<void> Inspector::put(const std::string& topic, std::span<const NewRecord> records, std::int64_t partitions_if_missing) {
  Transaction transaction(*database_);
  if (auto begun = transaction.begin(); !begun) return begun;
  if (partitions_if_missing > 0) {
    if (auto made = make_topic(*database_, topic, partitions_if_missing); !made) return std::unexpected(made.error());
  }
  if (auto appended = append_records(*database_, topic, records); !appended) return appended;
  return transaction.commit();
}

Result<std::vector<ListedTable>> Inspector::tables() {
  std::vector<ListedTable> result;
  {
    Query query = database_->query(
        "SELECT t.name, c.name, iif(instr(t.sql, ' INTEGER NOT NULL CHECK (\"' || replace(c.name, '\"', '\"\"') || '\" IN (0, "
        "1))') "
        "OR instr(t.sql, ' INTEGER CHECK (\"' || replace(c.name, '\"', '\"\"') || '\" IN (0, 1))'), 'BOOLEAN', c.type) "
        "FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table' "
        "AND t.name NOT LIKE 'piperun\\_%' ESCAPE '\\' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY t.name, c.cid");
    for (;;) {
      auto row = query.step();
      if (!row) return std::unexpected(row.error());
      if (!*row) break;
      if (result.empty() || result.back().name != query.bytes(0)) result.push_back({query.text(0), {}, {}, 0});
      result.back().columns.push_back(query.text(1));
      result.back().types.push_back(query.text(2));
    }
  }
  for (ListedTable& table : result) {
    Query count = database_->query(fmt::format("SELECT count(*) FROM {}", quoted(table.name)));
    if (auto row = count.step(); !row) return std::unexpected(row.error());
    table.rows = count.integer(0);
  }
  return result;
}

namespace {

TableValue value_of(const Query& query, int column, bool is_bool) {
  using Kind = TableValue::Kind;
  switch (query.kind(column)) {
    case SQLITE_NULL: return {};
    case SQLITE_INTEGER:
      if (is_bool) return {Kind::Bool, query.integer(column) == 0 ? "false" : "true"};
      return {Kind::Number, query.text(column)};
    case SQLITE_FLOAT: {
      std::string shortest;
      value::append_float(shortest, query.real(column));
      return {Kind::Number, std::move(shortest)};
    }
    case SQLITE_BLOB: return {Kind::Bytes, query.text(column)};
    default: return {Kind::Text, query.text(column)};
  }
}

}  // namespace

Result<TableRows> Inspector::rows(const std::string& table, std::int64_t limit) {
  auto all = tables();
  if (!all) return std::unexpected(all.error());
  const auto found = std::ranges::find(*all, table, &ListedTable::name);
  if (found == all->end())
    return base::failure(ErrorCode::NoSuchTable, fmt::format("there is no table `{}` in {}", table, database_->path()));
  std::string order;
  {
    Query query = database_->query("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk");
    query.bind(1, table);
    for (;;) {
      auto row = query.step();
      if (!row) return std::unexpected(row.error());
      if (!*row) break;
      order += (order.empty() ? " ORDER BY " : ", ") + quoted(query.bytes(0));
    }
  }
  Query query = database_->query(fmt::format("SELECT * FROM {}{} LIMIT ?1", quoted(table), order));
  query.bind(1, limit);
  TableRows result{std::move(found->columns), {}};
  for (;;) {
    auto row = query.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return result;
    auto& values = result.rows.emplace_back();
    for (int i = 0; i < query.columns(); ++i)
      values.push_back(value_of(query, i, found->types[static_cast<std::size_t>(i)] == "BOOLEAN"));
  }
}

Result<std::vector<StoredLedger>> Inspector::ledgers() {
  std::vector<StoredLedger> result;
  {
    Query query = database_->query(
        "SELECT pipeline, unit FROM piperun_positions UNION SELECT pipeline, unit FROM piperun_manifests ORDER BY 1, 2");
    for (;;) {
      auto row = query.step();
      if (!row) return std::unexpected(row.error());
      if (!*row) break;
      result.push_back({query.text(0), query.text(1), {}, {}});
    }
  }
  for (StoredLedger& ledger : result) {
    EmbeddedDomain asked(std::move(database_), ledger.pipeline, ledger.unit);
    auto positions = asked.read_positions(ir::StepMode::Plain);
    auto sinks = asked.rows();
    database_ = std::move(asked).take_database();
    if (!positions) return std::unexpected(positions.error());
    if (!sinks) return std::unexpected(sinks.error());
    ledger.positions = std::move(*positions);
    ledger.sinks = std::move(*sinks);
  }
  return result;
}

std::unique_ptr<EmbeddedDomain> Inspector::domain(std::string pipeline, std::string unit) && {
  return std::make_unique<EmbeddedDomain>(std::move(database_), std::move(pipeline), std::move(unit));
}

}  // namespace piperun::embedded
