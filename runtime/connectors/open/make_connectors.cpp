// The real connectors, by the kind of the system they belong to.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "lang/ir/declared.h"
#include "runtime/commit/embedded/embedded_domain.h"
#include "runtime/connectors/connectors.h"
#include "runtime/connectors/embedded/lookup_table.h"
#include "runtime/connectors/embedded/samples.h"
#include "runtime/connectors/embedded/table_writer.h"
#include "runtime/connectors/embedded/topic_sink.h"
#include "runtime/connectors/embedded/topic_source.h"
#include "runtime/connectors/file/file_sink.h"
#include "runtime/connectors/file/file_source.h"
#include "runtime/connectors/file/file_table.h"
#include "runtime/connectors/generate/generate_source.h"
#include "runtime/connectors/open/kafka_parts.h"
#include "runtime/connectors/open/postgres_parts.h"
#include "runtime/connectors/stdio/stdin_source.h"
#include "runtime/connectors/stdio/stdout_sink.h"
#include "runtime/record/csv_delimiter.h"
#include "runtime/record/encoder.h"

namespace piperun::connectors {

namespace {

using base::ErrorCode;
using base::Result;
using embedded::Database;
using Options = std::map<std::string, std::string>;

std::string text_option(const Options& options, const std::string& name) {
  const auto found = options.find(name);
  return found == options.end() ? "" : found->second;
}

std::int64_t number_option(const Options& options, const std::string& name, std::int64_t fallback) {
  std::string text = text_option(options, name);
  std::erase(text, '_');
  std::int64_t result = fallback;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

bool is_embedded(const ir::System& system) {
  return system.stand_in || system.kind == ir::SystemKind::Embedded || system.kind == ir::SystemKind::StateStore;
}

bool is_kafka(const ir::System& system) { return !system.stand_in && system.kind == ir::SystemKind::Kafka; }

bool is_postgres(const ir::System& system) { return !system.stand_in && system.kind == ir::SystemKind::Postgres; }

std::unexpected<base::Error> not_here(const ir::System& system, const char* role) {
  return base::failure(
      ErrorCode::NotInThisVersion,
      fmt::format("`{}` as a {} is not in this version; run with --local where that is possible", system.name, role));
}

std::unexpected<base::Error> no_topic(const base::Error& error, const ir::Source& source, const std::string& topic,
                                      bool is_stand_in) {
  return base::failure(
      error.code,
      fmt::format("{}\n  = help: `piperun topic put {} FILE{} < records.ndjson` makes it; so does `partitions = 1` in source "
                  "{}, or with --local a `sample`",
                  error.message, topic, is_stand_in ? " --local" : "", source.name));
}

class RealConnectors final : public Connectors {
 public:
  RealConnectors(std::string state_dir, std::string base_dir, base::Clock& clock, ReadSecret secret)
      : state_dir_(std::move(state_dir)),
        base_dir_(std::move(base_dir)),
        clock_(clock),
        kafka_(state_dir_, base_dir_, clock, secret),
        postgres_(clock, std::move(secret)) {}

  Result<std::unique_ptr<Group>> open_group(const ir::Program& program, const ir::Unit& unit, std::uint32_t worker) override {
    if (is_kafka(program.systems[unit.source_system])) return kafka_.open_group(program, unit, worker);
    if (!is_postgres(program.systems[unit.source_system])) return nullptr;
    if (is_postgres(program.systems[unit.domain])) return postgres_.open_lease(program, unit);
    if (!is_kafka(program.systems[unit.domain])) return nullptr;
    std::vector<std::unique_ptr<Source>> sources;
    for (const ir::SourceId id : unit.sources) {
      auto source = postgres_.open_source(program, unit, id);
      if (!source) return std::unexpected(source.error());
      sources.push_back(std::move(*source));
    }
    return kafka_.open_relay_group(program, unit, worker, std::move(sources));
  }

  Result<std::unique_ptr<commit::Domain>> open_domain(const ir::Program& program, const ir::Unit& unit, std::uint32_t worker,
                                                      Group* group) override {
    if (is_kafka(program.systems[unit.domain])) return kafka_.open_domain(program, unit, worker, group);
    if (is_postgres(program.systems[unit.domain])) {
      const bool is_member = is_kafka(program.systems[unit.source_system]);
      auto cluster = is_member ? KafkaParts::cluster_of(*group) : PostgresParts::database_of(unit, group);
      if (!cluster) return std::unexpected(cluster.error());
      using Ids = std::map<std::string, std::string>;
      auto topics = is_member ? KafkaParts::topic_ids_of(program, unit, *group) : Result<Ids>();
      if (!topics) return std::unexpected(topics.error());
      return postgres_.open_domain(program, unit, std::move(*cluster), std::move(*topics));
    }
    if (!is_embedded(program.systems[unit.domain])) return not_here(program.systems[unit.domain], "commit domain");
    auto database = open_database(program, unit.domain);
    if (!database) return std::unexpected(database.error());
    return std::make_unique<embedded::EmbeddedDomain>(std::move(*database), program.id, unit.name);
  }

  Result<std::unique_ptr<commit::Domain>> open_stored(const ir::Program& program, ir::SystemId id,
                                                      const std::string& unit) override {
    if (id != ir::kNone && is_kafka(program.systems[id])) return kafka_.open_stored(program, id, unit);
    if (id != ir::kNone && is_postgres(program.systems[id])) return postgres_.open_stored(program, id, unit);
    if (id != ir::kNone && !is_embedded(program.systems[id])) return nullptr;
    const std::string path = id == ir::kNone ? in_state_dir(program.id) : database_path(program, id);
    auto is_ours = Database::has_tables(path);
    if (!is_ours) return std::unexpected(is_ours.error());
    if (!*is_ours) return nullptr;
    auto database = Database::open(path, Database::Access::Write);
    if (!database) return std::unexpected(database.error());
    return std::make_unique<embedded::EmbeddedDomain>(std::move(*database), program.id, unit);
  }

  Result<std::unique_ptr<Source>> open_source(const ir::Program& program, const ir::Unit& unit, ir::SourceId id) override;
  Result<std::unique_ptr<OutboxRelay>> open_relay(const ir::Program& program, const ir::Unit& unit, ir::SourceId id) override {
    const bool has_relay = is_postgres(program.systems[program.sources[id].system]);
    return has_relay ? postgres_.open_relay(program, unit, id) : nullptr;
  }
  Result<std::unique_ptr<Sink>> open_sink(const ir::Program& program, const ir::Unit& unit, ir::SinkId id,
                                          commit::Domain& domain) override;
  Result<std::unique_ptr<Table>> open_table(const ir::Program& program, const ir::Unit& unit, ir::TableId id,
                                            commit::Domain& domain) override;
  Result<void> trim(const ir::Program& program, ir::SystemId system, std::span<const StartAt> below) override;
  Result<void> fill_samples(const ir::Program& program, const ir::Unit& unit) override;

 private:
  std::string in_base(const std::string& path) const { return (std::filesystem::path(base_dir_) / path).string(); }

  std::string database_path(const ir::Program& program, ir::SystemId id) const {
    const ir::System& system = program.systems[id];
    if (const std::string path = text_option(system.options, "path");
        !system.stand_in && system.kind == ir::SystemKind::Embedded && !path.empty()) {
      return in_base(path);
    }
    return in_state_dir(system.kind == ir::SystemKind::StateStore ? program.id : system.name);
  }

  std::string in_state_dir(std::string name) const {
    std::ranges::replace(name, '/', '_');
    return (std::filesystem::path(state_dir_) / (name + ".db")).string();
  }

  // FULL where another file's positions refer to what is in this one, and where positions in this one let another file's records go:
  // it must not forget what the other relies on.
  Result<std::unique_ptr<Database>> open_database(const ir::Program& program, ir::SystemId id) const {
    const bool has_ties = std::ranges::any_of(program.units, [&](const ir::Unit& unit) {
      const bool reads_link = std::ranges::any_of(
          program.links, [&](const ir::Link& link) { return std::ranges::count(unit.sources, link.source) > 0; });
      return (unit.source_system == id && unit.domain != id) || (unit.domain == id && reads_link);
    });
    return Database::open(database_path(program, id), Database::Access::Write,
                          has_ties ? Database::Durability::Full : Database::Durability::Normal);
  }

  // A topic that an earlier unit of the chain writes may not be there yet.
  Result<void> make_link(const ir::Program& program, const ir::Source& source) const {
    auto database = open_database(program, source.system);
    if (!database) return std::unexpected(database.error());
    auto made = embedded::make_topic(**database, source.object, number_option(source.options, "partitions", 1));
    if (!made) return std::unexpected(made.error());
    return {};
  }

  Result<std::unique_ptr<Sink>> open_embedded_sink(const ir::Program& program, const ir::Unit& unit, ir::SinkId id,
                                                   commit::Domain& domain);

  std::string state_dir_, base_dir_;
  base::Clock& clock_;
  KafkaParts kafka_;
  PostgresParts postgres_;
};

Result<std::unique_ptr<Source>> RealConnectors::open_source(const ir::Program& program, const ir::Unit& unit, ir::SourceId id) {
  const ir::Source& source = program.sources[id];
  const ir::System& system = program.systems[source.system];
  const bool has_header = text_option(source.options, "header") != "false";
  const char delimiter = record::delimiter_of(source.options);
  if (is_embedded(system)) {
    if (ir::link_read(program, id) != nullptr) {
      if (auto made = make_link(program, source); !made) return std::unexpected(made.error());
    }
    const std::string topic = ir::object_of(source);
    auto opened = embedded::TopicSource::open(database_path(program, source.system), topic, clock_);
    if (!opened && opened.error().code == ErrorCode::NoSuchTopic) return no_topic(opened.error(), source, topic, system.stand_in);
    return opened;
  }
  switch (system.kind) {
    case ir::SystemKind::File:
      return file::FileSource::open(base_dir_, source.object, source.format, delimiter, has_header, clock_);
    case ir::SystemKind::Stdin:
      return std::make_unique<stdio::StdinSource>(STDIN_FILENO, source.format, delimiter, has_header, clock_);
    case ir::SystemKind::Generate:
      return std::make_unique<generate::GenerateSource>(
          program, source,
          generate::GenerateOptions{number_option(source.options, "rate", 0), number_option(source.options, "count", 0),
                                    number_option(source.options, "seed", 0), number_option(source.options, "partitions", 1)},
          clock_);
    case ir::SystemKind::Postgres: return postgres_.open_source(program, unit, id);
    case ir::SystemKind::Kafka:
    case ir::SystemKind::Embedded:
    case ir::SystemKind::StateStore:
    case ir::SystemKind::Stdout:
    case ir::SystemKind::Http: break;
  }
  return not_here(system, "source");
}

Result<std::unique_ptr<Sink>> RealConnectors::open_embedded_sink(const ir::Program& program, const ir::Unit& unit, ir::SinkId id,
                                                                 commit::Domain& domain) {
  const ir::Sink& sink = program.sinks[id];
  std::unique_ptr<Database> own;
  Database* database = nullptr;
  if (sink.system == unit.domain) {
    auto* embedded_domain = dynamic_cast<embedded::EmbeddedDomain*>(&domain);
    if (embedded_domain == nullptr)
      return base::failure(ErrorCode::CannotOpen, fmt::format("sink {} needs the embedded domain of its unit", sink.name));
    database = &embedded_domain->database();
  } else {
    auto opened = open_database(program, sink.system);
    if (!opened) return std::unexpected(opened.error());
    own = std::move(*opened);
    database = own.get();
  }
  if (sink.is_topic) {
    return embedded::TopicSink::open(*database, std::move(own),
                                     {.topic = ir::object_of(sink),
                                      .partitions = number_option(sink.options, "partitions", 1),
                                      .headers = sink.headers,
                                      .is_internal = ir::link_written(program, id) != nullptr});
  }
  return embedded::TableWriter::open(*database, std::move(own), program.types, embedded::layout_of(sink),
                                     {sink.on_conflict, sink.version});
}

Result<std::unique_ptr<Sink>> RealConnectors::open_sink(const ir::Program& program, const ir::Unit& unit, ir::SinkId id,
                                                        commit::Domain& domain) {
  const ir::Sink& sink = program.sinks[id];
  const ir::System& system = program.systems[sink.system];
  if (is_embedded(system)) return open_embedded_sink(program, unit, id, domain);
  const bool has_header = sink.format == ir::Format::Csv && text_option(sink.options, "header") != "false";
  const std::string header = has_header ? record::make_encoder(program, sink)->header() : std::string();
  switch (system.kind) {
    case ir::SystemKind::File: return file::FileSink::open(in_base(sink.object), header);
    case ir::SystemKind::Stdout: return std::make_unique<stdio::StdoutSink>(STDOUT_FILENO, header);
    case ir::SystemKind::Kafka: return kafka_.open_sink(program, unit, id, domain);
    case ir::SystemKind::Postgres: return postgres_.open_sink(program, unit, id, domain);
    case ir::SystemKind::Embedded:
    case ir::SystemKind::StateStore:
    case ir::SystemKind::Stdin:
    case ir::SystemKind::Generate:
    case ir::SystemKind::Http: break;
  }
  return not_here(system, "sink");
}

Result<std::unique_ptr<Table>> RealConnectors::open_table(const ir::Program& program, const ir::Unit& unit, ir::TableId id,
                                                          commit::Domain&) {
  const ir::Table& table = program.tables[id];
  const ir::System& system = program.systems[table.system];
  if (is_embedded(system)) {
    return embedded::LookupTable::open(database_path(program, table.system), program.types, embedded::layout_of(program, table),
                                       table.cache, clock_);
  }
  if (is_kafka(system)) return kafka_.open_table(program, unit, id);
  if (is_postgres(system)) return postgres_.open_table(program, unit, id);
  if (system.kind == ir::SystemKind::File) return file::FileTable::open(in_base(table.object), program, table, clock_);
  return not_here(system, "table");
}

Result<void> RealConnectors::trim(const ir::Program& program, ir::SystemId system, std::span<const StartAt> below) {
  if (is_kafka(program.systems[system])) return kafka_.trim(program, system, below);
  if (is_postgres(program.systems[system])) return {};  // its relay empties an outbox
  auto database = open_database(program, system);
  if (!database) return std::unexpected(database.error());
  for (const StartAt& each : below) {
    if (auto done = embedded::trim_partition(**database, each.partition.topic, each.partition.number, each.offset); !done)
      return done;
  }
  return {};
}

Result<void> RealConnectors::fill_samples(const ir::Program& program, const ir::Unit& unit) {
  const auto sample_path = [&](const std::string& sample) { return sample.empty() ? std::string() : in_base(sample); };
  for (const ir::SourceId id : unit.sources) {
    const ir::Source& source = program.sources[id];
    if (!is_embedded(program.systems[source.system])) continue;
    auto database = open_database(program, source.system);
    if (!database) return std::unexpected(database.error());
    if (auto filled = embedded::fill_topic(**database, program, source, sample_path(source.sample), clock_.now()); !filled)
      return filled;
  }
  for (const ir::TableId id : unit.tables) {
    const ir::Table& table = program.tables[id];
    if (!is_embedded(program.systems[table.system])) continue;
    auto database = open_database(program, table.system);
    if (!database) return std::unexpected(database.error());
    if (auto filled = embedded::fill_table(**database, program, table, sample_path(table.sample)); !filled) return filled;
  }
  return {};
}

}  // namespace

std::unique_ptr<Connectors> make_connectors(std::string state_dir, std::string base_dir, base::Clock& clock, ReadSecret secret) {
  return std::make_unique<RealConnectors>(std::move(state_dir), std::move(base_dir), clock, std::move(secret));
}

}  // namespace piperun::connectors
