#include "lang/plan/lower_expr.h"
#include "lang/value/decimal.h"

namespace piperun::plan {

using ir::Op;
using ir::Value;
using value::TypeKind;

Value ExprLowering::convert(Value value, TypeId to) {
  if (value.type == to) return value;
  const value::Type a = type(value.type);
  const value::Type b = type(to);
  if (a.kind == TypeKind::Never) return b_.fresh(to);  // control never comes here
  if (b.kind == TypeKind::Never || b.kind == TypeKind::Error) return value;
  if (a.kind == TypeKind::Null) {
    const Value null = b_.fresh(to);
    b_.set_null(null);
    return null;
  }
  const TypeId base = b_.types().with_null(to, false);
  if (a.nullable && !b.nullable) return convert(payload(value), to);
  if (a.nullable) return unless_null(value, base, [&](Value there) { return convert(there, base); });
  if (b.nullable) {
    const Value result = b_.fresh(to);
    b_.copy(convert(value, base), result);
    return result;
  }
  if (b.kind == TypeKind::Decimal) {
    if (a.kind == TypeKind::Int) return b_.add(Op::IntToDec, to, {value});
    return b_.add(Op::RescaleDec, to, {value}, static_cast<std::uint32_t>(value::Rounding::HalfEven));
  }
  if (b.kind == TypeKind::List) return convert_list(value, to);
  if (b.kind == TypeKind::Record) return convert_record(value, to);
  if (b.kind == TypeKind::Map) return b_.add(Op::Call, to, {value}, context_.native("map.convert", {value.type}, to));
  return value;
}

Value ExprLowering::convert_list(Value list, TypeId to) {
  const TypeId element = type(to).element;
  if (type(type(list.type).element).kind == TypeKind::Never) return b_.constant(context_.zero(to));
  const std::string name = name_ + ".convert";
  ir::FunctionBuilder builder(b_.types(), name);
  Bindings bindings(builder, &bindings_);
  ExprLowering inner(context_, builder, bindings, name);
  builder.set_site(b_.site());
  const Value input = builder.add_input({.name = "element", .type = type(list.type).element});
  const Value value = inner.convert(input, element);
  builder.add_output({{.name = "value", .type = element}});
  builder.emit(0, {value});
  context_.program.functions.push_back(builder.finish());
  const auto function = static_cast<ir::FunctionId>(context_.program.functions.size() - 1);
  context_.program.folds.push_back({ir::FoldKind::List, function, element, to});
  return b_.add(Op::Fold, to, {list}, static_cast<std::uint32_t>(context_.program.folds.size() - 1));
}

Value ExprLowering::convert_record(Value record, TypeId to) {
  const value::Type from = type(record.type);
  const value::Type target = type(to);
  std::vector<Value> fields;
  for (const value::Field& wanted : target.fields) {
    const int index = value::field_index(from, wanted.name);
    if (index >= 0) fields.push_back(convert(field(record, static_cast<std::size_t>(index)), wanted.type));
    else fields.push_back(b_.constant(context_.zero(wanted.type)));
  }
  return b_.add(Op::MakeRecord, to, std::move(fields));
}

Value ExprLowering::with_field(Value record, TypeId to, const std::vector<int>& path, Value value, std::size_t depth) {
  const TypeId base = b_.types().with_null(to, false);
  if (is_nullable(record) && !type(to).nullable) record = payload(record);
  return unless_null(record, base, [&](Value there) {
    const value::Type from = type(there.type);
    const value::Type target = type(base);
    std::vector<Value> fields;
    for (std::size_t i = 0; i < target.fields.size(); ++i) {
      const value::Field& wanted = target.fields[i];
      const bool on_path = static_cast<int>(i) == path[depth];
      if (on_path && depth + 1 == path.size()) {
        fields.push_back(convert(value, wanted.type));
        continue;
      }
      const Value old = field(there, static_cast<std::size_t>(value::field_index(from, wanted.name)));
      fields.push_back(on_path ? with_field(old, wanted.type, path, value, depth + 1) : convert(old, wanted.type));
    }
    return b_.add(Op::MakeRecord, base, std::move(fields));
  });
}

}  // namespace piperun::plan
