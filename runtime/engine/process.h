// The step `process`: takes a range of a batch through the unit's dataflow. Changes nothing durable.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/connectors/table.h"
#include "runtime/engine/batch.h"
#include "runtime/expr/row_function.h"
#include "runtime/record/decoder.h"
#include "runtime/record/encoder.h"

namespace piperun::engine {

// Where `process` stops for one batched read; the executor asks the commit domain.
using LookupKeys =
    std::function<base::Result<std::vector<commit::KeyEntry>>(const std::string& stage, std::span<const std::string> keys)>;

// One per worker. `program`, `unit`, `tables` and `partitions` outlive it.
class Process {
 public:
  Process(const ir::Program& program, const ir::Unit& unit, std::span<const value::NativeFn> natives,
          const expr::Secrets& secrets, const std::vector<std::unique_ptr<connectors::Table>>& tables,
          const std::vector<ReadPartition>& partitions);
  ~Process();

  // Fills `out` and the outcome of each record of [first, last). A record that fails is added to batch.dead; if it had passed a
  // dedup, the range is processed again without it, for its repeat may be the one that counts.
  base::Result<void> run(Batch& batch, std::size_t first, std::size_t last, const LookupKeys& lookup, Processed& out);

 private:
  struct Row {
    const value::Cell* cells;
    std::uint32_t record;
    std::uint32_t element;  // number among the rows that its record became
  };
  struct NodeState;

  void find_inputs();
  void set_up_input(NodeState& state, const ir::Node& node, const ir::Input& input);
  void set_up_output(NodeState& state, const ir::Output& output);
  base::Result<bool> run_once(Batch& batch, const LookupKeys& lookup, Processed& out);
  base::Result<void> run_node(std::size_t node, Batch& batch, const LookupKeys& lookup, Processed& out);
  void read(std::size_t node, Batch& batch, Processed& out);
  bool read_record(NodeState& state, const ir::Node& node, Batch& batch, std::uint32_t index, value::Cell* row,
                   value::Arena& memory);
  std::optional<record::DecodeFault> read_tombstone(const NodeState& state, const ir::Node& node, const BatchRecord& record,
                                                    value::Cell* row, value::Arena& memory);
  void fill_hidden(const NodeState& state, BatchRecord& record, value::Cell* row, value::Arena& memory);
  void apply(std::size_t node, Batch& batch, Processed& out);
  void flatten(std::size_t node, Batch& batch, Processed& out);
  base::Result<void> dedup(std::size_t node, Batch& batch, const LookupKeys& lookup, Processed& out);
  base::Result<void> enrich(std::size_t node, Batch& batch, Processed& out);
  void emit(std::size_t node, Batch& batch, Processed& out);
  bool encode(const NodeState& state, const ir::Node& node, const Row& row, Batch& batch, connectors::OutputRow& to,
              Processed& out);
  void send(std::size_t node, std::size_t port, const Row& row);
  void refuse_key(std::size_t node, Batch& batch, const base::Error& error, std::vector<const value::Cell*>& keys);
  void fail(Batch& batch, const ir::Node& node, const Row& row, base::ErrorCode code, std::string message, ir::Site site);

  const ir::Program& program_;
  const ir::Unit& unit_;
  const std::vector<std::unique_ptr<connectors::Table>>& tables_;
  const std::vector<ReadPartition>& partitions_;
  std::vector<NodeState> nodes_;
};

}  // namespace piperun::engine
