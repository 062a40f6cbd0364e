// A PostgreSQL database: the users' tables, and what units keep in the schema `piperun`.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/connectors/postgres/inspector.h"
#include "runtime/engine/secrets.h"
#include "runtime/piperun/stored_system.h"

namespace piperun::cli {
namespace {

using base::Result;

TableValue value_of(postgres::ListedValue stored) {
  using From = postgres::ListedValue::Kind;
  using To = TableValue::Kind;
  switch (stored.kind) {
    case From::Null: return {};
    case From::Number: return {To::Number, std::move(stored.text)};
    case From::Bool: return {To::Bool, std::move(stored.text)};
    case From::Text: return {To::Text, std::move(stored.text)};
    case From::Json: return {To::Json, std::move(stored.text)};
    case From::Bytes: return {To::Bytes, std::move(stored.text)};
  }
  return {};
}

class DatabaseStore final : public StoredSystem {
 public:
  DatabaseStore(const ir::Program& program, ir::SystemId system) : system_(program.systems[system]) {}

  Result<std::vector<UnitLedger>> ledgers(const std::string& pipeline) override {
    auto inspector = open();
    if (!inspector) return std::unexpected(inspector.error());
    auto found = inspector->ledgers();
    if (!found) return std::unexpected(found.error());
    std::vector<UnitLedger> result;
    for (postgres::UnitLedger& each : *found) {
      if (pipeline.empty() || each.pipeline == pipeline)
        result.push_back({std::move(each.pipeline), std::move(each.unit), std::move(each.positions), std::move(each.sinks)});
    }
    return result;
  }

  Result<std::unique_ptr<commit::Domain>> domain(const std::string& pipeline, const std::string& unit) override {
    auto inspector = open();
    if (!inspector) return std::unexpected(inspector.error());
    return std::move(*inspector).domain(pipeline, unit);
  }

  bool is_transactional() const override { return true; }

  Result<std::vector<ListedTopic>> topics() override { return std::vector<ListedTopic>{}; }
  Result<std::vector<TopicRecord>> peek(const std::string& topic, std::int32_t, std::int64_t, std::int64_t) override {
    return no_topic(topic);
  }
  Result<void> put(const std::string& topic, const std::vector<PutRecord>&, bool, std::int64_t) override {
    return no_topic(topic);
  }

  Result<std::vector<ListedTable>> tables() override {
    auto inspector = open();
    if (!inspector) return std::unexpected(inspector.error());
    auto found = inspector->tables();
    if (!found) return std::unexpected(found.error());
    std::vector<ListedTable> result;
    for (postgres::ListedTable& table : *found) result.push_back({std::move(table.name), table.rows});
    return result;
  }

  Result<TableRows> rows(const std::string& table, std::int64_t limit) override {
    auto inspector = open();
    if (!inspector) return std::unexpected(inspector.error());
    auto columns = inspector->columns(table);
    if (!columns) return std::unexpected(columns.error());
    auto stored = inspector->rows(table, limit);
    if (!stored) return std::unexpected(stored.error());
    TableRows result{std::move(*columns), {}};
    for (auto& row : *stored) {
      auto& values = result.rows.emplace_back();
      for (postgres::ListedValue& value : row) values.push_back(value_of(std::move(value)));
    }
    return result;
  }

  Result<std::optional<std::int64_t>> count_records(const std::string&) override { return 0; }
  Result<std::int64_t> count_rows(const std::string& table) override {
    auto inspector = open();
    if (!inspector) return std::unexpected(inspector.error());
    auto counted = inspector->count(table);
    return !counted && counted.error().code == base::ErrorCode::NoSuchTable ? 0 : counted;
  }

 private:
  // A connection of its own for each question: a person asks few.
  Result<postgres::Inspector> open() const {
    auto settings = postgres::postgres_settings(system_, engine::secret_from_environment, "");
    if (!settings) return std::unexpected(settings.error());
    return postgres::Inspector::open(std::move(*settings));
  }

  std::unexpected<base::Error> no_topic(const std::string& topic) const {
    return base::failure(base::ErrorCode::NoSuchTopic,
                         fmt::format("{} is a PostgreSQL database and has no topic `{}`", system_.name, topic));
  }

  const ir::System& system_;
};

}  // namespace

std::unique_ptr<StoredSystem> open_database_store(const ir::Program& program, ir::SystemId system) {
  return std::make_unique<DatabaseStore>(program, system);
}

}  // namespace piperun::cli
