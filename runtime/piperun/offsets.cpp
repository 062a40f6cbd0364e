// `piperun offsets show`: where each unit goes on reading.
#include <fmt/ostream.h>

#include "runtime/piperun/lost_positions.h"
#include "runtime/piperun/numbers.h"
#include "runtime/piperun/rows.h"
#include "runtime/piperun/stores.h"

namespace piperun::cli {
namespace {

constexpr Option kOptions[] = {kOfFile, kAs, kStandIns, kStateDir, kParam, kJson};

// Dead letters that were asked for again are read like one more partition.
bool is_replay(const commit::Position& position) { return position.partition.topic.starts_with('#'); }

void print_json(const StoredUnit& unit, const commit::Position& position, World& world) {
  fmt::print(world.out,
             "{{\"pipeline\":{},\"unit\":{},\"topic\":{},\"partition\":{},\"next_offset\":{},\"epoch\":{},\"read\":{}}}\n",
             bytes_json(unit.ledger.pipeline), bytes_json(unit.ledger.unit), bytes_json(position.partition.topic),
             position.partition.number, position.next_offset, position.epoch, position.counts.read);
}

void print_line(const StoredUnit& unit, const commit::Position& position, World& world) {
  if (is_replay(position)) {
    if (position.counts.read > 0)
      fmt::print(world.out, "{:<24} {} replayed\n", unit.ledger.unit, counted(position.counts.read, "dead letter"));
    return;
  }
  fmt::print(world.out, "{:<24} {:<24} partition {:<3} next {:<10} read {:<10} epoch {}\n", unit.ledger.unit,
             position.partition.topic, position.partition.number, position.next_offset, with_commas(position.counts.read),
             position.epoch);
}

void tell_none(const Arguments& arguments, World& world) {
  if (arguments.has("--as")) fmt::print(world.err, "no positions of a run `{0}`; `--as {0}` makes one\n", arguments.text("--as"));
  else fmt::print(world.err, "no positions; the first run of a pipeline stores them\n");
}

void tell_lost(const StoredUnit& unit, const std::set<std::string>& topics, World& world) {
  for (const std::string& topic : topics) {
    fmt::print(world.err,
               "{} has read {} and has no position of it: it expired, or the topic was made anew; `offsets reset` says where to "
               "go on\n",
               unit.ledger.unit, topic);
  }
}

Exit show(const Arguments& arguments, World& world) {
  const auto set = open_stores(arguments, world);
  if (!set) return set.error();
  const auto units = stored_units(*set);
  if (!units) return tell(units.error(), *set, world);
  for (const StoredUnit& unit : *units) {
    for (const commit::Position& position : unit.ledger.positions)
      arguments.has("--json") ? print_json(unit, position, world) : print_line(unit, position, world);
    const auto lost = lost_topics(*set, unit);
    if (!lost) return tell(lost.error(), *set, world);
    tell_lost(unit, *lost, world);
  }
  if (units->empty()) tell_none(arguments, world);
  return Exit::Done;
}

}  // namespace

extern const Command kOffsetsShow;
const Command kOffsetsShow = {"offsets show",
                              "Where each unit goes on reading. In JSON, `#replay` counts dead letters that were replayed.",
                              "piperun offsets show\npiperun offsets show orders.pipe --json", kOptions, show};

}  // namespace piperun::cli
