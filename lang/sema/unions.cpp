#include "lang/sema/unions.h"

#include <fmt/format.h>

namespace piperun::sema {

StageDetail Unions::unite(const ast::FromStage& from_stage, const std::vector<Input>& inputs, Flowing& flowing) {
  FromFact fact;
  RowSchema& row = flowing.row;
  row = inputs.front().row;
  if (from_stage.as) {
    const TypeId type = types_.record(from_stage.as, "a union");
    if (context_.is_error(type)) return fact;
    row.columns = columns_of(context_, type, context_.program.pool[from_stage.as].span);
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Input& each = inputs[i];
    const ast::Name& name = from_stage.inputs[i];
    fact.inputs.push_back(each.stream);
    row.has_meta &= each.row.has_meta;
    row.has_extra &= each.row.has_extra;
    row.has_key &= each.row.has_key;
    row.is_keyed |= each.row.is_keyed;
    auto columns = fit(from_stage, name, each, row);
    if (!columns || (!from_stage.as && has_surplus(from_stage, name, each, row))) return fact;
    fact.columns.push_back(std::move(*columns));
  }
  flowing.is_known = true;
  return fact;
}

// For each column of `row` the column of the input, -1 for a null; nullopt: it does not fit, which was reported.
std::optional<std::vector<int>> Unions::fit(const ast::FromStage& from_stage, const ast::Name& name, const Input& input,
                                            RowSchema& row) {
  const auto differs = [&](const Column& wanted, std::string message) {
    auto& found = context_.error(Code::P0216, name.span, std::move(message));
    found.secondary(wanted.where,
                    from_stage.as ? "the type that all must fit" : fmt::format("`{}` comes first", from_stage.inputs[0].text));
    return std::nullopt;
  };
  std::vector<int> columns;
  for (Column& wanted : row.columns) {
    const int place = input.row.columns.index_of(wanted.name);
    if (place < 0) {
      if (!from_stage.as || !context_.is_nullable(wanted.type))
        return differs(wanted, fmt::format("`{}` has no field `{}`", name.text, wanted.name));
      columns.push_back(-1);
      continue;
    }
    const Column& found = input.row.columns[place];
    const bool is_error = context_.is_error(found.type) || context_.is_error(wanted.type);
    const bool fits = is_error || (from_stage.as ? converts(context_, found.type, wanted.type) : found.type == wanted.type);
    if (!fits) {
      return differs(wanted, fmt::format("`{}` differs in the field `{}`: it is {} here, and {} is wanted", name.text,
                                         wanted.name, context_.name(found.type), context_.name(wanted.type)));
    }
    wanted.is_volatile |= found.is_volatile;
    columns.push_back(place);
  }
  return columns;
}

// A field that the others do not have; reported.
bool Unions::has_surplus(const ast::FromStage& from_stage, const ast::Name& name, const Input& input, const RowSchema& row) {
  for (const Column& more : input.row.columns) {
    if (row.columns.contains(more.name)) continue;
    context_
        .error(Code::P0216, name.span,
               fmt::format("`{}` has a field `{}`, and `{}` has none", name.text, more.name, from_stage.inputs[0].text))
        .help("name the type that all fit: `from a, b as T`");
    return true;
  }
  return false;
}

}  // namespace piperun::sema
