#include "lang/plan/lower_row.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lang/ir/hidden_columns.h"
#include "lang/sema/meta.h"

namespace piperun::plan {

std::string part_of(std::string_view column, std::size_t part) {
  return part == 0 ? std::string(column) : fmt::format("{}.{}", column, part);
}

int Row::find_hidden(std::string_view name) const {
  const auto found = hidden.find(name);
  return found == hidden.end() ? -1 : found->second;
}

void Row::add_visible(ir::Column column) {
  visible.push_back(static_cast<int>(schema.size()));
  schema.push_back(std::move(column));
  keeps_tombstone.push_back(false);
}

void Row::add_hidden(ir::Column column) {
  hidden[column.name] = static_cast<int>(schema.size());
  schema.push_back(std::move(column));
}

void Row::add_hidden(std::string_view name, value::TypeId type, bool is_volatile) {
  add_hidden({std::string(name), type, is_volatile});
}

RowFunction::RowFunction(LowerContext& context, std::string name, const Row& input, ir::Site site)
    : context_(context),
      input_(input),
      builder_(context.types(), name),
      bindings_(builder_),
      expr_(context, builder_, bindings_, std::move(name)),
      site_(site) {
  builder_.set_site(site);
  for (const ir::Column& column : input.schema) values_.push_back(builder_.add_input(column));
  for (std::size_t i = 0; i < input.visible.size(); ++i) {
    bindings_.bind({Binding::Kind::Column, static_cast<std::uint32_t>(i)}, visible(i));
  }
  for (const sema::MetaColumn& meta : sema::meta_columns()) {
    const int place = input.find_hidden(meta_column(meta.meta));
    if (place >= 0) bindings_.bind({Binding::Kind::Meta, static_cast<std::uint32_t>(meta.meta)}, at(place));
  }
}

void RowFunction::emit(const Row& row, std::vector<ir::Value> values) {
  builder_.set_site(site_);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = expr_.convert(values[i], row.schema[i].type);
  builder_.add_output(row.schema);
  builder_.emit(ports_++, values);
}

ir::FunctionId RowFunction::finish() {
  context_.program.functions.push_back(builder_.finish());
  return static_cast<ir::FunctionId>(context_.program.functions.size() - 1);
}

std::string meta_column(sema::Meta meta) {
  const auto columns = sema::meta_columns();
  const auto found = std::ranges::find(columns, meta, &sema::MetaColumn::meta);
  return fmt::format("{}{}", ir::kMetaColumns, found->name);
}

}  // namespace piperun::plan
