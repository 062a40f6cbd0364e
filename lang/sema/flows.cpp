#include "lang/sema/flows.h"

#include <fmt/format.h>

#include <algorithm>

namespace piperun::sema {

namespace {

constexpr std::size_t kMostCarried = 1'000'000;  // fields, in the records of all stages of a flow together

std::vector<FlowId> flows_read_by(const FlowFact& flow) {
  std::vector<FlowId> result;
  for (const StageFact& each : flow.stages) {
    const auto* from = std::get_if<FromFact>(&each.detail);
    if (from == nullptr) continue;
    for (const Stream& stream : from->inputs) {
      if (stream.kind == Stream::Kind::Flow) result.push_back(stream.id);
    }
  }
  return result;
}

}  // namespace

void Flows::read() {
  const auto& declarations = context_.program.modules[0].module.declarations;
  for (std::uint32_t i = 0; i < declarations.size(); ++i) {
    if (const auto* flow = std::get_if<ast::FlowDecl>(&declarations[i].node)) enter({0, i}, *flow);
  }
  for (std::uint32_t i = 0; i < declarations.size(); ++i) {
    if (std::holds_alternative<ast::FlowDecl>(declarations[i].node)) find({0, i}, declarations[i].name.span);
  }
  order();
  check_ends();
}

void Flows::enter(Symbol symbol, const ast::FlowDecl& declaration) {
  const ast::Name& name = context_[symbol].name;
  FlowFact fact;
  fact.name = name.text;
  fact.declaration = symbol.declaration;
  fact.where = name.span;
  fact.policy = context_.facts.pipeline.policy;
  fact.has_policy = declaration.on_error.has_value();
  pipeline_.read_policy(declaration.on_error, fact.policy);
  context_.enter(symbol, context_.facts.flows, std::move(fact));
}

// The flow, checked when it is first needed; nullopt: reported.
std::optional<FlowId> Flows::find(Symbol symbol, Span used_at) {
  const FlowId id = context_.id_of(symbol);
  if (known_.contains(id)) return id;
  if (!open_.insert(symbol).second) {
    context_.error(Code::P0210, used_at, fmt::format("flow `{}` reads its own output", context_[symbol].name.text))
        .secondary(context_[symbol].name.span, "declared here");
    return std::nullopt;
  }
  check(symbol, id);
  open_.erase(symbol);
  return id;
}

void Flows::check(Symbol symbol, FlowId id) {
  const ast::Name& name = context_[symbol].name;
  const auto& declaration = std::get<ast::FlowDecl>(context_[symbol].node);
  Flowing flowing;
  flowing.is_known = false;
  Progress progress;
  std::vector<StageFact> facts;
  for (const ast::Stage& each : declaration.stages) {
    StageFact fact;
    fact.before = flowing.row;
    if (check_place(each, flowing, progress)) {
      fact.detail = stage(each, flowing, id);
      if (is_too_large(each, name, flowing, progress)) break;
      fact.after = flowing.row;
    }
    facts.push_back(std::move(fact));
  }
  FlowFact& fact = context_.facts.flows[id];
  fact.stages = std::move(facts);
  fact.output = flowing.row;
  known_[id] = flowing.is_known && !flowing.is_ended;
  if (declaration.stages.empty()) context_.error(Code::P0221, name.span, fmt::format("flow `{}` is empty", name.text));
  if (flowing.has_output) context_.use(symbol);
}

// False and reported: a second `from`, which is passed over.
bool Flows::check_place(const ast::Stage& stage, const Flowing& flowing, Progress& progress) {
  const bool is_first = !std::exchange(progress.has_begun, true);
  const bool is_from = std::holds_alternative<ast::FromStage>(stage.node);
  const bool is_error = std::holds_alternative<ast::ErrorStage>(stage.node);
  if (is_first && !is_from && !is_error) {
    context_.error(Code::P0221, stage.keyword, "a flow begins with `from`").help("`from` names what is read: sources and flows");
  } else if (!is_first && is_from) {
    context_.error(Code::P0221, stage.keyword, "`from` stands once, at the beginning").help("several inputs: `from a, b as T`");
    return false;
  }
  if (flowing.is_ended && !std::exchange(progress.is_end_told, true)) {
    context_.error(Code::P0221, stage.keyword, "nothing arrives behind `route`: each record has gone to a sink");
  }
  return true;
}

// True and reported: the records of the stages so far are more than anybody means, and take too much memory here.
bool Flows::is_too_large(const ast::Stage& stage, const ast::Name& name, Flowing& flowing, Progress& progress) {
  progress.carried += flowing.row.columns.size();
  if (progress.carried <= kMostCarried) return false;
  context_
      .error(Code::P0231, stage.keyword,
             fmt::format("flow `{}` grows too large: the records of its stages have more than {} fields together", name.text,
                         kMostCarried))
      .help("leave behind what is not needed any more: `map { … }`, `drop …`");
  flowing.is_known = false;
  flowing.has_output = true;
  return true;
}

StageDetail Flows::stage(const ast::Stage& stage, Flowing& flowing, FlowId id) {
  if (const auto* it = std::get_if<ast::FromStage>(&stage.node)) return from(*it, flowing, id);
  if (const auto* join = std::get_if<ast::JoinStage>(&stage.node)) input(join->stream, id);  // its other stream
  return stages_.read(stage, flowing);
}

StageDetail Flows::from(const ast::FromStage& from_stage, Flowing& flowing, FlowId id) {
  std::vector<Input> inputs;
  bool is_fine = true;
  for (const ast::Name& name : from_stage.inputs) {
    auto found = input(name, id);
    is_fine &= found.has_value() && found->is_known;
    if (found) inputs.push_back(std::move(*found));
  }
  if (is_fine) return unions_.unite(from_stage, inputs, flowing);
  FromFact fact;
  for (const Input& each : inputs) fact.inputs.push_back(each.stream);
  if (from_stage.as) types_.read(from_stage.as, 0);
  return fact;
}

// What a name stands for that `reader` reads; nullopt: reported.
std::optional<Input> Flows::input(const ast::Name& name, FlowId reader) {
  if (name.text.empty()) return std::nullopt;
  const Symbol* symbol = context_.find(0, name.text);
  if (symbol == nullptr) {
    auto& found = context_.error(Code::P0200, name.span, fmt::format("there is no source or flow `{}`", name.text));
    std::vector<std::string> names = context_.names_of<ast::SourceDecl>(0);
    std::ranges::move(context_.names_of<ast::FlowDecl>(0), std::back_inserter(names));
    context_.suggest(found, name.span, name.text, names);
    return std::nullopt;
  }
  const ast::Declaration& it = context_[*symbol];
  if (std::holds_alternative<ast::ErrorDecl>(it.node)) return std::nullopt;
  if (std::holds_alternative<ast::SourceDecl>(it.node)) return source(context_.id_of(*symbol));
  if (std::holds_alternative<ast::FlowDecl>(it.node)) {
    read_by_flows_.insert(*symbol);
    const auto id = find(*symbol, name.span);
    return !id || *id == reader ? std::nullopt : std::optional(flow(*id, name));
  }
  auto& found = context_.error(Code::P0208, name.span,
                               fmt::format("`{}` is {}, and `from` reads sources and flows", name.text, kind_name(it.node)));
  found.secondary(it.name.span, "declared here");
  if (std::holds_alternative<ast::TableDecl>(it.node)) found.help(fmt::format("look rows up: `enrich x = {}[key]`", name.text));
  return std::nullopt;
}

Input Flows::source(SourceId id) const {
  const SourceFact& source = context_.facts.sources[id];
  Input result;
  result.stream = {Stream::Kind::Source, id};
  result.is_known = context_.kind(source.type) == TypeKind::Record;
  result.row.columns = columns_of(context_, source.type, source.where);
  result.row.has_meta = true;
  result.row.has_extra = source.extra == ExtraFields::Keep;
  result.row.is_keyed = source.tombstone == Tombstone::Delete;
  return result;
}

Input Flows::flow(FlowId id, const ast::Name& name) {
  const FlowFact& flow = context_.facts.flows[id];
  for (const StageFact& each : flow.stages) {
    if (!std::holds_alternative<RouteFact>(each.detail)) continue;
    context_.error(Code::P0208, name.span, fmt::format("flow `{}` ends in `route`: nothing comes out of it", name.text));
  }
  return {.stream = {Stream::Kind::Flow, id}, .row = flow.output, .is_known = known_.at(id)};
}

void Flows::order() {
  auto& flows = context_.facts.flows;
  std::vector<bool> is_done(flows.size());
  const auto visit = [&](auto&& self, FlowId id) -> void {
    if (is_done[id]) return;
    is_done[id] = true;
    for (const FlowId read : flows_read_by(flows[id])) self(self, read);
    context_.facts.flow_order.push_back(id);
  };
  for (FlowId id = 0; id < flows.size(); ++id) {
    visit(visit, id);
    for (const FlowId read : flows_read_by(flows[id])) flows[read].readers.push_back(id);
  }
}

// A flow leads to a sink or to another flow, all of it.
void Flows::check_ends() {
  for (const FlowFact& each : context_.facts.flows) {
    const Symbol symbol{0, each.declaration};
    const auto& stages = std::get<ast::FlowDecl>(context_[symbol].node).stages;
    if (!read_by_flows_.contains(symbol)) check_last_stages(each.name, stages);
    if (context_.is_used(symbol) || stages.empty() || std::holds_alternative<ast::ErrorStage>(stages.back().node)) continue;
    context_.error(Code::P0221, each.where, fmt::format("flow `{}` leads nowhere", each.name))
        .help("end it in `to SINK` or `route`, or read it in another flow");
  }
}

// Of a flow that no other one reads: behind the last `to` its records come to nothing.
void Flows::check_last_stages(const std::string& flow, const std::vector<ast::Stage>& stages) {
  const auto is_exit = [](const ast::Stage& stage) {
    return std::holds_alternative<ast::ToStage>(stage.node) || std::holds_alternative<ast::RouteStage>(stage.node);
  };
  const auto is_told = [](const ast::Stage& stage) {
    return std::holds_alternative<ast::ErrorStage>(stage.node) || std::holds_alternative<ast::FromStage>(stage.node);
  };
  const auto first = std::find_if(stages.rbegin(), stages.rend(), is_exit).base();
  if (first == stages.begin() || first == stages.end() || std::any_of(first, stages.end(), is_told)) return;
  const auto* last = std::get_if<ast::ToStage>(&std::prev(first)->node);
  if (last == nullptr) return;  // behind `route`: told where it stands
  context_
      .error(Code::P0221, first->keyword,
             fmt::format("nothing comes of this stage: no `to` follows, and no other flow reads `{}`", flow))
      .secondary(std::prev(first)->keyword, "the last `to`")
      .help(fmt::format("move it before `to {}`, which writes the records as they are there; or remove it", last->sink.text));
}

}  // namespace piperun::sema
