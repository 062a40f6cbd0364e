// Flows become nodes: each stage one Apply or one operator; fusing them is ir::optimize's.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lang/ir/hidden_columns.h"
#include "lang/plan/lower_row.h"

namespace piperun::plan {

class FlowLowering {
 public:
  explicit FlowLowering(LowerContext& context);

  // All flows, each behind those it reads.
  void run();

 private:
  void flow(sema::FlowId id);
  void stage(const ast::Stage& stage, const sema::StageFact& fact);

  void from(const sema::StageFact& fact, const sema::FromFact& detail);
  void filter(const ast::FilterStage& node, const sema::StageFact& fact);
  void set(const ast::SetStage& node, const sema::StageFact& fact, const sema::SetFact& detail);
  void map(const sema::StageFact& fact, const sema::MapFact& detail);
  void drop(const sema::StageFact& fact, const sema::DropFact& detail);
  void flatten(const ast::FlattenStage& node, const sema::StageFact& fact);
  void dedup(const ast::Stage& stage, const sema::DedupFact& detail, const sema::StageFact& fact);
  void enrich(const ast::EnrichStage& node, const sema::StageFact& fact, const sema::EnrichFact& detail);
  void key(const sema::StageFact& fact, const sema::KeyFact& detail);
  void remove(const ast::DeleteStage& node, const sema::StageFact& fact);
  void route(const ast::RouteStage& node, const sema::StageFact& fact, const sema::RouteFact& detail);
  void to(sema::SinkId sink);

  Stream source(sema::SourceId id);
  Stream read(const sema::Stream& stream);
  Row united_row(const sema::RowSchema& after, const std::vector<Stream>& inputs, const sema::FromFact& detail) const;
  std::vector<ir::Value> united_values(RowFunction& function, const Row& row, const std::vector<int>& columns) const;

  // Of a sink; `columns` are those of columns_for().
  std::vector<int> columns_for(const sema::SinkFact& sink) const;
  bool has_key_of_tombstone(const sema::SinkFact& sink, const std::vector<int>& columns) const;
  bool is_marked_twice() const;  // a tombstone of the source, and `delete when`
  bool is_ready_for(const sema::SinkFact& sink, const std::vector<int>& columns) const;
  void make_ready_for(const sema::SinkFact& sink, const std::vector<int>& columns, ir::Output& output);
  void compute_options(const sema::SinkFact& sink, RowFunction& function, Row& row, std::vector<ir::Value>& values,
                       ir::Output& output);

  // The row behind a stage: the columns of `after`, then the hidden ones that live on. `known` says what a tombstone keeps.
  Row row_after(const sema::RowSchema& after, const Row& before) const;
  // Values for `row`: the visible ones as given, its hidden columns as they are in the input of `function`.
  std::vector<ir::Value> values_for(const Row& row, RowFunction& function, std::vector<ir::Value> visible) const;
  std::vector<ir::Value> visible_values(const RowFunction& function) const;
  ir::Value path_value(RowFunction& function, const sema::ColumnPath& path) const;

  // The value of `id`; in a tombstone that lacks what it reads, zero.
  ir::Value guarded(RowFunction& function, ast::ExprId id);
  ir::Value unless_tombstone(RowFunction& function, bool is_known, value::TypeId type,
                             const std::function<ir::Value()>& compute) const;
  ir::Value converted(RowFunction& function, std::size_t column, value::TypeId to) const;
  // Lets a tombstone die here, unless it has what is needed: then nothing is added.
  void refuse_tombstones(RowFunction& function, bool is_known, const std::string& what) const;
  bool has_tombstones() const { return stream_.row.find_hidden(ir::kDeleteColumn) >= 0; }
  bool is_known(ast::ExprId id) const;
  bool is_known(const std::vector<sema::ColumnPath>& paths) const;

  RowFunction begin(std::string_view kind) const;
  // Adds a node behind `inputs`; `detail` is what its stage is called: `set amount`.
  ir::NodeId add_node(std::string detail, decltype(ir::Node::op) op, ir::Schema output, const std::vector<Port>& inputs);
  void apply(RowFunction& function, Row row, std::string detail);
  // Appends the parts of a hidden column and answers their places.
  using Computed = std::function<ir::Value(RowFunction&)>;
  std::vector<int> append(std::string_view name, const std::string& detail, const sema::RowSchema& schema,
                          const std::vector<Computed>& values);

  LowerContext& context_;
  std::vector<std::optional<Stream>> sources_;
  std::vector<Stream> flows_;           // what is behind each flow
  std::vector<sema::Meta> used_meta_;
  bool needs_time_ = false;

  const sema::FlowFact* flow_ = nullptr;  // the one being lowered
  std::uint32_t policy_ = 0;
  ir::Site site_;
  bool is_volatile_ = false;            // of the stage being lowered
  Stream stream_;                       // behind the last stage
};

}  // namespace piperun::plan
