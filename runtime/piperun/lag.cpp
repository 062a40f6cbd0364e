// `piperun lag`: how far each unit is behind the ends of what it reads.
#include <fmt/ostream.h>

#include <algorithm>

#include "runtime/piperun/bounds.h"
#include "runtime/piperun/numbers.h"
#include "runtime/piperun/rows.h"

namespace piperun::cli {
namespace {

constexpr Option kOptions[] = {kOfFile, kAs, kStandIns, kStateDir, kParam, kJson};

struct Line {
  connectors::Partition partition;
  std::optional<std::int64_t> position;  // none: the unit has not begun
  std::int64_t lag = 0;
};

base::Result<std::vector<Line>> lines_of(const StoreSet& set, const UnitLedger& ledger, World& world) {
  auto bounds = UnitBounds::open(set, ledger, world);
  if (!bounds) return std::unexpected(bounds.error());
  const auto partitions = bounds->partitions();
  if (!partitions) return std::unexpected(partitions.error());
  std::vector<std::int64_t> positions;
  for (const UnitBounds::Found& found : *partitions) {
    const auto stored = std::ranges::find_if(ledger.positions, [&](const commit::Position& position) {
      return position.partition == commit::PartitionName{found.partition.topic, found.partition.number};
    });
    if (stored != ledger.positions.end()) positions.push_back(stored->next_offset);
    else  // one that came later is read from its beginning
      positions.push_back(ledger.positions.empty() ? found.partition.end : found.partition.begin);
  }
  const auto behind = UnitBounds::behind(*partitions, positions);
  if (!behind) return std::unexpected(behind.error());
  std::vector<Line> lines;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    lines.push_back({(*partitions)[i].partition, positions[i], (*behind)[i]});
    if (ledger.positions.empty()) lines.back().position = std::nullopt;
  }
  return lines;
}

void print_json(const UnitLedger& unit, const Line& line, World& world) {
  const auto number = [&](std::int64_t value) { return line.position ? std::to_string(value) : "null"; };
  fmt::print(world.out,
             "{{\"pipeline\":{},\"unit\":{},\"topic\":{},\"partition\":{},\"position\":{},\"begin\":{},\"end\":{},\"lag\":{}}}\n",
             bytes_json(unit.pipeline), bytes_json(unit.unit), bytes_json(line.partition.topic), line.partition.number,
             number(line.position.value_or(0)), line.partition.begin, line.partition.end, number(line.lag));
}

void print_line(const UnitLedger& unit, const Line& line, World& world) {
  fmt::print(world.out, "{:<24} {:<24} partition {:<3} position {:<10} end {:<10} {}\n", unit.unit, line.partition.topic,
             line.partition.number, line.position ? std::to_string(*line.position) : "-", line.partition.end,
             line.position ? fmt::format("behind {}", with_commas(line.lag)) : "not begun");
}

// Those of FILE that have stored nothing yet are there, too.
base::Result<std::vector<UnitLedger>> units_of(const StoreSet& set) {
  auto stored = stored_units(set);
  if (!stored) return std::unexpected(stored.error());
  std::vector<UnitLedger> result;
  const auto is_declared = [&](const std::string& unit) {
    return !set.compiled || std::ranges::count(set.compiled->program->units, unit, &ir::Unit::name) > 0;
  };
  for (StoredUnit& unit : *stored) {
    if (is_declared(unit.ledger.unit)) result.push_back(std::move(unit.ledger));
  }
  if (!set.compiled) return result;
  for (const ir::Unit& unit : set.compiled->program->units) {
    if (std::ranges::count(result, unit.name, &UnitLedger::unit) == 0) result.push_back({set.pipeline, unit.name, {}, {}});
  }
  return result;
}

Exit run(const Arguments& arguments, World& world) {
  const auto set = open_stores(arguments, world);
  if (!set) return set.error();
  const auto units = units_of(*set);
  if (!units) return tell(units.error(), *set, world);
  const bool json = arguments.has("--json");
  std::int64_t sum = 0, not_begun = 0;
  for (const UnitLedger& unit : *units) {
    not_begun += unit.positions.empty() ? 1 : 0;  // what it is behind, its `start` decides
    const auto lines = lines_of(*set, unit, world);
    if (!lines) return tell(lines.error(), *set, world);
    for (const Line& line : *lines) {
      json ? print_json(unit, line, world) : print_line(unit, line, world);
      sum += line.lag;
    }
  }
  if (json) {
    fmt::print(world.out, "{{\"lag\":{},\"not_begun\":{}}}\n", sum, not_begun);
  } else {
    const std::string others = not_begun == 1 ? "; 1 unit has not begun" : fmt::format("; {} units have not begun", not_begun);
    fmt::print(world.out, "behind {} in all{}\n", with_commas(sum), not_begun == 0 ? "" : others);
  }
  return Exit::Done;
}

}  // namespace

extern const Command kLag;
const Command kLag = {"lag", "How far each unit is behind the ends of what it reads: in records, of Kafka above 100 in offsets.",
                      "piperun lag orders.pipe\npiperun lag orders.pipe --json", kOptions, run};

}  // namespace piperun::cli
