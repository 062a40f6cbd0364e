// A Kafka cluster: topics, and consumer groups whose committed offsets are the positions of units.
#include <fmt/format.h>

#include <algorithm>

#include "lang/ir/outbox.h"
#include "runtime/connectors/connectors.h"
#include "runtime/connectors/kafka/topic_inspector.h"
#include "runtime/engine/secrets.h"
#include "runtime/piperun/rows.h"
#include "runtime/piperun/stored_system.h"

namespace piperun::cli {
namespace {

using base::Result;

class ClusterStore final : public StoredSystem {
 public:
  ClusterStore(const ir::Program& program, ir::SystemId system, const std::string& state_dir, const std::string& base_dir,
               base::Clock& clock)
      : program_(program),
        id_(system),
        system_(program.systems[system]),
        base_dir_(base_dir),
        connectors_(connectors::make_connectors(state_dir, base_dir, clock, engine::secret_from_environment)) {}

  // A cluster does not tell which groups are units: the manifests of a pipeline do, in a topic that is named after it.
  Result<std::vector<UnitLedger>> ledgers(const std::string& pipeline) override {
    return pipeline.empty() ? Result<std::vector<UnitLedger>>() : manifested(pipeline, nullptr);
  }

  // Manifests of all pipelines are read at once, positions only of units whose manifest has one of the topics.
  Result<std::vector<UnitLedger>> others(const std::string& pipeline, const std::set<std::string>& topics) override {
    constexpr std::string_view kManifests = ".manifests";
    auto inspector = open();
    if (!inspector) return std::unexpected(inspector.error());
    auto names = (*inspector)->names();
    if (!names) return std::unexpected(named(std::move(names.error())));
    std::erase_if(*names, [&](const std::string& name) {
      return !name.ends_with(kManifests) || name == pipeline + std::string(kManifests);
    });
    const auto manifests = (*inspector)->first_partitions(*names);
    if (!manifests) return std::unexpected(manifests.error());
    std::vector<UnitLedger> result;
    for (const auto& [topic, records] : *manifests) {
      const bool may_read_one = std::ranges::any_of(
          records, [&](const TopicRecord& record) { return record.value && names_one(*record.value, topics); });
      if (!may_read_one) continue;
      auto found = manifested(topic.substr(0, topic.size() - kManifests.size()), &topics);
      if (!found) return found;
      std::ranges::move(*found, std::back_inserter(result));
    }
    return result;
  }

  // Of another pipeline than the program's with what does not depend on its sources.
  Result<std::unique_ptr<commit::Domain>> domain(const std::string& pipeline, const std::string& unit) override {
    if (pipeline == program_.id) return connectors_->open_stored(program_, id_, unit);
    ir::Program other;
    other.id = pipeline;
    other.delivery = program_.delivery;
    other.systems = program_.systems;
    return connectors_->open_stored(other, id_, unit);
  }

  bool is_transactional() const override { return false; }
  bool may_lose_positions() const override { return true; }

  Result<std::vector<ListedTopic>> topics() override {
    auto inspector = open();
    if (!inspector) return std::unexpected(inspector.error());
    auto found = (*inspector)->topics();
    if (!found) return std::unexpected(named(std::move(found.error())));
    return found;
  }

  Result<std::vector<TopicRecord>> peek(const std::string& name, std::int32_t partition, std::int64_t from,
                                        std::int64_t limit) override {
    auto inspector = open();
    if (!inspector) return std::unexpected(inspector.error());
    if (from < 0 && limit != INT64_MAX) return last_ones(**inspector, name, partition, limit);
    return (*inspector)->peek(name, partition, from, limit);
  }

  Result<void> put(const std::string& topic, const std::vector<PutRecord>& records, bool is_atomic,
                   std::int64_t partitions_if_missing) override {
    auto inspector = open();
    if (!inspector) return std::unexpected(inspector.error());
    auto done = (*inspector)->put(topic, records, is_atomic, static_cast<std::int32_t>(partitions_if_missing));
    if (!done && done.error().code == base::ErrorCode::NoSuchTopic && !(*inspector)->topic(topic)) {
      done.error().message = fmt::format("there is no topic `{}` in {}; `--partitions N` makes it", topic, system_.name);
    }
    return done;
  }

  Result<std::vector<ListedTable>> tables() override { return std::vector<ListedTable>{}; }
  Result<TableRows> rows(const std::string& table, std::int64_t) override {
    return base::failure(
        base::ErrorCode::NoSuchTable,
        fmt::format("{} is a Kafka cluster and has no table `{}`; if it is a topic, `piperun topic peek` shows it", system_.name,
                    table));
  }

  // Offsets have gaps where transactions end, so the records themselves are counted.
  Result<std::optional<std::int64_t>> count_records(const std::string& name) override {
    auto inspector = open();
    if (!inspector) return std::unexpected(inspector.error());
    const auto topic = (*inspector)->topic(name);
    if (!topic && topic.error().code == base::ErrorCode::NoSuchTopic) return 0;
    if (!topic) return std::unexpected(topic.error());
    const bool is_whole = std::ranges::all_of(topic->partitions, [](const auto& each) { return each.begin == 0; });
    const auto is_compacted = (*inspector)->is_compacted(name);
    if (!is_compacted) return std::unexpected(is_compacted.error());
    if (!is_whole || *is_compacted) return std::nullopt;
    return (*inspector)->count(name);
  }
  Result<std::int64_t> count_rows(const std::string&) override { return 0; }

 private:
  static bool names_one(const std::string& manifest, const std::set<std::string>& topics) {
    return std::ranges::any_of(topics, [&](const std::string& topic) { return manifest.contains(bytes_json(topic)); });
  }

  // `topics`: only of units whose manifest has one of them; null: of all.
  Result<std::vector<UnitLedger>> manifested(const std::string& pipeline, const std::set<std::string>* topics) {
    const auto any = domain(pipeline, "");
    if (!any) return std::unexpected(any.error());
    auto manifests = (*any)->manifests();
    if (!manifests) return std::unexpected(named(std::move(manifests.error())));
    std::vector<UnitLedger> result;
    for (const commit::Manifest& manifest : *manifests) {
      if (manifest.moved || (topics != nullptr && !names_one(manifest.text, *topics))) continue;
      const auto unit = domain(pipeline, manifest.unit);
      if (!unit) return std::unexpected(unit.error());
      auto positions = (*unit)->read_positions(ir::StepMode::Plain);
      if (!positions) return std::unexpected(positions.error());
      auto rows = (*unit)->rows();
      if (!rows) return std::unexpected(rows.error());
      result.push_back({pipeline, manifest.unit, std::move(*positions), std::move(*rows)});
    }
    return result;
  }

  Result<kafka::ClientSettings> settings() const {
    auto result = kafka::client_settings(system_, engine::secret_from_environment, program_.delivery, base_dir_);
    if (result) result->client_id = program_.id;
    return result;
  }

  // Which of several clusters does not answer.
  base::Error named(base::Error error) const {
    const auto brokers = system_.options.find("brokers");
    const std::string where = brokers == system_.options.end() ? "localhost:9092" : brokers->second;
    if (error.code == base::ErrorCode::SystemUnavailable)
      error.message = fmt::format("{} at {}: {}", system_.name, where, error.message);
    return error;
  }

  Result<kafka::TopicInspector*> open() {
    if (inspector_) return &*inspector_;
    const auto client = settings();
    if (!client) return std::unexpected(client.error());
    auto opened = kafka::TopicInspector::open(*client);
    if (!opened) return std::unexpected(opened.error());
    return &inspector_.emplace(std::move(*opened));
  }

  // Offsets have gaps where transactions end and where a topic was compacted: further back until there are enough.
  static Result<std::vector<TopicRecord>> last_ones(kafka::TopicInspector& inspector, const std::string& name,
                                                    std::int32_t partition, std::int64_t limit) {
    const auto topic = inspector.topic(name);
    if (!topic) return std::unexpected(topic.error());
    if (auto there = has_partition(topic->name, topic->partitions, partition); !there) return std::unexpected(there.error());
    std::vector<TopicRecord> result;
    for (const connectors::Partition& each : topic->partitions) {
      if (partition >= 0 && each.number != partition) continue;
      std::vector<TopicRecord> found;
      for (std::int64_t back = limit;; back = 4 * back + 16) {
        const std::int64_t from = std::max(each.begin, each.end - back);
        auto records = inspector.peek(name, each.number, from, INT64_MAX);
        if (!records) return std::unexpected(records.error());
        found = std::move(*records);
        if (std::ssize(found) >= limit || from == each.begin) break;
      }
      if (std::ssize(found) > limit) found.erase(found.begin(), found.end() - limit);
      std::ranges::move(found, std::back_inserter(result));
    }
    return result;
  }

  const ir::Program& program_;
  ir::SystemId id_;
  const ir::System& system_;
  std::string base_dir_;
  std::unique_ptr<connectors::Connectors> connectors_;
  std::optional<kafka::TopicInspector> inspector_;
};

}  // namespace

std::unique_ptr<StoredSystem> open_cluster_store(const ir::Program& program, ir::SystemId system, const std::string& state_dir,
                                                 const std::string& base_dir, base::Clock& clock) {
  return std::make_unique<ClusterStore>(program, system, state_dir, base_dir, clock);
}

}  // namespace piperun::cli
