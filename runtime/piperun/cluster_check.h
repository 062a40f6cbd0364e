// What a Kafka cluster makes of the promises of a program: copies, settings of brokers and topics, rights.
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/commit/kafka/admin.h"
#include "runtime/piperun/environment.h"

namespace piperun::cli {

// Of one cluster, once. All references outlive it.
class ClusterCheck {
 public:
  ClusterCheck(const ir::Program& program, ir::SystemId system, const std::string& base_dir)
      : program_(program),
        id_(system),
        name_(program.systems[system].name),
        base_dir_(base_dir),
        site_(site_of(program, system)) {}

  std::vector<Finding> run() &&;

 private:
  using Settings = std::map<std::string, std::string>;  // of a broker or topic: names and values
  enum class Use : std::uint8_t { Read, Written };

  static std::string text_in(const Settings& settings, const std::string& name);  // "": it is not there
  static std::int64_t number_in(const Settings& settings, const std::string& name, std::int64_t fallback);
  static std::string duration(std::int64_t milliseconds);

  rd_kafka_t* handle() const { return admin_.get(); }
  bool is_link(const std::string& topic) const { return std::ranges::count(program_.links, topic, &ir::Link::topic) > 0; }
  bool keeps_positions() const { return std::ranges::count(program_.units, id_, &ir::Unit::domain) > 0; }
  bool has_transactions() const { return program_.delivery == ir::Delivery::ExactlyOnce && keeps_positions(); }
  // It reads an outbox, and shares that out by a group of this cluster.
  bool is_relay(const ir::Unit& unit) const {
    return unit.domain == id_ && program_.systems[unit.source_system].kind == ir::SystemKind::Postgres &&
           !program_.systems[unit.source_system].stand_in;
  }
  // at_most_once does not promise that anything arrives.
  bool promises_all() const { return program_.delivery != ir::Delivery::AtMostOnce; }

  void fail(const ir::Site& site, const base::Error& error) {
    findings_.push_back({error.code, site, fmt::format("{}: {}", name_, error.message), "", ""});
  }
  void refuse(base::ErrorCode code, const ir::Site& site, std::string words, std::string mend) {
    findings_.push_back({code, site, std::move(words), std::move(mend), ""});
  }
  void lower(const ir::Site& site, std::string words, std::string mend, std::string as_long_as) {
    findings_.push_back({std::nullopt, site, std::move(words), std::move(mend), std::move(as_long_as)});
  }

  void check_broker(std::int32_t broker);
  void check_version(const std::string& who, const Settings& settings);

  // ---- cluster_topics.cpp
  std::optional<Settings> check_topic(const std::string& topic, const ir::Site& site, Use use);
  void check_copies(const kafka::TopicDescription& topic, const Settings& settings, const ir::Site& site, Use use);
  void check_source(const ir::Source& source);
  void check_retention(const ir::Source& source, const std::string& topic, std::int64_t kept);
  void check_table(const ir::Table& table);
  std::vector<ir::StateSchema> stages_behind(const ir::Source& source) const;
  std::string command_that_sets(const std::string& topic, const char* setting) const;  // for a person, with `NAME=VALUE`

  void check_own();
  std::set<std::string> read_and_kept() const;
  void check_kept(const std::string& topic);
  void check_compacted(const std::string& topic);

  void check_rights(const std::string& topic, const ir::Site& site, Use use);
  void forbid(const std::string& topic, const ir::Site& site, Use use);
  void check_group(const std::string& group);
  void check_transactional_id(const kafka::ClientSettings& settings, const ir::Unit& unit);
  void check_creation();

  const ir::Program& program_;
  ir::SystemId id_;
  std::string name_, base_dir_, address_;
  ir::Site site_;
  kafka::Client admin_;
  std::size_t brokers_ = 0;
  bool is_before_verification_ = false;
  std::vector<Finding> findings_;
};

}  // namespace piperun::cli
