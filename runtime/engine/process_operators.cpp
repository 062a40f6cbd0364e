// From rows to rows: row functions, flatten, dedup and enrich.
#include <fmt/format.h>

#include <algorithm>

#include "lang/value/key.h"
#include "lang/value/time.h"
#include "runtime/base/random.h"
#include "runtime/engine/process_state.h"
#include "runtime/operators/dedup.h"

namespace piperun::engine {
namespace {

std::string key_of(const value::TypeTable& types, std::span<const CellRange> ranges, const value::Cell* cells) {
  std::string key;
  for (const CellRange& range : ranges) value::encode_key(types, range.type, cells + range.offset, key);
  return key;
}

// The source promised that there is no such repeat. One process that reads both partitions would drop it, two would not see it.
std::unexpected<base::Error> in_two_partitions(const std::string& stage, const commit::PartitionName& partition,
                                               std::int64_t offset, const operators::Dedup::Accepted& earlier) {
  std::string time;
  value::append_timestamp(time, earlier.time);
  return base::failure(
      base::ErrorCode::KeyInTwoPartitions,
      fmt::format("the record at offset {} of {}, partition {}, repeats a key of `{}` that came with partition {}, at {}: "
                  "`partitioned_by` promises that equal keys come with one partition",
                  offset, partition.topic, partition.number, stage, earlier.partition, time));
}

}  // namespace

void Process::apply(std::size_t node, Batch& batch, Processed& out) {
  NodeState& state = nodes_[node];
  expr::Context context{.arena = out.memory, .now = batch.now, .seed = {}};
  const auto room = static_cast<std::size_t>(state.function->output_cells());
  value::Cell* cells = nullptr;
  for (const Row& row : state.rows) {
    if (!cells) cells = out.memory.cells(room);
    const BatchRecord& record = batch.records[row.record];
    context.seed[0] = base::mix(partitions_[record.partition].seed ^ static_cast<std::uint64_t>(record.raw->offset));
    context.seed[1] = base::mix(context.seed[0] + row.element);
    const expr::Outcome outcome = state.function->run(row.cells, context, cells);
    switch (outcome.kind) {
      case expr::Outcome::Kind::Emit:
        send(node, outcome.port, {cells, row.record, row.element});
        cells = nullptr;
        break;
      case expr::Outcome::Kind::Filtered: batch.records[row.record].filtered = true; break;
      case expr::Outcome::Kind::Failed:
        fail(batch, unit_.dataflow.nodes[node], row, outcome.code, std::string(outcome.detail), outcome.site);
        break;
    }
  }
}

void Process::flatten(std::size_t node, Batch& batch, Processed& out) {
  NodeState& state = nodes_[node];
  const bool with_index = std::get<ir::Flatten>(unit_.dataflow.nodes[node].op).with_index;
  for (const Row& row : state.rows) {
    const bool is_null = state.list.count == 2 && row.cells[state.list.offset].b;
    const value::List list = is_null ? value::List{nullptr, 0} : row.cells[state.list.offset + state.list.count - 1].l;
    if (list.count == 0) batch.records[row.record].filtered = true;
    for (std::uint64_t i = 0; i < list.count; ++i) {
      value::Cell* cells = out.memory.cells(static_cast<std::size_t>(state.output_cells));
      value::Cell* end = std::copy_n(row.cells, state.list.offset, cells);
      end = std::copy_n(list.items + i * static_cast<std::uint64_t>(state.element_cells), state.element_cells, end);
      if (with_index) *end = value::Cell::of(static_cast<std::int64_t>(i));
      send(node, 0, {cells, row.record, static_cast<std::uint32_t>(base::mix(row.element ^ base::mix(i)))});
    }
  }
}

base::Result<void> Process::dedup(std::size_t node, Batch& batch, const LookupKeys& lookup, Processed& out) {
  NodeState& state = nodes_[node];
  if (state.rows.empty()) return {};
  const auto& spec = std::get<ir::Dedup>(unit_.dataflow.nodes[node].op);
  std::vector<std::string> keys;
  keys.reserve(state.rows.size());
  for (const Row& row : state.rows) keys.push_back(key_of(program_.types, state.key, row.cells));
  std::vector<std::string> distinct = keys;
  std::ranges::sort(distinct);
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  const auto stored = lookup(spec.name, distinct);
  if (!stored) return std::unexpected(stored.error());
  operators::Dedup decide(spec.within);
  decide.load(*stored);
  const ir::System& domain = program_.systems[unit_.domain];
  const bool lies_by_partition = domain.kind == ir::SystemKind::Kafka && !domain.stand_in;
  for (std::size_t i = 0; i < state.rows.size(); ++i) {
    const Row& row = state.rows[i];
    BatchRecord& record = batch.records[row.record];
    if (batch.dead.contains(row.record)) continue;  // it may not leave a key behind
    const std::int64_t time = row.cells[state.time.offset + state.time.count - 1].i;
    if (record.time == commit::kNoTime) record.time = time;  // a record of an internal topic carries it as data
    const commit::PartitionName& from = partitions_[record.partition].name;
    if (!decide.accept(keys[i], time, from.number)) {
      if (lies_by_partition && decide.elsewhere())
        return in_two_partitions(spec.name, from, record.raw->offset, *decide.elsewhere());
      record.duplicate = true;
      continue;
    }
    record.passed_dedup = true;
    send(node, 0, row);
  }
  out.claims.push_back({spec.name, decide.claims()});
  return {};
}

// What asks for a row that cannot be read is dead, each record by itself; the others are looked up again.
void Process::refuse_key(std::size_t node, Batch& batch, const base::Error& error, std::vector<const value::Cell*>& keys) {
  NodeState& state = nodes_[node];
  const ir::Node& at = unit_.dataflow.nodes[node];
  const std::string refused = key_of(program_.types, state.key, state.rows[static_cast<std::size_t>(error.row)].cells);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < state.rows.size(); ++i) {
    if (key_of(program_.types, state.key, state.rows[i].cells) == refused) {
      fail(batch, at, state.rows[i], error.code, error.message, at.site);
      continue;
    }
    state.rows[kept] = state.rows[i];
    keys[kept++] = keys[i];
  }
  state.rows.resize(kept);
  keys.resize(kept);
}

base::Result<void> Process::enrich(std::size_t node, Batch& batch, Processed& out) {
  NodeState& state = nodes_[node];
  if (state.rows.empty()) return {};
  int key_cells = 0;
  for (const CellRange& part : state.key) key_cells += part.count;
  std::vector<const value::Cell*> keys;
  for (const Row& row : state.rows) {
    value::Cell* key = out.memory.cells(static_cast<std::size_t>(key_cells));
    keys.push_back(key);
    for (const CellRange& part : state.key) key = std::copy_n(row.cells + part.offset, part.count, key);
  }
  std::vector<const value::Cell*> found;
  for (;;) {
    found.assign(keys.size(), nullptr);
    const auto done = tables_[state.table_index]->lookup(keys, out.memory, found);
    if (done) break;
    if (base::traits(done.error().code).error_class != base::ErrorClass::Data || done.error().row < 0) return done;
    refuse_key(node, batch, done.error(), keys);
  }
  for (std::size_t i = 0; i < state.rows.size(); ++i) {
    const Row& row = state.rows[i];
    value::Cell* cells = out.memory.cells(static_cast<std::size_t>(state.output_cells));
    value::Cell* end = std::copy_n(row.cells, state.input_cells, cells);
    end[0] = value::Cell::of(found[i] == nullptr);
    end[1] = value::Cell::of(found[i]);
    send(node, 0, {cells, row.record, row.element});
  }
  return {};
}

}  // namespace piperun::engine
