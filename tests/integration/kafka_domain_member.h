// A member of a consumer group for tests of the Kafka domain, and a domain that works for it.
#pragma once
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/commit/kafka/kafka_domain.h"
#include "tests/integration/kafka_client.h"

namespace piperun::integration {

inline kafka::ClientSettings client_settings(const char* variable = "KAFKA_BOOTSTRAP") {
  kafka::ClientSettings result;
  result.brokers = server(variable);
  return result;
}

// `found()` becomes true within so many seconds.
template <typename Found>
bool eventually(Found found, int seconds = 20) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (!found()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

template <typename T>
T value_of(base::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
inline void done(const base::Result<void>& result) {
  if (!result) throw std::runtime_error(result.error().message);
}

// Joins at once and holds what it is given without reading it. poll() must go on for the group to settle after a change.
class Member {
 public:
  // `instance`: of a static member, which a successor replaces at once.
  Member(const std::string& group, const std::string& topic, const std::string& instance = "") : topic_(topic) {
    kafka::ConsumerSettings settings;
    settings.group = group;
    settings.instance = instance;
    consumer_ = value_of(kafka::Consumer::open(client_settings(), settings));
    rd_kafka_topic_partition_list_t* topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, topic.c_str(), RD_KAFKA_PARTITION_UA);
    rd_kafka_subscribe(consumer_->handle(), topics);
    rd_kafka_topic_partition_list_destroy(topics);
  }

  // Answers what the group has changed; returns the partitions held since.
  const std::vector<commit::PartitionName>& poll() {
    if (rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer_->handle(), 20)) rd_kafka_message_destroy(message);
    while (const auto change = consumer_->change()) {
      if (change->kind == kafka::Rebalance::Kind::Assigned) {
        done(consumer_->answer_assign({}));
        held_ = change->partitions;
      } else {
        done(consumer_->answer_unassign());
        held_.clear();
      }
    }
    return held_;
  }
  bool joins(std::size_t partitions) {
    return eventually([&] { return poll().size() == partitions; });
  }
  kafka::Consumer& consumer() { return *consumer_; }
  void leave() { consumer_->close(3'000'000); }

 private:
  std::string topic_;
  std::unique_ptr<kafka::Consumer> consumer_;
  std::vector<commit::PartitionName> held_;
};

// One pipeline with names of its own, and a source topic of two partitions.
class KafkaDomainTest : public ::testing::Test {
 protected:
  void SetUp() override {
    create_topic(source_, 2);
    create_topic(output_, 1);
  }

  void TearDown() override { std::filesystem::remove_all(state_dir_); }

  static constexpr const char* kUnit = "in.out";
  std::string group() const { return pipeline_ + "." + kUnit; }

  kafka::DomainSettings settings(bool transactional = true, const std::string& slot = "0",
                                 const char* variable = "KAFKA_BOOTSTRAP") const {
    kafka::DomainSettings result;
    result.client = client_settings(variable);
    result.pipeline = pipeline_;
    result.unit = kUnit;
    result.slot = slot;
    result.is_transactional = transactional;
    result.state_dir = state_dir_;
    result.stages = stages_;
    return result;
  }
  std::unique_ptr<kafka::KafkaDomain> domain(Member* member, bool transactional = true, const std::string& slot = "0",
                                             const char* variable = "KAFKA_BOOTSTRAP") {
    return std::make_unique<kafka::KafkaDomain>(settings(transactional, slot, variable), member ? &member->consumer() : nullptr,
                                                clock_);
  }
  std::vector<commit::PartitionName> partitions() const { return {{source_, 0}, {source_, 1}, {kafka::Ledger::kReplay, 0}}; }

  // The list on_assign, seeding at 0 what is new. Returns the positions.
  std::vector<commit::Position> assign(kafka::KafkaDomain& domain, const std::string& manifest = "{}") {
    done(domain.init_producer());
    auto positions = value_of(domain.claim(partitions()));
    done(domain.begin());
    std::vector<commit::Position> seeds;
    for (commit::Position& position : positions) {
      if (position.next_offset >= 0) continue;
      position.next_offset = 0;
      seeds.push_back(position);
    }
    if (!seeds.empty()) done(domain.put_manifest({kUnit, manifest, false}));
    done(domain.seed_positions(seeds));
    done(domain.check_membership());
    done(domain.commit());
    domain.keep(partitions());
    return positions;
  }

  // Writes into the output topic in the domain's transaction.
  void write(kafka::KafkaDomain& domain, const std::string& value) {
    ASSERT_NE(domain.producer(), nullptr);
    kafka::NewRecord record;
    record.value = value;
    done(domain.producer()->produce(value_of(domain.producer()->topic(output_)), record));
  }
  // Numbered by the library: another one for each producer.
  static std::string client_name(kafka::KafkaDomain& domain) { return rd_kafka_name(domain.producer()->handle()); }
  std::vector<std::string> output(const Settings& settings = {}) {
    std::vector<std::string> result;
    for (const Record& record : read_all(output_, 1, settings)) result.push_back(record.value);
    return result;
  }
  commit::Advance advance(std::int64_t from, std::int64_t to, int partition = 0) const {
    return {{source_, partition}, from, to, {.read = to - from, .used = to - from}, 0};
  }
  // The list batch of exactly_once: one record of output.
  base::Result<void> batch(kafka::KafkaDomain& domain, const commit::Advance& advance, const std::string& value) {
    if (auto begun = domain.begin(); !begun) return begun;
    write(domain, value);
    done(domain.add_rows("lines", 1));
    if (auto checked = domain.check_membership(); !checked) return checked;
    if (auto stored = domain.store_offsets(std::vector{advance}); !stored) return stored;
    if (auto committed = domain.commit(); !committed) return committed;
    return domain.retire_producer_if_unclear();
  }
  static commit::Position at(const std::vector<commit::Position>& positions, const commit::PartitionName& name) {
    for (const commit::Position& position : positions) {
      if (position.partition == name) return position;
    }
    throw std::runtime_error("no position of " + name.topic);
  }
  commit::Position stored(kafka::KafkaDomain& domain, int partition = 0) {
    return at(value_of(domain.read_positions(ir::StepMode::Locking)), {source_, partition});
  }

  base::SystemClock clock_;
  std::string pipeline_ = new_name("p");
  std::string source_ = new_name("source"), output_ = new_name("output");
  std::vector<std::string> stages_;
  std::string state_dir_ = ::testing::TempDir() + pipeline_;
};

}  // namespace piperun::integration
