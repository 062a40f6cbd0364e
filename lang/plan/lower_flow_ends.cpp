// Where rows come from and where they go: sources, unions, sinks; and what becomes of tombstones between them.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "lang/ast/match.h"
#include "lang/plan/lower_flow.h"

namespace piperun::plan {

using value::TypeKind;

namespace {

// All columns that an expression reads, through whatever it calls with them.
void columns_of(const LowerContext& context, ast::ExprId id, std::set<int>& columns) {
  if (!id) return;
  const sema::ExprFact& fact = context.facts[id];
  if (fact.constant != sema::kNone) return;
  if (const auto* column = std::get_if<sema::ColumnRef>(&fact.names)) columns.insert(column->column);
  const auto visit = [&](ast::ExprId part) { columns_of(context, part, columns); };
  ast::match(
      context.files.pool[id].node, [&](const ast::Member& n) { visit(n.object); },
      [&](const ast::Index& n) {
        if (!std::holds_alternative<sema::LookupRef>(fact.names)) visit(n.object);
        visit(n.index);
      },
      [&](const ast::Call& n) {
        for (const ast::Argument& argument : n.arguments) {
          visit(argument.value);
          if (argument.fold) visit(argument.fold->list), visit(argument.fold->condition);
        }
      },
      [&](const ast::Bang& n) { visit(n.operand); }, [&](const ast::Unary& n) { visit(n.operand); },
      [&](const ast::Binary& n) { visit(n.left), visit(n.right); }, [&](const ast::NullTest& n) { visit(n.operand); },
      [&](const ast::Coalesce& n) { visit(n.operand), visit(n.otherwise); },
      [&](const ast::Catch& n) { visit(n.operand), visit(n.otherwise); },
      [&](const ast::If& n) { visit(n.condition), visit(n.yes), visit(n.no); },
      [&](const ast::Interpolation& n) {
        for (const auto& part : n.parts) {
          if (const auto* expression = std::get_if<ast::ExprId>(&part)) visit(*expression);
        }
      },
      [&](const ast::ListLiteral& n) {
        for (ast::ExprId each : n.elements) visit(each);
      },
      [&](const ast::RecordLiteral& n) {
        for (const ast::Entry& each : n.entries) visit(each.value);
      },
      [](const auto&) {});
}

}  // namespace

bool FlowLowering::is_known(ast::ExprId id) const {
  std::set<int> columns;
  columns_of(context_, id, columns);
  return std::ranges::all_of(columns, [&](int column) { return stream_.row.keeps_tombstone[static_cast<std::size_t>(column)]; });
}

bool FlowLowering::is_known(const std::vector<sema::ColumnPath>& paths) const {
  return std::ranges::all_of(
      paths, [&](const sema::ColumnPath& path) { return stream_.row.keeps_tombstone[static_cast<std::size_t>(path.column)]; });
}

ir::Value FlowLowering::guarded(RowFunction& function, ast::ExprId id) {
  is_volatile_ = is_volatile_ || context_.facts[id].is_volatile;
  return unless_tombstone(function, is_known(id), context_.facts[id].target, [&] { return function.expr().lower(id); });
}

ir::Value FlowLowering::unless_tombstone(RowFunction& function, bool is_known, value::TypeId type,
                                         const std::function<ir::Value()>& compute) const {
  if (!has_tombstones() || is_known) return function.expr().convert(compute(), type);
  ir::FunctionBuilder& b = function.builder();
  const ir::Value result = b.fresh(type);
  const ir::BlockId tombstone = b.new_block(), record = b.new_block(), join = b.new_block();
  b.branch(function.at(stream_.row.find_hidden(kTombstone)), tombstone, record);
  b.go_to(tombstone);
  b.copy(b.constant(context_.zero(type)), result);
  b.jump(join);
  b.go_to(record);
  b.copy(function.expr().convert(compute(), type), result);
  b.jump(join);
  b.go_to(join);
  return result;
}

ir::Value FlowLowering::converted(RowFunction& function, std::size_t column, value::TypeId to) const {
  const ir::Value value = function.visible(column);
  if (value.type == to) return value;
  return unless_tombstone(function, stream_.row.keeps_tombstone[column], to, [&] { return value; });
}

void FlowLowering::refuse_tombstones(RowFunction& function, bool is_known, const std::string& what) const {
  if (!has_tombstones() || is_known) return;
  ir::FunctionBuilder& b = function.builder();
  const ir::BlockId tombstone = b.new_block(), record = b.new_block();
  b.branch(function.at(stream_.row.find_hidden(kTombstone)), tombstone, record);
  b.go_to(tombstone);
  b.set_site(site_);
  b.fail(b.constant(
      context_.constant(std::string_view(fmt::format("a tombstone has only its key: `{}` cannot decide about it", what)))));
  b.go_to(record);
}

Stream FlowLowering::source(sema::SourceId id) {
  if (sources_[id]) return *sources_[id];
  const sema::SourceFact& fact = context_.facts.sources[id];
  Row row;
  const value::Type record = context_.type(fact.type);
  for (const value::Field& field : record.fields) row.add_visible({field.name, field.type, false});
  for (int field : fact.key) row.keeps_tombstone[static_cast<std::size_t>(field)] = true;
  if (needs_time_) row.add_hidden({"#time", context_.types().scalar(TypeKind::Timestamp), false});
  if (fact.extra == sema::ExtraFields::Keep) row.add_hidden({"#extra", context_.types().scalar(TypeKind::String), false});
  if (fact.tombstone == sema::Tombstone::Delete) row.add_hidden({kTombstone, context_.types().scalar(TypeKind::Bool), false});
  for (sema::Meta meta : used_meta_) row.add_hidden({meta_column(meta), meta_type(meta, context_.types()), false});
  const ir::NodeId node = add_node("from " + fact.name, ir::Input{id}, row.schema, {});
  context_.program.graph.nodes[node].policy = 0;
  sources_[id] = Stream{{{node, 0}}, std::move(row)};
  return *sources_[id];
}

Stream FlowLowering::read(const sema::Stream& stream) {
  return stream.kind == sema::Stream::Kind::Source ? source(stream.id) : flows_[stream.id];
}

void FlowLowering::from(const sema::StageFact& fact, const sema::FromFact& detail) {
  std::vector<Stream> inputs;
  for (const sema::Stream& stream : detail.inputs) inputs.push_back(read(stream));
  const auto is_same = [&](const Stream& input) {
    for (std::size_t i = 0; i < fact.after.columns.size(); ++i) {
      if (detail.columns[0][i] != static_cast<int>(i) || input.row.column(i).type != fact.after.columns[i].type) return false;
      if (input.row.column(i).name != fact.after.columns[i].name) return false;
    }
    return input.row.visible.size() == fact.after.columns.size();
  };
  if (inputs.size() == 1 && is_same(inputs[0])) {
    stream_ = std::move(inputs[0]);
    return;
  }
  // Hidden columns that all have; a tombstone may come from any.
  Row joined = row_after(fact.after, inputs[0].row);
  Row row = row_after(fact.after, {});
  for (const auto& [name, place] : joined.hidden) {
    const std::string& hidden = name;
    const bool in_all = std::ranges::all_of(inputs, [&](const Stream& input) { return input.row.find_hidden(hidden) >= 0; });
    if (in_all && hidden != kTombstone && hidden != kDeleteWhen) row.add_hidden(joined.schema[static_cast<std::size_t>(place)]);
  }
  for (const char* mark : {kTombstone, kDeleteWhen}) {
    const bool in_any = std::ranges::any_of(inputs, [&](const Stream& input) { return input.row.find_hidden(mark) >= 0; });
    if (in_any) row.add_hidden({mark, context_.types().scalar(TypeKind::Bool), false});
  }
  row.keeps_tombstone.assign(row.visible.size(), true);
  std::vector<Port> ports;
  for (std::size_t n = 0; n < inputs.size(); ++n) {
    stream_ = std::move(inputs[n]);
    RowFunction function = begin("from");
    std::vector<ir::Value> values;
    for (std::size_t i = 0; i < row.visible.size(); ++i) {
      const int column = detail.columns[n][i];
      if (column < 0) values.push_back(function.builder().constant(context_.zero(row.column(i).type)));
      else values.push_back(converted(function, static_cast<std::size_t>(column), row.column(i).type));
      if (has_tombstones())
        row.keeps_tombstone[i] =
            row.keeps_tombstone[i] && column >= 0 && stream_.row.keeps_tombstone[static_cast<std::size_t>(column)];
    }
    for (std::size_t i = row.visible.size(); i < row.schema.size(); ++i) {
      const int place = stream_.row.find_hidden(row.schema[i].name);
      values.push_back(place >= 0 ? function.at(place) : function.builder().constant(context_.constant(false)));
    }
    function.emit(row, std::move(values));
    const std::string& name = detail.inputs[n].kind == sema::Stream::Kind::Source
                                  ? context_.facts.sources[detail.inputs[n].id].name
                                  : context_.facts.flows[detail.inputs[n].id].name;
    apply(function, row, "from " + name);
    ports.push_back(stream_.ports[0]);
  }
  stream_ = {std::move(ports), std::move(row)};
}

void FlowLowering::to(sema::SinkId id) {
  const sema::SinkFact& sink = context_.facts.sinks[id];
  const std::string name = "to " + sink.name;
  std::vector<int> column_of;  // per column of the sink, the visible one
  bool is_plain = true, is_deletable = true;
  for (const sema::Column& wanted : sink.columns) {
    const auto count = static_cast<int>(stream_.row.visible.size());
    int found = 0;
    while (found < count && stream_.row.column(static_cast<std::size_t>(found)).name != wanted.name) ++found;
    column_of.push_back(found);
    is_plain = is_plain && stream_.row.column(static_cast<std::size_t>(found)).type == wanted.type;
  }
  for (int key : sink.key) {
    is_deletable =
        is_deletable && stream_.row.keeps_tombstone[static_cast<std::size_t>(column_of[static_cast<std::size_t>(key)])];
  }
  const bool marks_twice = has_tombstones() && stream_.row.find_hidden(kDeleteWhen) >= 0;
  is_plain = is_plain && sink.headers.empty() && !sink.payload && !sink.idempotency_key && !marks_twice &&
             (!has_tombstones() || is_deletable);

  const Stream before = stream_;
  ir::Output output;
  output.sink = id;
  const Row* row = &stream_.row;
  Row prepared;
  if (is_plain) {
    for (int column : column_of) output.columns.push_back(stream_.row.visible[static_cast<std::size_t>(column)]);
  } else {
    RowFunction function = begin(name.c_str());
    refuse_tombstones(function, is_deletable, name);
    std::vector<ir::Value> values;
    for (std::size_t i = 0; i < sink.columns.size(); ++i) {
      prepared.add_visible({sink.columns[i].name, sink.columns[i].type, sink.columns[i].is_volatile});
      prepared.keeps_tombstone[i] = stream_.row.keeps_tombstone[static_cast<std::size_t>(column_of[i])];
      values.push_back(converted(function, static_cast<std::size_t>(column_of[i]), sink.columns[i].type));
      output.columns.push_back(static_cast<int>(i));
    }
    for (std::size_t i = 0; i < values.size(); ++i)
      function.bindings().bind({Binding::Kind::Column, static_cast<std::uint32_t>(i)}, values[i]);
    for (const auto& [hidden, place] : stream_.row.hidden) {
      const bool lives_on = hidden.starts_with("#key") || hidden == "#extra" || hidden == kTombstone || hidden == kDeleteWhen;
      if (!lives_on) continue;
      prepared.add_hidden(stream_.row.schema[static_cast<std::size_t>(place)]);
      values.push_back(function.at(place));
    }
    stream_.row.keeps_tombstone.assign(std::max(sink.columns.size(), stream_.row.visible.size()), false);
    std::copy(prepared.keeps_tombstone.begin(), prepared.keeps_tombstone.end(), stream_.row.keeps_tombstone.begin());
    const auto add = [&](const std::string& hidden, ast::ExprId value) {
      values.push_back(guarded(function, value));
      prepared.add_hidden({hidden, values.back().type, context_.facts[value].is_volatile});
      return static_cast<int>(prepared.schema.size() - 1);
    };
    for (const auto& [header, value] : sink.headers) output.headers.push_back(add("#header." + header, value));
    if (sink.payload) output.value = add("#value", sink.payload);
    if (sink.idempotency_key) output.idempotency = add("#idempotency", sink.idempotency_key);
    if (marks_twice) {
      ir::Value& mark = values[static_cast<std::size_t>(prepared.find_hidden(kTombstone))];
      mark = function.builder().add(ir::Op::Or, mark.type,
                                    {mark, values[static_cast<std::size_t>(prepared.find_hidden(kDeleteWhen))]});
    }
    function.emit(prepared, std::move(values));
    apply(function, prepared, name);
    row = &prepared;
  }
  output.remove = row->find_hidden(has_tombstones() ? kTombstone : kDeleteWhen);
  output.extra = row->find_hidden("#extra");
  for (int part = 0; row->find_hidden(part == 0 ? "#key" : fmt::format("#key.{}", part)) >= 0; ++part) {
    output.message_key.push_back(row->find_hidden(part == 0 ? "#key" : fmt::format("#key.{}", part)));
  }
  add_node(name, std::move(output), {}, stream_.ports);
  stream_ = before;
}

}  // namespace piperun::plan
