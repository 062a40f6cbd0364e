// A PostgreSQL database: the users' tables, and what units keep in the schema `piperun`.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/connectors/postgres/inspector.h"
#include "runtime/engine/secrets.h"
#include "runtime/piperun/stored_system.h"

namespace piperun::cli {
namespace {

using base::Result;

class DatabaseStore final : public StoredSystem {
 public:
  DatabaseStore(const ir::Program& program, ir::SystemId system) : system_(program.systems[system]) {}

  Result<std::vector<UnitLedger>> ledgers(const std::string& pipeline) override {
    auto inspector = open();
    if (!inspector) return std::unexpected(inspector.error());
    auto found = inspector->ledgers();
    if (!found) return std::unexpected(found.error());
    std::erase_if(*found, [&](const UnitLedger& each) { return !pipeline.empty() && each.pipeline != pipeline; });
    return found;
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
    return inspector->tables();
  }

  Result<TableRows> rows(const std::string& table, std::int64_t limit) override {
    auto inspector = open();
    if (!inspector) return std::unexpected(inspector.error());
    return inspector->rows(table, limit);
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
