// Where rows come from and where they go: sources, unions, sinks.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "lang/plan/lower_flow.h"
#include "lang/sema/meta.h"

namespace piperun::plan {

using value::TypeKind;

namespace {

// The input has these columns, as a union of this one alone would make them.
bool is_same(const Row& input, const sema::RowSchema& wanted, const std::vector<int>& columns) {
  if (input.visible.size() != wanted.columns.size()) return false;
  for (std::size_t i = 0; i < wanted.columns.size(); ++i) {
    const ir::Column& column = input.column(i);
    if (columns[i] != static_cast<int>(i) || column.type != wanted.columns[i].type || column.name != wanted.columns[i].name)
      return false;
  }
  return true;
}

}  // namespace

Stream FlowLowering::source(sema::SourceId id) {
  if (sources_[id]) return *sources_[id];
  const sema::SourceFact& fact = context_.facts.sources[id];
  Row row;
  const value::Type record = context_.type(fact.type);
  for (const value::Field& field : record.fields) row.add_visible({field.name, field.type, false});
  for (int field : fact.key) row.keeps_tombstone[static_cast<std::size_t>(field)] = true;
  if (needs_time_) row.add_hidden(ir::kTimeColumn, context_.types().scalar(TypeKind::Timestamp));
  if (fact.extra == sema::ExtraFields::Keep) row.add_hidden(ir::kExtraColumn, context_.types().scalar(TypeKind::String));
  if (fact.tombstone == sema::Tombstone::Delete) row.add_hidden(ir::kDeleteColumn, context_.types().scalar(TypeKind::Bool));
  for (sema::Meta meta : used_meta_) row.add_hidden(meta_column(meta), sema::meta_type(meta, context_.types()));
  const ir::NodeId node = add_node("from " + fact.name, ir::Input{id}, row.schema, {});
  sources_[id] = Stream{{{node, 0}}, std::move(row)};
  return *sources_[id];
}

Stream FlowLowering::read(const sema::Stream& stream) {
  return stream.kind == sema::Stream::Kind::Source ? source(stream.id) : flows_[stream.id];
}

void FlowLowering::from(const sema::StageFact& fact, const sema::FromFact& detail) {
  std::vector<Stream> inputs;
  for (const sema::Stream& stream : detail.inputs) inputs.push_back(read(stream));
  if (inputs.size() == 1 && is_same(inputs[0].row, fact.after, detail.columns[0])) {
    stream_ = std::move(inputs[0]);
    return;
  }
  Row row = united_row(fact.after, inputs, detail);
  std::vector<Port> ports;
  for (std::size_t n = 0; n < inputs.size(); ++n) {
    stream_ = std::move(inputs[n]);
    RowFunction function = begin("from");
    function.emit(row, united_values(function, row, detail.columns[n]));
    const sema::Stream& input = detail.inputs[n];
    const bool is_source = input.kind == sema::Stream::Kind::Source;
    apply(function, row, "from " + (is_source ? context_.facts.sources[input.id].name : context_.facts.flows[input.id].name));
    ports.push_back(stream_.ports[0]);
  }
  stream_ = {std::move(ports), std::move(row)};
}

// Hidden columns that all inputs have; but a tombstone may come from any of them.
Row FlowLowering::united_row(const sema::RowSchema& after, const std::vector<Stream>& inputs,
                             const sema::FromFact& detail) const {
  const auto has = [](std::string_view name) { return [name](const Stream& input) { return input.row.find_hidden(name) >= 0; }; };
  const Row first = row_after(after, inputs[0].row);
  Row row = row_after(after, {});
  for (const auto& [name, place] : first.hidden) {
    if (name != ir::kDeleteColumn && name != kDeleteWhenColumn && std::ranges::all_of(inputs, has(name)))
      row.add_hidden(first.schema[static_cast<std::size_t>(place)]);
  }
  for (const std::string_view mark : {ir::kDeleteColumn, kDeleteWhenColumn}) {
    if (std::ranges::any_of(inputs, has(mark))) row.add_hidden(mark, context_.types().scalar(TypeKind::Bool));
  }
  row.keeps_tombstone.assign(row.visible.size(), true);
  for (std::size_t n = 0; n < inputs.size(); ++n) {
    if (!has(ir::kDeleteColumn)(inputs[n])) continue;
    for (std::size_t i = 0; i < row.visible.size(); ++i) {
      const int column = detail.columns[n][i];
      if (column < 0 || !inputs[n].row.keeps_tombstone[static_cast<std::size_t>(column)]) row.keeps_tombstone[i] = false;
    }
  }
  return row;
}

// The values for `row` of one input; `columns`: where it has them, -1 for one that it has not.
std::vector<ir::Value> FlowLowering::united_values(RowFunction& function, const Row& row, const std::vector<int>& columns) const {
  ir::FunctionBuilder& b = function.builder();
  std::vector<ir::Value> values;
  for (std::size_t i = 0; i < row.visible.size(); ++i) {
    const value::TypeId type = row.column(i).type;
    values.push_back(columns[i] < 0 ? b.constant(context_.zero(type))
                                    : converted(function, static_cast<std::size_t>(columns[i]), type));
  }
  for (std::size_t i = row.visible.size(); i < row.schema.size(); ++i) {
    const int place = stream_.row.find_hidden(row.schema[i].name);
    values.push_back(place >= 0 ? function.at(place) : b.constant(context_.constant(false)));
  }
  return values;
}

void FlowLowering::to(sema::SinkId id) {
  const sema::SinkFact& sink = context_.facts.sinks[id];
  const Stream before = stream_;
  const std::vector<int> columns = columns_for(sink);
  ir::Output output;
  output.sink = id;
  if (is_ready_for(sink, columns)) {
    for (int column : columns) output.columns.push_back(stream_.row.visible[static_cast<std::size_t>(column)]);
  } else {
    make_ready_for(sink, columns, output);
  }
  const Row& row = stream_.row;
  output.remove = row.find_hidden(has_tombstones() ? ir::kDeleteColumn : kDeleteWhenColumn);
  output.extra = row.find_hidden(ir::kExtraColumn);
  const auto key_part = [&] { return row.find_hidden(part_of(kKeyColumn, output.message_key.size())); };
  while (key_part() >= 0) output.message_key.push_back(key_part());
  add_node("to " + sink.name, std::move(output), {}, stream_.ports);
  stream_ = before;
}

// Per column of the sink, the visible one.
std::vector<int> FlowLowering::columns_for(const sema::SinkFact& sink) const {
  std::map<std::string_view, int> place;
  for (std::size_t i = 0; i < stream_.row.visible.size(); ++i) place.try_emplace(stream_.row.column(i).name, static_cast<int>(i));
  std::vector<int> columns;
  for (const sema::Column& wanted : sink.columns) columns.push_back(place.at(wanted.name));
  return columns;
}

bool FlowLowering::has_key_of_tombstone(const sema::SinkFact& sink, const std::vector<int>& columns) const {
  return std::ranges::all_of(sink.key, [&](int key) {
    return stream_.row.keeps_tombstone[static_cast<std::size_t>(columns[static_cast<std::size_t>(key)])];
  });
}

bool FlowLowering::is_marked_twice() const { return has_tombstones() && stream_.row.find_hidden(kDeleteWhenColumn) >= 0; }

bool FlowLowering::is_ready_for(const sema::SinkFact& sink, const std::vector<int>& columns) const {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (stream_.row.column(static_cast<std::size_t>(columns[i])).type != sink.columns[i].type) return false;
  }
  const bool computes = !sink.headers.empty() || sink.payload || sink.idempotency_key;
  return !computes && !is_marked_twice() && (!has_tombstones() || has_key_of_tombstone(sink, columns));
}

// Adds an Apply that makes the columns of the sink, and what its options compute from them.
void FlowLowering::make_ready_for(const sema::SinkFact& sink, const std::vector<int>& columns, ir::Output& output) {
  const std::string name = "to " + sink.name;
  RowFunction function = begin(name);
  refuse_tombstones(function, has_key_of_tombstone(sink, columns), name);
  Row row;
  std::vector<ir::Value> values;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto column = static_cast<std::size_t>(columns[i]);
    row.add_visible({sink.columns[i].name, sink.columns[i].type, sink.columns[i].is_volatile});
    row.keeps_tombstone[i] = stream_.row.keeps_tombstone[column];
    values.push_back(converted(function, column, sink.columns[i].type));
    output.columns.push_back(static_cast<int>(i));
  }
  for (const auto& [hidden, place] : stream_.row.hidden) {
    const bool lives_on = hidden.starts_with(kKeyColumn) || hidden == ir::kExtraColumn || hidden == ir::kDeleteColumn ||
                          hidden == kDeleteWhenColumn;
    if (!lives_on) continue;
    row.add_hidden(stream_.row.schema[static_cast<std::size_t>(place)]);
    values.push_back(function.at(place));
  }
  compute_options(sink, function, row, values, output);
  if (is_marked_twice()) {
    ir::Value& mark = values[static_cast<std::size_t>(row.find_hidden(ir::kDeleteColumn))];
    const ir::Value when = values[static_cast<std::size_t>(row.find_hidden(kDeleteWhenColumn))];
    mark = function.builder().add(ir::Op::Or, mark.type, {mark, when});
  }
  function.emit(row, std::move(values));
  apply(function, std::move(row), name);
}

// Headers, payload and idempotency key: expressions over the columns of the sink, not over those of the stream.
void FlowLowering::compute_options(const sema::SinkFact& sink, RowFunction& function, Row& row, std::vector<ir::Value>& values,
                                   ir::Output& output) {
  for (std::size_t i = 0; i < sink.columns.size(); ++i)
    function.bindings().bind({Binding::Kind::Column, static_cast<std::uint32_t>(i)}, values[i]);
  std::vector<bool>& keeps_tombstone = stream_.row.keeps_tombstone;
  const std::size_t size = keeps_tombstone.size();
  keeps_tombstone = row.keeps_tombstone;
  keeps_tombstone.resize(std::max(size, sink.columns.size()));
  const auto add = [&](const std::string& hidden, ast::ExprId value) {
    values.push_back(guarded(function, value));
    row.add_hidden(hidden, values.back().type, context_.facts[value].is_volatile);
    return static_cast<int>(row.schema.size() - 1);
  };
  for (const auto& [header, value] : sink.headers) output.headers.push_back(add("#header." + header, value));
  if (sink.payload) output.value = add("#value", sink.payload);
  if (sink.idempotency_key) output.idempotency = add("#idempotency", sink.idempotency_key);
}

}  // namespace piperun::plan
