// Flows: their stages one after the other, from where to where, and in which order flows depend on each other.
#pragma once
#include <map>
#include <optional>
#include <set>

#include "lang/sema/pipeline.h"
#include "lang/sema/stages.h"
#include "lang/sema/unions.h"

namespace piperun::sema {

class Flows {
 public:
  Flows(Context& context, TypeReader& types, PipelineReader& pipeline, Stages& stages)
      : context_(context), types_(types), pipeline_(pipeline), stages_(stages), unions_(context, types) {}

  // All flows of the main file, behind its other declarations.
  void read();

 private:
  struct Progress {  // along the stages of a flow
    bool has_begun = false;
    bool is_end_told = false;
    std::size_t carried = 0;  // fields, in the records of all stages so far
  };

  void enter(Symbol symbol, const ast::FlowDecl& declaration);
  std::optional<FlowId> find(Symbol symbol, Span used_at);
  void check(Symbol symbol, FlowId id);
  bool check_place(const ast::Stage& stage, const Flowing& flowing, Progress& progress);
  bool is_too_large(const ast::Stage& stage, const ast::Name& name, Flowing& flowing, Progress& progress);
  StageDetail stage(const ast::Stage& stage, Flowing& flowing, FlowId id);
  StageDetail from(const ast::FromStage& from, Flowing& flowing, FlowId id);
  std::optional<Input> input(const ast::Name& name, FlowId reader);
  Input source(SourceId id) const;
  Input flow(FlowId id, const ast::Name& name);
  void order();
  void check_ends();
  void check_last_stages(const std::string& flow, const std::vector<ast::Stage>& stages);

  Context& context_;
  TypeReader& types_;
  PipelineReader& pipeline_;
  Stages& stages_;
  Unions unions_;
  std::set<Symbol> open_;           // being checked: meeting one again is a circle
  std::set<Symbol> read_by_flows_;  // in `from` or `join`, also in a faulty one
  std::map<FlowId, bool> known_;    // of those that are checked: whether the output is known
};

}  // namespace piperun::sema
