#include "runtime/engine/process.h"

#include <algorithm>

#include "runtime/engine/process_state.h"

namespace piperun::engine {

base::Result<void> Process::run(Batch& batch, std::size_t first, std::size_t last, const LookupKeys& lookup, Processed& out) {
  for (;;) {
    out.first = first;
    out.last = last;
    out.memory.reset();
    out.sinks.resize(unit_.sinks.size());
    out.encoded.resize(unit_.sinks.size());
    for (SinkRows& sink : out.sinks) sink.clear();
    for (std::string& text : out.encoded) text.clear();
    out.claims.clear();
    out.newest_time.assign(partitions_.size(), commit::kNoTime);
    const base::Result<bool> settled = run_once(batch, lookup, out);
    if (!settled) return std::unexpected(settled.error());
    if (*settled) return {};
  }
}

// False: a record that had passed a dedup died, and the range must be processed again without it.
base::Result<bool> Process::run_once(Batch& batch, const LookupKeys& lookup, Processed& out) {
  for (std::size_t i = out.first; i < out.last; ++i) {
    BatchRecord& record = batch.records[i];
    record.used = record.late = record.duplicate = record.filtered = record.passed_dedup = false;
  }
  for (NodeState& state : nodes_) state.rows.clear();
  const std::size_t dead_before = batch.dead.size();
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (const auto done = run_node(i, batch, lookup, out); !done) return std::unexpected(done.error());
  }
  bool lost_key = false;
  if (batch.dead.size() != dead_before) {
    for (const auto& [index, failure] : batch.dead) {
      lost_key |= index >= out.first && index < out.last && batch.records[index].passed_dedup;
    }
  }
  if (lost_key) return false;
  for (std::size_t i = out.first; i < out.last; ++i) {
    if (batch.dead.contains(static_cast<std::uint32_t>(i))) continue;
    const BatchRecord& record = batch.records[i];
    std::int64_t& newest = out.newest_time[record.partition];
    newest = std::max(newest, std::min(record.time, batch.now));
  }
  for (SinkRows& sink : out.sinks) {  // one fate: what a dead record gave to other paths is taken back
    if (batch.dead.empty()) break;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < sink.rows.size(); ++i) {
      if (batch.dead.contains(sink.records[i])) continue;
      sink.rows[kept] = sink.rows[i];
      sink.outputs[kept] = sink.outputs[i];
      sink.records[kept++] = sink.records[i];
    }
    sink.rows.resize(kept);
    sink.outputs.resize(kept);
    sink.records.resize(kept);
  }
  return true;
}

base::Result<void> Process::run_node(std::size_t node, Batch& batch, const LookupKeys& lookup, Processed& out) {
  using Done = base::Result<void>;
  const Overloaded run{
      [&](const ir::Input&) {
        read(node, batch, out);
        return Done();
      },
      [&](const ir::Apply&) {
        apply(node, batch, out);
        return Done();
      },
      [&](const ir::Flatten&) {
        flatten(node, batch, out);
        return Done();
      },
      [&](const ir::Dedup&) { return dedup(node, batch, lookup, out); },
      [&](const ir::Enrich&) { return enrich(node, batch, out); },
      [&](const ir::Output&) {
        emit(node, batch, out);
        return Done();
      },
  };
  return std::visit(run, unit_.dataflow.nodes[node].op);
}

void Process::send(std::size_t node, std::size_t port, const Row& row) {
  for (const ir::Edge& edge : unit_.dataflow.nodes[node].next[port]) nodes_[edge.to].rows.push_back(row);
}

void Process::fail(Batch& batch, const ir::Node& node, const Row& row, base::ErrorCode code, std::string message, ir::Site site) {
  const std::string where = node.stage.empty() ? node.flow : node.flow + "." + node.stage;
  batch.dead.try_emplace(row.record, Failure{code, std::move(message), {}, site, where, node.policy, row.element});
}

}  // namespace piperun::engine
