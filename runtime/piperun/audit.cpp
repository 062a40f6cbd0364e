// `piperun audit`: what the stored ledgers say against what is there.
#include <fmt/ostream.h>

#include <algorithm>
#include <map>
#include <set>

#include "lang/ir/declared.h"
#include "runtime/piperun/numbers.h"
#include "runtime/piperun/stores.h"

namespace piperun::cli {
namespace {

constexpr Option kOptions[] = {
    {"WORDS", Takes::Many, false, "", "the pipeline; only with it the rows of its sinks are counted", "[FILE]"},
    kAs,
    kStandIns,
    kStateDir,
    kParam};

class Audit {
 public:
  Audit(const StoreSet& set, World& world) : set_(set), world_(world) {}

  base::Result<int> run() {
    const auto units = stored_units(set_);
    if (!units) return std::unexpected(units.error());
    for (const StoredUnit& unit : *units) {
      if (const auto checked = check_balance(unit); !checked) return std::unexpected(checked.error());
      for (const auto& [sink, rows] : unit.ledger.sinks) written_[sink] += rows;
      for (const commit::Position& position : unit.ledger.positions) {
        if (!position.partition.topic.starts_with('#')) topics_.insert(position.partition.topic);
      }
    }
    for (const auto& [sink, rows] : written_) {
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
      total.unknown += position.in_flight;  // of a process that was killed, if none runs: the next start counts them so
      partitions += !is_replay;
      balances &= position.counts.balances();
    }
    const std::string& name = unit.ledger.unit;
    say(balances, fmt::format("{}: read {} is the sum of its classes, in {}", name, with_commas(total.read),
                              partitions == 1 ? "its partition" : fmt::format("each of {} partitions", partitions)));
    const auto domain = unit.store->data->domain(unit.ledger.pipeline, name);
    if (!domain) return std::unexpected(domain.error());
    const auto letters = (*domain)->letters(false);
    if (!letters) return std::unexpected(letters.error());
    const std::int64_t settled = replayed.read - replayed.dead;  // their letters are gone; others may have been dropped
    // Under at_most_once a kill may leave the letter of a record and not its fate.
    say(std::ssize(*letters) <= total.dead - settled + total.unknown,
        fmt::format("{}: {} stored of {}{}{}", name, counted(std::ssize(*letters), "dead letter"),
                    counted(total.dead, "dead record"),
                    total.unknown > 0 ? fmt::format(" and {} of unknown fate", with_commas(total.unknown)) : "",
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
    if (ir::link_written(program, id) != nullptr) return {};  // between two units: what was read on is removed
    const std::string& object = ir::object_of(*sink);
    std::string names = name;
    for (const ir::Sink& other : program.sinks) {  // that write to the same place are told as one
      const auto rows = written_.find(other.name);
      const bool is_same_place = other.system == sink->system && ir::object_of(other) == object;
      if (other.name == name || !is_same_place || rows == written_.end()) continue;
      if (other.name < name) return {};
      names += ", " + other.name;
      written += rows->second;
    }
    const auto there = sink->is_topic ? store->data->count_records(object) : rows_of(*store, object);
    if (!there) return std::unexpected(there.error());
    if (!*there) {
      say(true, fmt::format("{}: {} {} written; of the topic `{}` older ones are gone or compacted, so they cannot be counted",
                            names, counted(written, "record"), written == 1 ? "was" : "were", object));
      return {};
    }
    const auto others = **there > written ? written_by_others(name) : base::Result<std::map<std::string, std::int64_t>>();
    if (!others) return std::unexpected(others.error());
    judge(*sink, names, written, **there, *others);
    return {};
  }

  // A run with --as, or another pipeline that reads the same, may have a sink of the same name elsewhere: what it has written may be here.
  void judge(const ir::Sink& sink, const std::string& names, std::int64_t written, std::int64_t there,
             const std::map<std::string, std::int64_t>& others) {
    std::int64_t at_most = written;
    std::string by_others;
    for (const auto& [pipeline, rows] : others) {
      at_most += rows;
      by_others += fmt::format("{}{} by {}", by_others.empty() ? " (and under its name " : ", ", with_commas(rows), pipeline);
    }
    if (!by_others.empty()) by_others += ')';
    const bool keyed = !sink.is_topic && !sink.key.empty();
    // Without a common transaction a row can be there whose record died at another sink, or was not counted before a crash.
    const bool repeats = set_.compiled->program->delivery != ir::Delivery::ExactlyOnce;
    const bool fits = there <= at_most || repeats;
    const bool is_known = keyed || repeats || there == written || there == at_most;
    // Rows that replaced each other left at least one; all may be gone where the flow deletes.
    const bool is_empty = keyed && !sink.is_keyed && written > 0 && there == 0;
    say(fits && !is_empty && (keyed || there >= written),
        fmt::format("{}: {} {} written{}, {} {} there{}{}", names, counted(written, "row"), written == 1 ? "was" : "were",
                    by_others, with_commas(there), there == 1 ? "is" : "are",
                    !keyed             ? ""
                    : there >= written ? " (rows with a key replace each other)"
                                       : " (rows with a key replace each other: whether some are missing cannot be told)",
                    !fits ? "; the rest is by others, from before positions were set back, deleted or moved, or written twice"
                    : is_known ? ""
                               : "; which of the others wrote here, and all of its rows, is not known"));
  }

  // All units of the pipelines of which one reads what this one reads, as far as they are stored in the systems of FILE: the rest of a
  // chain reads internal topics of its own.
  base::Result<std::vector<UnitLedger>> ledgers_of_others() {
    std::set<std::string> pipelines;
    auto done = each_store(set_, [&](const Store& store) -> base::Result<void> {
      const auto ledgers = store.data->others(set_.pipeline, topics_);
      if (!ledgers) return std::unexpected(ledgers.error());
      for (const UnitLedger& ledger : *ledgers) pipelines.insert(ledger.pipeline);
      return {};
    });
    std::vector<UnitLedger> result;
    const auto is_known = [&](const UnitLedger& ledger) {  // two connections may lead to one server
      return std::ranges::any_of(
          result, [&](const UnitLedger& other) { return other.pipeline == ledger.pipeline && other.unit == ledger.unit; });
    };
    for (const std::string& pipeline : pipelines) {
      if (!done) break;
      done = each_store(set_, [&](const Store& store) -> base::Result<void> {
        auto ledgers = store.data->ledgers(pipeline);
        if (!ledgers) return std::unexpected(ledgers.error());
        for (UnitLedger& ledger : *ledgers) {
          if (!is_known(ledger)) result.push_back(std::move(ledger));
        }
        return {};
      });
    }
    if (!done) return std::unexpected(done.error());
    return result;
  }

  // Rows of sinks of that name, by other pipeline.
  base::Result<std::map<std::string, std::int64_t>> written_by_others(const std::string& sink) {
    if (!others_) {
      auto found = ledgers_of_others();
      if (!found) return std::unexpected(found.error());
      others_ = std::move(*found);
    }
    std::map<std::string, std::int64_t> result;
    for (const UnitLedger& ledger : *others_) {
      for (const auto& [name, rows] : ledger.sinks) {
        if (name == sink && rows > 0) result[ledger.pipeline] += rows;
      }
    }
    return result;
  }

  static base::Result<std::optional<std::int64_t>> rows_of(const Store& store, const std::string& table) {
    auto rows = store.data->count_rows(table);
    if (!rows) return std::unexpected(rows.error());
    return *rows;
  }

  const StoreSet& set_;
  World& world_;
  std::map<std::string, std::int64_t> written_;  // by sink, of all units that write to it
  std::set<std::string> topics_;  // that the units of this pipeline read
  std::optional<std::vector<UnitLedger>> others_;  // of pipelines that read one of them, once somebody has asked
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
