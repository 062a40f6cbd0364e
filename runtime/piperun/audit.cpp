// `piperun audit`: what the stored ledgers say against what is there.
#include <fmt/ostream.h>

#include <algorithm>
#include <filesystem>

#include "runtime/piperun/ledger.h"
#include "runtime/piperun/stores.h"

namespace piperun::cli {
namespace {

constexpr Option kOptions[] = {
    {"WORDS", Takes::Many, false, "", "[FILE]: with it, rows are counted too"}, kStandIns, kStateDir, kParam};

class Audit {
 public:
  Audit(const StoreSet& set, World& world) : set_(set), world_(world) {}

  base::Result<int> run() {
    const auto units = stored_units(set_);
    if (!units) return std::unexpected(units.error());
    for (const StoredUnit& unit : *units) {
      check_balance(unit);
      if (!set_.compiled) continue;
      for (const auto& [sink, rows] : unit.ledger.sinks) {
        if (const auto checked = check_rows(unit, sink, rows); !checked) return std::unexpected(checked.error());
      }
    }
    if (units->empty()) fmt::print(world_.out, "no unit has run yet\n");
    return faults_;
  }

 private:
  void say(bool good, const std::string& words) {
    if (!good) ++faults_;
    fmt::print(world_.out, "{} {}\n", good ? "ok  " : "FAIL", words);
  }

  void check_balance(const StoredUnit& unit) {
    commit::Counts total, replayed;
    bool balances = true;
    std::size_t partitions = 0;
    for (const commit::Position& position : unit.ledger.positions) {
      const bool is_replay = position.partition.topic.starts_with('#');
      (is_replay ? replayed : total) += position.counts;
      partitions += !is_replay;
      balances &= position.counts.balances();
    }
    say(balances, fmt::format("{}: read {} is the sum of its classes, in each of {} partitions", unit.ledger.unit,
                              with_commas(total.read), partitions));
    const std::int64_t settled = replayed.read - replayed.dead;  // their letters are gone; others may have been dropped
    say(unit.ledger.letters <= total.dead - settled,
        fmt::format("{}: {} dead letters are stored of {} dead records{}", unit.ledger.unit, unit.ledger.letters, total.dead,
                    replayed.used > 0 ? "; the others were replayed or dropped" : ""));
  }

  // What is written with a key may replace a row, so there can be fewer.
  base::Result<void> check_rows(const StoredUnit& unit, const std::string& name, std::int64_t written) {
    const ir::Program& program = *set_.compiled->program;
    const auto sink = std::ranges::find(program.sinks, name, &ir::Sink::name);
    if (sink == program.sinks.end()) return {};
    const std::string path = database_path(program, sink->system, set_.state_dir, set_.base_dir);
    if (path.empty() || !std::filesystem::exists(path)) return {};
    const std::string object = sink->object.empty() ? sink->name : sink->object;
    const auto there = sink->is_topic ? count_records(path, object) : count_rows(path, object);
    if (!there) return std::unexpected(there.error());
    const bool keyed = !sink->is_topic && !sink->key.empty();
    // Without a common transaction a row can be there whose record died at another sink, or was not counted before a crash.
    const bool repeats = program.delivery != ir::Delivery::ExactlyOnce;
    const bool good = keyed ? *there <= written || repeats : repeats ? *there >= written : *there == written;
    say(good, fmt::format("{} -> {}: {} rows were written, {} are there{}", unit.ledger.unit, name, with_commas(written),
                          with_commas(*there), keyed ? " (rows with a key replace each other)" : ""));
    return {};
  }

  static base::Result<std::int64_t> count_rows(const std::string& path, const std::string& name) {
    auto inspector = embedded::Inspector::open(path, embedded::Database::Access::Read);
    if (!inspector) return std::unexpected(inspector.error());
    const auto tables = inspector->tables();
    if (!tables) return std::unexpected(tables.error());
    const auto table = std::ranges::find(*tables, name, &embedded::StoredTable::name);
    return table == tables->end() ? 0 : table->rows;
  }

  static base::Result<std::int64_t> count_records(const std::string& path, const std::string& name) {
    auto inspector = embedded::Inspector::open(path, embedded::Database::Access::Read);
    if (!inspector) return std::unexpected(inspector.error());
    const auto topics = inspector->topics();
    if (!topics) return std::unexpected(topics.error());
    std::int64_t records = 0;
    for (const embedded::Topic& topic : *topics) {
      for (const embedded::TopicPartition& partition : topic.partitions) records += topic.name == name ? partition.end : 0;
    }
    return records;
  }

  const StoreSet& set_;
  World& world_;
  int faults_ = 0;
};

Exit run(const Arguments& arguments, World& world) {
  const auto set = open_stores(arguments, world);
  if (!set) return set.error();
  const auto faults = Audit(*set, world).run();
  if (!faults) return tell(faults.error(), world);
  return *faults == 0 ? Exit::Done : Exit::WorldFailed;
}

}  // namespace

extern const Command kAudit;
const Command kAudit = {"audit", "Holds the stored ledgers against what is in tables and topics.",
                        "piperun audit\npiperun audit orders.pipe", kOptions, run};

}  // namespace piperun::cli
