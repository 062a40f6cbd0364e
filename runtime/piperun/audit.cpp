// `piperun audit`: what the stored ledgers say against what is there.
#include <fmt/ostream.h>

#include <algorithm>
#include <map>

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
    std::map<std::string, std::int64_t> written;  // of all units that write to a sink
    for (const StoredUnit& unit : *units) {
      if (const auto checked = check_balance(unit); !checked) return std::unexpected(checked.error());
      for (const auto& [sink, rows] : unit.ledger.sinks) written[sink] += rows;
    }
    for (const auto& [sink, rows] : written) {
      if (!set_.compiled) break;
      if (const auto checked = check_rows(sink, rows); !checked) return std::unexpected(checked.error());
    }
    if (units->empty()) fmt::print(world_.out, "no unit has run yet\n");
    return faults_;
  }

 private:
  void say(bool good, const std::string& words) {
    if (!good) ++faults_;
    fmt::print(world_.out, "{} {}\n", good ? "ok  " : "FAIL", words);
  }

  base::Result<void> check_balance(const StoredUnit& unit) {
    commit::Counts total, replayed;
    bool balances = true;
    std::size_t partitions = 0;
    for (const commit::Position& position : unit.ledger.positions) {
      const bool is_replay = position.partition.topic.starts_with('#');
      (is_replay ? replayed : total) += position.counts;
      partitions += !is_replay;
      balances &= position.counts.balances();
    }
    const std::string& name = unit.ledger.unit;
    say(balances, fmt::format("{}: read {} is the sum of its classes, in each of {} partitions", name, with_commas(total.read),
                              partitions));
    const auto domain = unit.store->data->domain(unit.ledger.pipeline, name);
    if (!domain) return std::unexpected(domain.error());
    const auto letters = (*domain)->letters(false);
    if (!letters) return std::unexpected(letters.error());
    const std::int64_t settled = replayed.read - replayed.dead;  // their letters are gone; others may have been dropped
    say(std::ssize(*letters) <= total.dead - settled,
        fmt::format("{}: {} dead letters are stored of {} dead records{}", name, letters->size(), total.dead,
                    replayed.used > 0 ? "; the others were replayed or dropped" : ""));
    return {};
  }

  // What is written with a key may replace a row, so there can be fewer.
  base::Result<void> check_rows(const std::string& name, std::int64_t written) {
    const ir::Program& program = *set_.compiled->program;
    const auto sink = std::ranges::find(program.sinks, name, &ir::Sink::name);
    const Store* store = sink == program.sinks.end() ? nullptr : set_.of(sink->system);
    if (store == nullptr || !store->is_there()) return {};
    const auto id = static_cast<ir::SinkId>(sink - program.sinks.begin());
    if (std::ranges::count(program.links, id, &ir::Link::sink) > 0) return {};  // between two units: what was read on is removed
    const std::string object = sink->object.empty() ? sink->name : sink->object;
    const auto there = sink->is_topic ? store->data->count_records(object) : counted(*store, object);
    if (!there) return std::unexpected(there.error());
    if (!*there) {
      say(true, fmt::format(
                    "{}: {} records were written; of the topic `{}` older ones are gone or compacted, so they cannot be counted",
                    name, with_commas(written), object));
      return {};
    }
    const bool keyed = !sink->is_topic && !sink->key.empty();
    // Without a common transaction a row can be there whose record died at another sink, or was not counted before a crash.
    const bool repeats = program.delivery != ir::Delivery::ExactlyOnce;
    const bool good = keyed ? **there <= written || repeats : repeats ? **there >= written : **there == written;
    say(good, fmt::format("{}: {} rows were written, {} are there{}", name, with_commas(written), with_commas(**there),
                          keyed ? " (rows with a key replace each other)" : ""));
    return {};
  }

  static base::Result<std::optional<std::int64_t>> counted(const Store& store, const std::string& table) {
    auto rows = store.data->count_rows(table);
    if (!rows) return std::unexpected(rows.error());
    return *rows;
  }

  const StoreSet& set_;
  World& world_;
  int faults_ = 0;
};

Exit run(const Arguments& arguments, World& world) {
  const auto set = open_stores(arguments, world);
  if (!set) return set.error();
  const auto faults = Audit(*set, world).run();
  if (!faults) return tell(faults.error(), *set, world);
  return *faults == 0 ? Exit::Done : Exit::WorldFailed;
}

}  // namespace

extern const Command kAudit;
const Command kAudit = {"audit", "Holds the stored ledgers against what is in tables and topics.",
                        "piperun audit\npiperun audit orders.pipe", kOptions, run};

}  // namespace piperun::cli
