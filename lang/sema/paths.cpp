#include "lang/sema/paths.h"

#include <fmt/format.h>

namespace piperun::sema {

namespace {

// The column that a path begins with; -1: there is none, which was reported.
int find_column(Context& context, const ast::Name& name, const Flowing& flowing) {
  const int place = flowing.row.columns.index_of(name.text);
  if (place >= 0) return place;
  if (const auto lost = flowing.lost.find(name.text); lost != flowing.lost.end()) {
    context.gone(name, lost->second);
  } else {
    auto& report = context.error(Code::P0200, name.span, fmt::format("there is no field `{}`", name.text));
    context.suggest(report, name.span, name.text, names_of(flowing.row.columns));
  }
  return -1;
}

}  // namespace

std::optional<ColumnPath> find_path(Context& context, const ast::Path& written, const Flowing& flowing) {
  const ast::Name& first = written.parts.front();
  if (!flowing.is_known || first.text.empty()) return std::nullopt;
  const int place = find_column(context, first, flowing);
  if (place < 0) return std::nullopt;
  ColumnPath result{place, {}, flowing.row.columns[place].type, false};
  std::string whole = first.text;
  for (std::size_t i = 1; i < written.parts.size(); ++i) {
    const ast::Name& part = written.parts[i];
    const value::Type record = context.type(result.type);
    if (record.kind == TypeKind::Error) return std::nullopt;
    if (record.nullable && !flowing.present.contains(whole)) {
      context.error(Code::P0306, written.parts[i - 1].span, fmt::format("`{}` may be null", whole))
          .help(fmt::format("`filter {} is not null` before", whole))
          .help(fmt::format("or let such a record fail: `set {0} = {0} ?? fail(\"…\")` before", whole));
      return std::nullopt;
    }
    const int index = record.kind == TypeKind::Record ? field_index(record, part.text) : -1;
    if (index < 0) {
      auto& report = context.error(Code::P0205, part.span, fmt::format("`{}` has no field `{}`", whole, part.text));
      context.suggest(report, part.span, part.text, names_of(record));
      return std::nullopt;
    }
    result.narrowed |= record.nullable;
    result.fields.push_back(index);
    result.type = record.fields[static_cast<std::size_t>(index)].type;
    whole += "." + part.text;
  }
  if (context.is_nullable(result.type) && flowing.present.contains(whole)) {
    result.narrowed = true;
    result.type = context.base(result.type);
  }
  return result;
}

std::vector<ColumnPath> find_keys(Context& context, const std::vector<ast::Path>& paths, const Flowing& flowing,
                                  std::string_view what) {
  std::vector<ColumnPath> result;
  for (const ast::Path& each : paths) {
    const auto found = find_path(context, each, flowing);
    if (!found) continue;
    const std::string_view text = context.sources.text(each.span);
    if (context.is_nullable(found->type)) {
      context.error(Code::P0302, each.span, fmt::format("{} is never null, but `{}` may be", what, text))
          .label(context.name(found->type))
          .help(fmt::format("before: `filter {} is not null`, or `set {} = {} ?? …`", text, text, text));
    } else if (!may_be_key(context.kind(found->type))) {
      auto& report = context.error(Code::P0211, each.span,
                                   fmt::format("`{}` cannot be {}: it is {}", text, what, context.name(found->type)));
      if (context.kind(found->type) == TypeKind::Float)
        report.note("equal floats need not look equal; make it a decimal or a string");
    } else if (const Column& column = flowing.row.columns[found->column]; column.is_volatile) {
      context.error(Code::P0212, each.span, fmt::format("`{}` cannot be {}: on a replay it may differ", text, what))
          .secondary(column.where, "computed from `now()` or from a look-up here")
          .help("use what the record itself says: a field of it, or `meta.timestamp`");
    } else {
      result.push_back(*found);
    }
  }
  return result;
}

}  // namespace piperun::sema
