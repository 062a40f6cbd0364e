#include "lang/plan/lower_expr.h"

#include <cassert>

#include "lang/ast/match.h"

namespace piperun::plan {

using ir::Op;
using ir::Value;
using value::TypeKind;

Value Bindings::find(Binding name) {
  if (const auto found = values_.find(name); found != values_.end()) return found->second;
  assert(outer_ != nullptr && "sema named what is not there");
  const Value outside = outer_->find(name);
  captured_.push_back(outside);
  const Value inside = builder_.add_input({.name = "#capture", .type = outside.type});
  bind(name, inside);
  return inside;
}

Value ExprLowering::add(ExprId id, Op op, TypeId type, std::vector<Value> operands, std::uint32_t index) {
  b_.set_site(context_.site(node(id).span));
  return b_.add(op, type, std::move(operands), index);
}

Value ExprLowering::payload(Value value) {
  ++narrowings_;
  return b_.payload(value);
}

Value ExprLowering::lower(ExprId id) {
  const sema::ExprFact& it = fact(id);
  const bool is_known = it.constant != sema::kNone;
  const Value value = is_known ? b_.constant(context_.constant(facts_.constants[it.constant])) : lower_node(id);
  b_.set_site(context_.site(node(id).span));
  return convert(value, it.target);
}

Value ExprLowering::lower_node(ExprId id) {
  const auto literal = [&](const auto&) { return b_.constant(context_.zero(fact(id).type)); };
  return ast::match(
      node(id).node, [&](const ast::ParamRef&) { return param(id); },
      [&](const ast::NameRef&) {
        return ast::match(
            fact(id).names,
            [&](sema::ColumnRef r) { return named(id, {Binding::Kind::Column, static_cast<std::uint32_t>(r.column)}); },
            [&](sema::ArgumentRef r) {
              return named(id, {Binding::Kind::Argument, static_cast<std::uint32_t>(r.parameter), frame_});
            },
            [&](sema::VariableRef r) { return named(id, {Binding::Kind::Variable, r.variable}); }, literal);
      },
      [&](const ast::Member& n) { return member(id, n); }, [&](const ast::Index& n) { return index(id, n); },
      [&](const ast::Call& n) { return call(id, n); }, [&](const ast::Bang& n) { return bang(n); },
      [&](const ast::Catch& n) { return catching(id, n); }, [&](const ast::Unary& n) { return unary(id, n); },
      [&](const ast::Binary& n) { return binary(id, n); }, [&](const ast::NullTest& n) { return null_test(id, n); },
      [&](const ast::Coalesce& n) { return coalesce(id, n); }, [&](const ast::If& n) { return conditional(id, n); },
      [&](const ast::Interpolation& n) { return interpolation(id, n); }, [&](const ast::ListLiteral& n) { return list(id, n); },
      [&](const ast::RecordLiteral& n) { return record(id, n); },
      [&](const ast::IntLiteral& n) { return b_.constant(context_.constant(sema::Constant{fact(id).type, n.value})); },
      [&](const ast::StringLiteral& n) { return b_.constant(context_.constant(std::string_view(n.text))); },
      // What sema always knows the value of, or refuses.
      [&](const ast::ErrorExpr& n) { return literal(n); }, [&](const ast::NullLiteral& n) { return literal(n); },
      [&](const ast::BoolLiteral& n) { return literal(n); }, [&](const ast::DecimalLiteral& n) { return literal(n); },
      [&](const ast::FloatLiteral& n) { return literal(n); }, [&](const ast::DurationLiteral& n) { return literal(n); },
      [&](const ast::TimestampLiteral& n) { return literal(n); }, [&](const ast::Range& n) { return literal(n); });
}

Value ExprLowering::named(ExprId id, Binding name) {
  const Value value = bindings_.find(name);
  return fact(id).narrowed && is_nullable(value) ? payload(value) : value;
}

Value ExprLowering::param(ExprId id) {
  const auto* secret = std::get_if<sema::SecretRef>(&fact(id).names);
  if (secret == nullptr) return b_.constant(context_.zero(fact(id).type));  // a null that was asked for: never reached
  ir::Constant constant = context_.constant(std::string_view(""));
  const sema::ParamFact& param = facts_.params[secret->param];
  constant.secret = param.secret ? param.secret->name : param.name;
  return b_.constant(constant);
}

Value ExprLowering::field(Value record, std::size_t index) {
  const value::Type& of = type(record.type);
  std::uint32_t cell = 0;
  for (std::size_t i = 0; i < index; ++i) cell += static_cast<std::uint32_t>(value::cells(type(of.fields[i].type)));
  return b_.add(Op::GetField, of.fields[index].type, {record}, cell);
}

Value ExprLowering::member(ExprId id, const ast::Member& n) {
  if (const auto* meta = std::get_if<sema::MetaRef>(&fact(id).names)) {
    return named(id, {Binding::Kind::Meta, static_cast<std::uint32_t>(meta->column)});
  }
  Value object = lower(n.object);
  if (fact(id).narrowed && is_nullable(object)) object = payload(object);
  const Value result = unless_null(object, fact(id).type, [&](Value there) {
    return ast::match(
        fact(id).names, [&](sema::FieldRef r) { return field(there, static_cast<std::size_t>(r.field)); },
        [&](sema::MapRef) {
          const TypeId element = type(there.type).element;
          return add(id, Op::MapGet, b_.types().with_null(element),
                     {there, b_.constant(context_.constant(std::string_view(n.name.text)))});
        },
        [&](sema::JsonRef) {
          return add(id, Op::JsonGet, there.type, {there, b_.constant(context_.constant(std::string_view(n.name.text)))});
        },
        [&](const auto&) { return b_.constant(context_.zero(fact(id).type)); });
  });
  return fact(id).narrowed && is_nullable(result) ? payload(result) : result;
}

Value ExprLowering::index(ExprId id, const ast::Index& n) {
  if (std::holds_alternative<sema::LookupRef>(fact(id).names)) return named(id, {Binding::Kind::Lookup});
  const Value object = lower(n.object);
  const Value at = lower(n.index);
  const value::Type& of = type(object.type);
  if (of.kind == TypeKind::Map) return add(id, Op::MapGet, b_.types().with_null(of.element), {object, at});
  if (of.kind == TypeKind::List) return add(id, Op::ListIndex, of.element, {object, at});
  return add(id, type(at.type).kind == TypeKind::String ? Op::JsonGet : Op::JsonIndex, object.type, {object, at});
}

Value ExprLowering::bang(const ast::Bang& n) {
  const ir::BlockId outer = b_.on_fail();
  b_.set_on_fail(ir::kDie);
  const Value value = lower(n.operand);
  b_.set_on_fail(outer);
  return value;
}

Value ExprLowering::catching(ExprId id, const ast::Catch& n) {
  Merge merge(b_, fact(id).type);
  const ir::BlockId handler = b_.new_block();
  const ir::BlockId outer = b_.on_fail();
  b_.set_on_fail(handler);
  const Value value = convert(lower(n.operand), merge.type());
  b_.set_on_fail(outer);
  merge.take(value);
  b_.go_to(handler);
  merge.take(convert(lower(n.otherwise), merge.type()));
  return merge.value();
}

Value ExprLowering::null_test(ExprId id, const ast::NullTest& n) {
  const Value value = lower(n.operand);
  if (!is_nullable(value))
    return b_.constant(context_.constant(type(value.type).kind == TypeKind::Null ? !n.negated : n.negated));
  const Value result = add(id, Op::IsNull, boolean(), {value});
  return n.negated ? negated(result) : result;
}

Value ExprLowering::coalesce(ExprId id, const ast::Coalesce& n) {
  const Value value = lower(n.operand);
  if (!is_nullable(value)) return convert(value, fact(id).type);
  Merge merge(b_, fact(id).type);
  const ir::BlockId there = b_.new_block(), missing = b_.new_block();
  b_.branch(is_null(value), missing, there);
  b_.go_to(there);
  merge.take(convert(b_.payload(value), merge.type()));
  b_.go_to(missing);
  merge.take(convert(lower(n.otherwise), merge.type()));
  return merge.value();
}

Value ExprLowering::conditional(ExprId id, const ast::If& n) {
  const Value condition = lower(n.condition);
  Merge merge(b_, fact(id).type);
  const ir::BlockId yes = b_.new_block(), no = b_.new_block();
  b_.branch(condition, yes, no);
  b_.go_to(yes);
  merge.take(convert(lower(n.yes), merge.type()));
  b_.go_to(no);
  merge.take(convert(lower(n.no), merge.type()));
  return merge.value();
}

Value ExprLowering::interpolation(ExprId id, const ast::Interpolation& n) {
  const TypeId string = b_.types().scalar(TypeKind::String);
  std::vector<Value> parts;
  for (const auto& part : n.parts) {
    if (const auto* text = std::get_if<std::string>(&part)) {
      parts.push_back(b_.constant(context_.constant(std::string_view(*text))));
      continue;
    }
    const Value value = lower(std::get<ExprId>(part));
    parts.push_back(value.type == string ? value : b_.add(Op::ToText, string, {value}));
  }
  return add(id, Op::Concat, string, std::move(parts));
}

Value ExprLowering::list(ExprId id, const ast::ListLiteral& n) {
  std::vector<Value> elements;
  for (ExprId each : n.elements) elements.push_back(convert(lower(each), type(fact(id).type).element));
  return add(id, Op::MakeList, fact(id).type, std::move(elements));
}

Value ExprLowering::record(ExprId id, const ast::RecordLiteral& n) {
  std::vector<Value> fields;
  for (std::size_t i = 0; i < n.entries.size(); ++i) {
    const Value value = lower(n.entries[i].value);
    fields.push_back(convert(value, type(fact(id).type).fields[i].type));
  }
  return add(id, Op::MakeRecord, fact(id).type, std::move(fields));
}

}  // namespace piperun::plan
