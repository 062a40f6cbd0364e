// The analysis of one program, declaration by declaration; what refers to something later in the file is resolved on demand.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "lang/sema/expressions.h"
#include "lang/sema/options.h"

namespace piperun::sema {

class Analysis : public Declarations {
 public:
  explicit Analysis(Context& context)
      : context_(context), types_(context), expressions_(context, types_, *this), options_(context, expressions_) {}

  void run();

  const Constant* constant(Symbol symbol, Span used_at) override;
  const ParamFact* param(Symbol symbol, ParamId* id) override;
  std::optional<FunctionId> function(Symbol symbol, Span used_at) override;
  std::optional<TableId> table(Symbol symbol) override;

 private:
  // declarations.cpp
  void read_declarations();
  void read_defaults();
  void read_param(Symbol symbol, const ast::ParamDecl& declaration);
  std::optional<Constant> given_param(const ast::Declaration& declaration, TypeId type);
  FunctionId enter_function(Symbol symbol, const ast::FnDecl& declaration);
  void check_growth(Symbol symbol);
  void check_given_params();
  void warn_unused();

  // connectors.cpp
  struct Attached {  // a connector as one declaration uses it
    const catalog::Connector* connector = nullptr;
    ConnectionId connection = kNone;
    OptionMap options;  // with those of the connection
  };
  std::optional<ConnectionId> connection(Symbol symbol);
  std::optional<Attached> connector_of(const ast::Connector& written);
  void unknown_connector(const ast::Connector& written, const Symbol* named);
  void add_options(Attached& attached, OptionMap own, const ast::Declaration& declaration);
  std::optional<Attached> attach(const ast::Connector& written, const ast::Declaration& declaration, catalog::Roles role);
  void check_availability(const catalog::Connector& connector, Span span);
  void check_properties(const OptionMap& options);
  void warn_same_systems();

  // endpoints.cpp
  void read_source(Symbol symbol, const ast::SourceDecl& declaration);
  void read_table(Symbol symbol, const ast::TableDecl& declaration);
  void read_sink(Symbol symbol, const ast::SinkDecl& declaration);
  Format format_of(const Attached& attached, TypeId type);
  void check_csv_options(const Attached& attached, bool is_csv);
  std::vector<int> key_fields(const Attached& attached, std::string_view option, TypeId record, std::string_view of);
  int event_time(const Attached& attached, TypeId record);
  std::string object_of(const Attached& attached, const ast::Declaration& declaration, bool* is_topic);
  TypeId record_type(ast::TypeExprId id, std::string_view what);

  // pipeline.cpp
  void read_pipeline();
  void read_pipeline_options(const ast::Declaration& it, const ast::PipelineDecl& declaration);
  void read_policy(const std::optional<ast::OnError>& on_error, ErrorPolicy& policy);
  void dead_letter(const OptionValue& value, ErrorPolicy& policy);

  // flows.cpp, stages.cpp
  struct Flowing {  // what is known between two stages
    RowSchema row;
    bool is_known = true;
    bool is_ended = false;                 // behind `route`
    bool has_output = false;
    std::set<std::string> present;
    std::map<std::string, Span> lost;
  };
  std::optional<FlowId> flow(Symbol symbol, Span used_at);
  void check_flow(Symbol symbol, FlowId id);
  void order_flows();
  StageDetail stage(const ast::Stage& stage, Flowing& flowing, FlowId id);
  Scope scope(Flowing& flowing) const;
  static void forget(std::set<std::string>& present, const std::string& path);  // and what is in it
  void lose(Flowing& flowing, std::string name, Span where);
  void lose_meta(Flowing& flowing, Span where);
  void not_yet(std::string_view feature, const ast::Stage& stage, Flowing& flowing);

  StageDetail from(const ast::FromStage& from, const ast::Stage& stage, Flowing& flowing, FlowId id);
  struct Input {
    Stream stream;
    RowSchema row;
    bool is_known = false;
  };
  std::optional<Input> input(const ast::Name& name, FlowId reader);
  StageDetail unite(const ast::FromStage& from, const std::vector<Input>& inputs, Flowing& flowing);
  std::optional<std::vector<int>> fit(const ast::FromStage& from, const ast::Name& name, const Input& input, RowSchema& row);
  bool has_surplus(const ast::FromStage& from, const ast::Name& name, const Input& input, const RowSchema& row);
  StageDetail filter(const ast::FilterStage& filter, Flowing& flowing);
  StageDetail set(const ast::SetStage& set, Flowing& flowing);
  TypeId set_inside(TypeId record, const ast::Path& path, std::size_t part, TypeId type, ColumnPath& target);
  StageDetail map(const ast::MapStage& map, const ast::Stage& stage, Flowing& flowing);
  std::optional<Column> map_entry(const ast::Entry& entry, TypeId wanted, const Columns& fields, Scope& here);
  void check_complete(TypeId wanted, const Columns& fields, const Columns& columns, Span where);
  Columns fields_of(TypeId record, Span where) const;
  StageDetail drop(const ast::DropStage& drop, const ast::Stage& stage, Flowing& flowing);
  TypeId drop_inside(TypeId record, const ColumnPath& path, std::size_t part);
  StageDetail flatten(const ast::FlattenStage& flatten, Flowing& flowing);
  StageDetail dedup(const ast::DedupStage& dedup, const ast::Stage& stage, Flowing& flowing);
  StageDetail enrich(const ast::EnrichStage& enrich, Flowing& flowing);
  StageDetail route(const ast::RouteStage& route, Flowing& flowing);
  StageDetail to(const ast::ToStage& to, Flowing& flowing);
  std::optional<ColumnPath> path(const ast::Path& path, Flowing& flowing);
  std::vector<ColumnPath> keys(const std::vector<ast::Path>& paths, Flowing& flowing, std::string_view what);
  bool add_column(Flowing& flowing, const ast::Name& name, TypeId type, bool is_volatile);
  std::optional<SinkId> sink(const ast::Name& name);

  // sinks.cpp
  void feed(SinkId id, const Flowing& flowing, Span where);
  void finish_sinks();
  void check_afters();
  void finish_sink(SinkFact& sink);
  void read_version(SinkFact& sink);
  void check_deletes(const SinkFact& sink);
  void check_format(const SinkFact& sink);
  std::vector<int> sink_columns(const SinkFact& sink, std::string_view option, bool is_key);
  void sink_expressions(SinkFact& sink);

  Context& context_;
  TypeReader types_;
  Expressions expressions_;
  OptionReader options_;
  std::map<Symbol, std::uint32_t> ids_;      // of what has its fact
  std::map<Symbol, Constant> constants_;
  std::set<Symbol> open_;                    // being resolved: meeting it again is a circle
  std::set<Symbol> failed_;                  // reported; silent from now on
  std::map<FunctionId, std::size_t> calls_;  // that a call of it brings with it, itself among them
  std::size_t calls_here_ = 0;               // of the function that is being resolved
  std::set<ConnectionId> faulty_;            // connections with a wrong option: what they lack is not missed again
  struct Inflow {
    Span where;                              // of the `to`
    bool is_keyed = false;
  };
  std::map<SinkId, std::vector<Inflow>> inflows_;
  std::map<SinkId, Span> dead_letter_uses_;
  std::map<FlowId, bool> known_flows_;       // whether the output is known
};

}  // namespace piperun::sema
