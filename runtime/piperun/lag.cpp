// `piperun lag`: how far each unit is behind the ends of what it reads.
#include <fmt/ostream.h>

#include <algorithm>

#include "lang/plan/manifest.h"
#include "runtime/piperun/bounds.h"
#include "runtime/piperun/ended_run.h"
#include "runtime/piperun/lost_positions.h"
#include "runtime/piperun/numbers.h"
#include "runtime/piperun/rows.h"

namespace piperun::cli {
namespace {

constexpr Option kOptions[] = {kOfFile, kAs, kStandIns, kStateDir, kParam, kJson};

struct Line {
  connectors::Partition partition;
  std::optional<std::int64_t> position;  // none: the unit has not begun, or it is lost
  std::optional<std::int64_t> lag;  // none: where the partition ends is not known, or it ends before the position
  bool has_ends = true;  // they are known
  bool is_lost = false;  // no run goes on: lost_positions.h

  bool is_past_end() const { return has_ends && !lag; }
};

using Lines = std::vector<Line>;

// Where a run with --as ends; of others an empty manifest, and of one that has stored nothing.
base::Result<plan::Manifest> bounds_of(const StoreSet& set, const StoredUnit& unit, const Arguments& arguments) {
  const bool may_end = !set.compiled || arguments.has("--as");
  if (!may_end || unit.store == nullptr) return plan::Manifest{};
  const auto domain = unit.store->data->domain(unit.ledger.pipeline, unit.ledger.unit);
  if (!domain) return std::unexpected(domain.error());
  const auto manifests = (*domain)->manifests();
  if (!manifests) return std::unexpected(manifests.error());
  const auto own = std::ranges::find(*manifests, unit.ledger.unit, &commit::Manifest::unit);
  return own == manifests->end() ? plan::Manifest{} : parse_stored(*own);
}

// What comes later is nothing to such a run.
base::Result<void> end_with(const plan::Manifest& bounds, UnitBounds::Found& found, std::int64_t position) {
  if (bounds.until.empty() && !bounds.ended) return {};
  const auto end = bounds.ended ? base::Result<std::int64_t>(position) : found.resolve(bounds.until);
  if (!end) return std::unexpected(end.error());
  found.partition.end = std::min(found.partition.end, *end);
  return {};
}

base::Result<Lines> lines_of(const StoreSet& set, const StoredUnit& unit, const plan::Manifest& until, World& world) {
  const UnitLedger& ledger = unit.ledger;
  auto bounds = UnitBounds::open(set, ledger, world);
  if (!bounds) return std::unexpected(bounds.error());
  auto partitions = bounds->partitions();
  if (!partitions) return std::unexpected(partitions.error());
  const auto lost = lost_topics(set, unit);
  if (!lost) return std::unexpected(lost.error());
  std::vector<std::int64_t> positions;
  std::vector<bool> past_end;
  for (UnitBounds::Found& found : *partitions) {
    const auto stored = std::ranges::find_if(ledger.positions, [&](const commit::Position& position) {
      return position.partition == commit::PartitionName{found.partition.topic, found.partition.number};
    });
    if (stored != ledger.positions.end()) positions.push_back(stored->next_offset);
    else if (ledger.positions.empty() || lost->contains(found.partition.topic)) positions.push_back(found.partition.end);
    else positions.push_back(found.partition.begin);  // one that came later is read from its beginning
    past_end.push_back(!until.ended && positions.back() > found.partition.end);
    if (const auto ended = end_with(until, found, positions.back()); !ended) return std::unexpected(ended.error());
  }
  const auto behind = UnitBounds::behind(*partitions, positions);
  if (!behind) return std::unexpected(behind.error());
  Lines lines;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    lines.push_back({(*partitions)[i].partition, positions[i], past_end[i] ? std::nullopt : std::optional((*behind)[i])});
    lines.back().is_lost = lost->contains(lines.back().partition.topic);
    if (ledger.positions.empty() || lines.back().is_lost) lines.back().position = std::nullopt;
  }
  return lines;
}

// What the unit reads is not in a database file here: only its FILE says where it is.
bool is_elsewhere(const base::Error& error) {
  return error.code == base::ErrorCode::NoSuchTopic || error.code == base::ErrorCode::CannotOpen;
}

Lines without_ends(const UnitLedger& ledger) {
  Lines lines;
  for (const commit::Position& position : ledger.positions) {
    if (!position.partition.topic.starts_with('#'))
      lines.push_back({{position.partition.topic, position.partition.number, 0, 0}, position.next_offset, std::nullopt, false});
  }
  return lines;
}

void print_json(const UnitLedger& unit, const Line& line, World& world) {
  const auto number = [](std::optional<std::int64_t> value) { return value ? std::to_string(*value) : "null"; };
  fmt::print(world.out,
             "{{\"pipeline\":{},\"unit\":{},\"topic\":{},\"partition\":{},\"position\":{},\"begin\":{},\"end\":{},\"lag\":{}}}\n",
             bytes_json(unit.pipeline), bytes_json(unit.unit), bytes_json(line.partition.topic), line.partition.number,
             number(line.position), line.has_ends ? std::to_string(line.partition.begin) : "null",
             line.has_ends ? std::to_string(line.partition.end) : "null", line.position ? number(line.lag) : "null");
}

void print_line(const UnitLedger& unit, const Line& line, World& world) {
  const auto number = [](bool is_known, std::int64_t value) { return is_known ? std::to_string(value) : "-"; };
  const std::string behind = line.is_lost         ? "its position is gone: `offsets reset` says where to go on"
                             : !line.position     ? "not begun"
                             : !line.has_ends     ? "not known"
                             : line.is_past_end() ? "the position is beyond the end: made anew?"
                                                  : fmt::format("behind {}", with_commas(*line.lag));
  fmt::print(world.out, "{:<24} {:<24} partition {:<3} position {:<10} end {:<10} {}\n", unit.unit, line.partition.topic,
             line.partition.number, number(line.position.has_value(), line.position.value_or(0)),
             number(line.has_ends, line.partition.end), behind);
}

struct Units {
  std::vector<StoredUnit> known;  // those of FILE that have stored nothing yet are there, too, without a store
  std::int64_t away = 0;  // of FILE, whose store does not answer
};

base::Result<Units> units_of(const StoreSet& set, AwayStores& away) {
  auto stored = stored_units(set, &away);
  if (!stored) return std::unexpected(stored.error());
  Units result{std::move(*stored)};
  if (!set.compiled) return result;
  const auto& units = set.compiled->program->units;
  std::erase_if(result.known,
                [&](const StoredUnit& unit) { return std::ranges::count(units, unit.ledger.unit, &ir::Unit::name) == 0; });
  for (const ir::Unit& unit : units) {
    const auto is_stored = [&](const StoredUnit& known) { return known.ledger.unit == unit.name; };
    if (std::ranges::any_of(result.known, is_stored)) continue;
    const bool is_away = std::ranges::count(away, set.of(unit.domain), &AwayStores::value_type::first) > 0;
    if (is_away) ++result.away;
    else result.known.push_back({nullptr, {set.pipeline, unit.name, {}, {}}});
  }
  return result;
}

// Of all units together.
struct Sum {
  std::int64_t lag = 0, not_begun = 0, unknown = 0;
  std::int64_t past_end = 0, lost = 0, away = 0;  // in JSON they are among the unknown

  void add(const Line& line) { lag += line.lag.value_or(0); }
  void print_json(World& world) const {
    fmt::print(world.out, "{{\"lag\":{},\"not_begun\":{},\"unknown\":{}}}\n", lag, not_begun, unknown + past_end + lost + away);
  }
  void print(World& world) const {
    std::string others;
    if (not_begun > 0) others += not_begun == 1 ? "; 1 unit has not begun" : fmt::format("; {} units have not begun", not_begun);
    if (unknown > 0) others += fmt::format("; of {} it is not known: `piperun lag FILE`", counted(unknown, "unit"));
    if (past_end > 0) others += fmt::format("; {} beyond an end: no run goes on from there (P2008)", counted(past_end, "unit"));
    if (lost > 0) others += fmt::format("; of {} positions are gone: no run goes on there (P2008)", counted(lost, "unit"));
    if (away > 0) others += fmt::format("; of {} it is not known, for a system is away", counted(away, "unit"));
    fmt::print(world.out, "behind {} in all{}\n", with_commas(lag), others);
  }
};

Exit run(const Arguments& arguments, World& world) {
  const auto set = open_stores(arguments, world);
  if (!set) return set.error();
  AwayStores away;
  const auto units = units_of(*set, away);
  if (!units) return tell(units.error(), *set, world);
  Exit result = Exit::Done;
  for (const auto& [store, error] : away) result = tell(error, *set, world);  // the others are told
  const bool json = arguments.has("--json");
  Sum sum;
  sum.away = units->away;
  for (const StoredUnit& unit : units->known) {
    const auto until = bounds_of(*set, unit, arguments);
    if (!until) return tell(until.error(), *set, world);
    auto lines = lines_of(*set, unit, *until, world);
    const bool is_unknown = !lines && !set->compiled && is_elsewhere(lines.error());
    const bool is_unread = !lines && base::traits(lines.error().code).error_class == base::ErrorClass::Transient;
    if (!lines && !is_unknown) result = tell(lines.error(), *set, world);
    if (!lines && !is_unknown && !is_unread) return result;
    if (!lines) lines = without_ends(unit.ledger);
    sum.unknown += is_unknown ? 1 : 0;
    sum.away += is_unread ? 1 : 0;
    sum.past_end += std::ranges::any_of(*lines, &Line::is_past_end) ? 1 : 0;
    const bool is_lost = std::ranges::any_of(*lines, &Line::is_lost);
    sum.lost += is_lost ? 1 : 0;
    sum.not_begun += unit.ledger.positions.empty() && !is_lost ? 1 : 0;  // what it is behind, its `start` decides
    for (const Line& line : *lines) {
      json ? print_json(unit.ledger, line, world) : print_line(unit.ledger, line, world);
      sum.add(line);
    }
  }
  json ? sum.print_json(world) : sum.print(world);
  return result;
}

}  // namespace

extern const Command kLag;
const Command kLag = {"lag", "How far each unit is behind the ends of what it reads: in records, of Kafka above 100 in offsets.",
                      "piperun lag orders.pipe\npiperun lag orders.pipe --json", kOptions, run};

}  // namespace piperun::cli
