// Operators, collections and branches: their types, what they make of null and failure.
#include <fmt/format.h>

#include <algorithm>

#include "lang/ast/match.h"
#include "lang/sema/expressions.h"
#include "lang/value/int.h"

namespace piperun::sema {

using enum ast::BinaryOp;

TypeId Expressions::interpolation(ExprId id, const ast::Interpolation& text, Scope& scope) {
  std::string whole;
  bool is_constant = true;
  bool is_error = false;
  for (const auto& part : text.parts) {
    const auto* expression = std::get_if<ExprId>(&part);
    if (expression == nullptr) {
      whole += std::get<std::string>(part);
      continue;
    }
    is_error |= context_.is_error(infer(*expression, scope)) || !present(*expression, "what is written into a string");
    absorb(id, *expression);
    is_constant &= fact(*expression).constant != kNone;
    if (is_constant) whole += to_text(context_.facts.constants[fact(*expression).constant], context_.facts.types, true);
  }
  const TypeId string = context_.scalar(TypeKind::String);
  if (is_error) return {};
  if (is_constant) fact(id).constant = context_.add({string, std::move(whole)});
  return string;
}

TypeId Expressions::list(ExprId id, const ast::ListLiteral& literal, Scope& scope, TypeId hint) {
  const value::Type wanted = context_.type(hint);
  const TypeId element_hint = wanted.kind == TypeKind::List ? wanted.element : TypeId{};
  std::optional<TypeId> element = literal.elements.empty() ? context_.scalar(TypeKind::Never) : TypeId{};
  bool is_first = true;
  for (const ExprId each : literal.elements) {
    const TypeId type = infer(each, scope, element_hint);
    absorb(id, each);
    const auto common = is_first ? std::optional(type) : common_type(context_, *element, type);
    if (!common) {
      context_.error(Code::P0203, span(each), "the elements of a list have one type")
          .label(context_.name(type))
          .secondary(span(literal.elements.front()), context_.name(*element));
      return {};
    }
    element = common;
    is_first = false;
  }
  if (context_.kind(hint) == TypeKind::List && converts(context_, *element, element_hint)) element = element_hint;
  Constant::Elements values;
  for (const ExprId each : literal.elements) {
    if (!coerce(each, *element, "an element")) return {};
    if (fact(each).constant != kNone) values.push_back(context_.facts.constants[fact(each).constant]);
  }
  if (context_.is_error(*element)) return {};
  const TypeId type = context_.facts.types.list(*element);
  if (values.size() == literal.elements.size()) fact(id).constant = context_.add({type, std::move(values)});
  return type;
}

TypeId Expressions::record(ExprId id, const ast::RecordLiteral& literal, Scope& scope, TypeId hint) {
  const value::Type wanted = context_.type(hint);
  std::vector<value::Field> fields;
  Constant::Elements values;
  for (const ast::Entry& entry : literal.entries) {
    const int known = wanted.kind == TypeKind::Record ? field_index(wanted, entry.name.text) : -1;
    const TypeId field_hint = known >= 0 ? wanted.fields[static_cast<std::size_t>(known)].type : TypeId{};
    TypeId type = infer(entry.value, scope, field_hint);
    absorb(id, entry.value);
    if (known >= 0 && converts(context_, type, field_hint)) {
      coerce(entry.value, field_hint, "the field");
      type = field_hint;
    }
    if (context_.kind(type) == TypeKind::Null) {
      context_.error(Code::P0304, span(entry.value), "`null` alone has no type here");
      return {};
    }
    if (std::ranges::find(fields, entry.name.text, &value::Field::name) != fields.end()) {
      context_.error(Code::P0201, entry.name.span, fmt::format("the record has two fields `{}`", entry.name.text));
      continue;
    }
    fields.push_back({entry.name.text, type});
    if (fact(entry.value).constant != kNone) values.push_back(context_.facts.constants[fact(entry.value).constant]);
  }
  const bool is_constant = values.size() == fields.size();
  if (std::ranges::any_of(fields, [&](const value::Field& field) { return context_.is_error(field.type); })) return {};
  const TypeId type = context_.facts.types.record("", std::move(fields));
  if (is_constant) fact(id).constant = context_.add({type, std::move(values)});
  return type;
}

TypeId Expressions::unary(ExprId id, const ast::Unary& unary, Scope& scope, TypeId hint) {
  if (unary.op == ast::UnaryOp::Not) {
    const TypeId boolean = context_.scalar(TypeKind::Bool);
    infer(unary.operand, scope, boolean);
    absorb(id, unary.operand);
    return coerce(unary.operand, boolean, "the operand of `not`") ? boolean : TypeId{};
  }
  const TypeId type = infer(unary.operand, scope, hint);
  absorb(id, unary.operand);
  if (context_.is_error(type) || !present(unary.operand, "the operand of `-`")) return {};
  const TypeKind kind = context_.kind(type);
  if (!is_numeric(kind) && kind != TypeKind::Duration) {
    context_.error(Code::P0204, span(id), fmt::format("`-` is for numbers and durations, not for {}", context_.name(type)));
    return {};
  }
  catchable_.insert(id);
  if (fact(unary.operand).constant == kNone) return type;
  Constant value = context_.facts.constants[fact(unary.operand).constant];
  const bool is_smallest = std::holds_alternative<std::int64_t>(value.value) && !value::negate(std::get<std::int64_t>(value.value));
  if (is_smallest) return type;
  if (auto* number = std::get_if<std::int64_t>(&value.value)) *number = -*number;
  if (auto* number = std::get_if<double>(&value.value)) *number = -*number;
  if (auto* number = std::get_if<value::Int128>(&value.value)) *number = -*number;
  fact(id).constant = context_.add(std::move(value));
  return type;
}

TypeId Expressions::binary(ExprId id, const ast::Binary& binary, Scope& scope, TypeId hint) {
  switch (binary.op) {
    case Or:
    case And:
      return logic(id, binary, scope);
    case Equal:
    case NotEqual:
    case Less:
    case LessEqual:
    case Greater:
    case GreaterEqual:
      return compare(id, binary, scope);
    case In:
    case NotIn:
      return contains(id, binary, scope);
    case Add:
    case Subtract:
    case Multiply:
    case Divide:
    case Remainder:
      return arithmetic(id, binary, scope, hint);
  }
  return {};
}

// Literals adapt to the other side: so the other side comes first.
void Expressions::infer_both(const ast::Binary& binary, Scope& scope, TypeId hint) {
  const auto adapting = [&](TypeId other) {
    const TypeKind kind = context_.kind(other);
    const bool is_arithmetic = binary.op >= Add;  // where a literal counts its own digits
    return kind == TypeKind::Float || (kind == TypeKind::Decimal && !is_arithmetic) ? context_.base(other) : hint;
  };
  if (is_literal(binary.left) && !is_literal(binary.right)) {
    const TypeId right = infer(binary.right, scope, hint);
    infer(binary.left, scope, adapting(right));
  } else {
    const TypeId left = infer(binary.left, scope, hint);
    infer(binary.right, scope, adapting(left));
  }
}

TypeId Expressions::logic(ExprId id, const ast::Binary& binary, Scope& scope) {
  const TypeId boolean = context_.scalar(TypeKind::Bool);
  const std::string what = fmt::format("an operand of `{}`", binary.op == And ? "and" : "or");
  infer(binary.left, scope, boolean);
  absorb(id, binary.left);
  const bool left_fits = coerce(binary.left, boolean, what);
  const auto before = scope.present;
  narrow(binary.left, binary.op == And, scope.present);
  infer(binary.right, scope, boolean);
  absorb(id, binary.right);
  const bool right_fits = coerce(binary.right, boolean, what);
  scope.present = before;
  return left_fits && right_fits ? boolean : TypeId{};
}

TypeId Expressions::compare(ExprId id, const ast::Binary& binary, Scope& scope) {
  infer_both(binary, scope, {});
  absorb(id, binary.left);
  absorb(id, binary.right);
  const TypeId left = fact(binary.left).type;
  const TypeId right = fact(binary.right).type;
  const TypeId boolean = context_.scalar(TypeKind::Bool);
  if (context_.is_error(left) || context_.is_error(right)) return boolean;
  const auto common = common_type(context_, left, right);
  const bool is_equality = binary.op == Equal || binary.op == NotEqual;
  if (!common || context_.kind(*common) == TypeKind::Json) {
    no_operator(binary);
    return boolean;
  }
  if (!is_equality) {
    if (!present(binary.left, "what is compared") || !present(binary.right, "what is compared")) return boolean;
    if (!is_ordered(context_.kind(*common))) {
      context_.error(Code::P0204, binary.sign, fmt::format("{} has no order", context_.name(*common)));
      return boolean;
    }
  } else if (context_.kind(left) == TypeKind::Null || context_.kind(right) == TypeKind::Null) {
    const ExprId other = context_.kind(left) == TypeKind::Null ? binary.right : binary.left;
    if (!context_.is_nullable(fact(other).type) && !fact(other).narrowed) {
      context_.report.add(Code::P0903, span(id)).message(fmt::format("`{}` is never null", text(other)));
      coerce(other, context_.nullable(fact(other).type), "the operand");
      return boolean;
    }
  }
  coerce(binary.left, *common, "the left side");
  coerce(binary.right, *common, "the right side");
  return boolean;
}

TypeId Expressions::no_operator(const ast::Binary& binary) {
  const TypeId left = fact(binary.left).type;
  const TypeId right = fact(binary.right).type;
  const value::Type a = context_.type(left);
  const value::Type b = context_.type(right);
  const bool enum_with_text = (a.kind == TypeKind::Enum && b.kind == TypeKind::String) || (a.kind == TypeKind::String && b.kind == TypeKind::Enum);
  auto& found = context_.error(enum_with_text ? Code::P0220 : Code::P0204, binary.sign,
                               fmt::format("`{}` does not work on {} and {}", spelling(binary.op), context_.name(left), context_.name(right)));
  found.secondary(span(binary.left), context_.name(left)).secondary(span(binary.right), context_.name(right));
  if (enum_with_text) {
    const value::Type& type = a.kind == TypeKind::Enum ? a : b;
    const ExprId other = a.kind == TypeKind::Enum ? binary.right : binary.left;
    const auto* literal = std::get_if<ast::StringLiteral>(&node(other).node);
    const bool is_value = literal != nullptr && std::ranges::find(type.values, literal->text) != type.values.end();
    const std::string written = fmt::format("{}.{}", type.name, is_value ? literal->text : type.values.empty() ? "…" : type.values[0]);
    if (is_value) found.help(fmt::format("the value is written `{}`", written), span(other), written);
    else found.help(fmt::format("the values are written `{}`, …", written));
  } else if (a.kind == TypeKind::Float || b.kind == TypeKind::Float) {
    found.help("`to_float(…)` turns an int64 or a decimal into a float64: this is never done without a word");
  } else if (a.kind == TypeKind::Json || b.kind == TypeKind::Json) {
    found.help("say what the JSON value is: `to_int(x)!`, `to_string(x)!`, …");
  } else if (a.kind == TypeKind::String && is_numeric(b.kind)) {
    found.help("`to_int(…)!` and `to_decimal(…, 12, 2)!` read a number from a string");
  }
  return {};
}

TypeId Expressions::contains(ExprId id, const ast::Binary& binary, Scope& scope) {
  const TypeId boolean = context_.scalar(TypeKind::Bool);
  const TypeId left = infer(binary.left, scope);
  const TypeId right = infer(binary.right, scope, context_.is_error(left) ? TypeId{} : context_.facts.types.list(context_.base(left)));
  absorb(id, binary.left);
  absorb(id, binary.right);
  if (context_.is_error(left) || context_.is_error(right) || !present(binary.right, "the list behind `in`")) return boolean;
  const value::Type list_type = context_.type(right);
  if (list_type.kind != TypeKind::List) {
    auto& found = context_.error(Code::P0204, span(binary.right), fmt::format("behind `in` stands a list, not {}", context_.name(right)));
    if (list_type.kind == TypeKind::String) found.help(fmt::format("`contains({}, {})`: whether one string is part of another", text(binary.right), text(binary.left)));
    return boolean;
  }
  const auto common = common_type(context_, left, list_type.element);
  if (!common) {
    auto& found = context_.error(Code::P0204, binary.sign,
                                 fmt::format("{} cannot be in {}", context_.name(left), context_.name(right)));
    if (context_.kind(left) == TypeKind::Enum) found.help(fmt::format("the values are written `{}.…`", context_.type(left).name));
    return boolean;
  }
  coerce(binary.left, *common, "the left side");
  coerce(binary.right, context_.facts.types.list(*common), "the list");
  return boolean;
}

TypeId Expressions::arithmetic(ExprId id, const ast::Binary& binary, Scope& scope, TypeId hint) {
  infer_both(binary, scope, binary.op == Divide ? TypeId{} : context_.kind(hint) == TypeKind::Float ? hint : TypeId{});
  absorb(id, binary.left);
  absorb(id, binary.right);
  const TypeId left_type = fact(binary.left).type;
  const TypeId right_type = fact(binary.right).type;
  if (context_.is_error(left_type) || context_.is_error(right_type)) return {};
  const std::string what = fmt::format("an operand of `{}`", spelling(binary.op));
  if (!present(binary.left, what) || !present(binary.right, what)) return {};
  const TypeKind left = context_.kind(left_type);
  const TypeKind right = context_.kind(right_type);
  const auto exact = [](TypeKind kind) { return kind == TypeKind::Int || kind == TypeKind::Decimal; };
  catchable_.insert(id);
  TypeId type;
  if (left == TypeKind::Never || right == TypeKind::Never) return left == TypeKind::Never ? right_type : left_type;
  if (left == TypeKind::Int && right == TypeKind::Int) type = left_type;
  else if (left == TypeKind::Float && right == TypeKind::Float) type = left_type;
  else if (exact(left) && exact(right)) type = decimal_arithmetic(id, binary, hint);
  else if (left == TypeKind::Timestamp || left == TypeKind::Duration || right == TypeKind::Duration) type = time_arithmetic(binary, left, right);
  else if (left == TypeKind::String && right == TypeKind::String && binary.op == Add) {
    const auto part = [&](ExprId side) {
      const auto* literal = std::get_if<ast::StringLiteral>(&node(side).node);
      return literal != nullptr ? std::string(text(side)).substr(1, text(side).size() - 2) : fmt::format("{{{}}}", text(side));
    };
    context_.error(Code::P0222, binary.sign, "strings are put together by writing values into one")
        .help("`{…}` inside a string", span(id), fmt::format("\"{}{}\"", part(binary.left), part(binary.right)));
    return {};
  } else {
    return no_operator(binary);
  }
  if (context_.is_error(type)) return {};
  if ((binary.op == Divide || binary.op == Remainder) && !divisor_is_safe(binary)) fact(id).can_fail = true;
  fold_constant(id, binary, type);
  return type;
}

// A constant divisor other than zero.
bool Expressions::divisor_is_safe(const ast::Binary& binary) {
  const std::uint32_t constant = fact(binary.right).constant;
  if (constant == kNone) return false;
  const auto& value = context_.facts.constants[constant].value;
  const bool is_zero = (std::holds_alternative<std::int64_t>(value) && std::get<std::int64_t>(value) == 0) ||
                       (std::holds_alternative<double>(value) && std::get<double>(value) == 0) ||
                       (std::holds_alternative<value::Int128>(value) && std::get<value::Int128>(value) == 0);
  if (is_zero) context_.error(Code::P0305, span(binary.right), "division by zero");
  return true;
}

TypeId Expressions::decimal_arithmetic(ExprId id, const ast::Binary& binary, TypeId hint) {
  const auto digits = [&](ExprId side) {  // literals and consts count as many digits as they have
    const std::uint32_t constant = fact(side).constant;
    const bool is_int = context_.kind(fact(side).type) == TypeKind::Int;
    if (!is_int || constant == kNone) return decimal_type(context_.type(fact(side).type));
    const std::int64_t value = std::get<std::int64_t>(context_.facts.constants[constant].value);
    return value::DecimalType{static_cast<int>(std::to_string(value).size()) - (value < 0 ? 1 : 0), 0};
  };
  const value::DecimalType a = digits(binary.left);
  const value::DecimalType b = digits(binary.right);
  if (binary.op == Divide) {
    const TypeId wanted = context_.base(hint);
    if (context_.kind(wanted) != TypeKind::Decimal) {
      context_.error(Code::P0213, span(id), "the result of this division needs a declared type")
          .note("a quotient can have digits without end")
          .help(fmt::format("`to_decimal({}, 18, 4)!`, or `round({}, 4)`", text(id), text(id)));
      return {};
    }
    coerce(binary.left, decimal(context_, a), "the dividend");
    coerce(binary.right, decimal(context_, b), "the divisor");
    return wanted;
  }
  const auto result = value::capped(binary.op == Multiply ? value::exact_product_type(a, b) : value::exact_sum_type(a, b));
  if (!result) {
    context_.error(Code::P0214, span(id), "the product has more than 38 digits behind the point").help("`round(…, s)` one of them first");
    return {};
  }
  const auto target = [&](ExprId side, value::DecimalType own) {
    const TypeId to = decimal(context_, binary.op == Multiply ? own : *result);
    ExprFact& it = fact(side);
    if (it.constant != kNone) {
      if (auto value = adapted(context_, context_.facts.constants[it.constant], to)) it.constant = context_.add(std::move(*value));
      else it.constant = kNone;
    }
    it.target = to;
  };
  target(binary.left, a);
  target(binary.right, b);
  return decimal(context_, *result);
}

TypeId Expressions::time_arithmetic(const ast::Binary& binary, TypeKind left, TypeKind right) {
  using enum TypeKind;
  const bool is_sum = binary.op == Add || binary.op == Subtract;
  const auto scalar = [&](TypeKind kind) { return context_.scalar(kind); };
  if (left == Timestamp && right == Timestamp && binary.op == Subtract) return scalar(Duration);
  if (left == Timestamp && right == Duration && is_sum) return scalar(Timestamp);
  if (left == Duration && right == Timestamp && binary.op == Add) return scalar(Timestamp);
  if (left == Duration && right == Duration) {
    if (is_sum || binary.op == Remainder) return scalar(Duration);
    if (binary.op == Divide) return scalar(Int);
  }
  if (left == Duration && right == Int && (binary.op == Multiply || binary.op == Divide)) return scalar(Duration);
  if (left == Int && right == Duration && binary.op == Multiply) return scalar(Duration);
  return no_operator(binary);
}

void Expressions::fold_constant(ExprId id, const ast::Binary& binary, TypeId type) {
  const std::uint32_t left = fact(binary.left).constant;
  const std::uint32_t right = fact(binary.right).constant;
  if (left == kNone || right == kNone || binary.op == Divide || binary.op == Remainder) return;
  const Constant a = context_.facts.constants[left];
  const Constant b = context_.facts.constants[right];
  std::optional<decltype(Constant::value)> result;
  const auto keep = [&](auto value) {
    if (value) result = *value;
  };
  if (std::holds_alternative<std::int64_t>(a.value) && std::holds_alternative<std::int64_t>(b.value)) {
    const std::int64_t x = std::get<std::int64_t>(a.value), y = std::get<std::int64_t>(b.value);
    keep(binary.op == Add ? value::add(x, y) : binary.op == Subtract ? value::subtract(x, y) : value::multiply(x, y));
  } else if (std::holds_alternative<value::Int128>(a.value) && std::holds_alternative<value::Int128>(b.value)) {
    const value::Int128 x = std::get<value::Int128>(a.value), y = std::get<value::Int128>(b.value);
    const int precision = context_.type(type).precision;
    keep(binary.op == Add ? value::add(x, y, precision) : binary.op == Subtract ? value::subtract(x, y, precision) : value::multiply(x, y, precision));
  } else if (std::holds_alternative<double>(a.value) && std::holds_alternative<double>(b.value)) {
    const double x = std::get<double>(a.value), y = std::get<double>(b.value);
    result = binary.op == Add ? x + y : binary.op == Subtract ? x - y : x * y;
  }
  if (result) fact(id).constant = context_.add({type, std::move(*result)});
}

TypeId Expressions::null_test(ExprId id, const ast::NullTest& test, Scope& scope) {
  const TypeId type = infer(test.operand, scope);
  absorb(id, test.operand);
  const ExprFact& operand = fact(test.operand);
  if (!context_.is_error(type) && !context_.is_nullable(type) && !operand.narrowed && operand.constant == kNone) {
    auto& found = context_.report.add(Code::P0903, span(id));
    found.message(fmt::format("`{}` is never null: this is always {}", text(test.operand), test.negated ? "true" : "false"));
    if (operand.can_fail) found.help("it can fail: `!` or `catch`");
  }
  return context_.scalar(TypeKind::Bool);
}

TypeId Expressions::both_branches(ExprId id, ExprId a, ExprId b, TypeId hint) {
  const TypeId left = fact(a).type;
  const TypeId right = fact(b).type;
  auto common = common_type(context_, left, right);
  if (common && !context_.is_error(hint) && converts(context_, *common, hint)) common = hint;
  if (!common && !context_.is_error(hint) && converts(context_, left, hint) && converts(context_, right, hint)) common = hint;
  if (!common) {
    for (const auto& [literal, other] : {std::pair{a, right}, std::pair{b, left}}) {
      const std::uint32_t constant = fact(literal).constant;
      if (constant != kNone && adapted(context_, context_.facts.constants[constant], other)) common = other;
    }
  }
  if (!common) {
    context_.error(Code::P0203, span(b), "both values must have one type")
        .label(context_.name(right))
        .secondary(span(a), context_.name(left));
    return {};
  }
  if (!coerce(a, *common, "the value") || !coerce(b, *common, "the value")) return {};
  (void)id;
  return *common;
}

TypeId Expressions::coalesce(ExprId id, const ast::Coalesce& coalesce, Scope& scope, TypeId hint) {
  const TypeId left = infer(coalesce.operand, scope, context_.is_error(hint) ? hint : context_.nullable(hint));
  const TypeId right_hint = context_.is_error(hint) ? context_.base(left) : hint;
  const TypeId right = infer(coalesce.otherwise, scope, right_hint);
  absorb(id, coalesce.operand);
  absorb(id, coalesce.otherwise);
  if (context_.is_error(left) || context_.is_error(right)) return {};
  if (!context_.is_nullable(left)) {
    if (fact(coalesce.operand).can_fail) {
      context_.error(Code::P0303, span(coalesce.operand), fmt::format("`{}` is never null: it can *fail*", text(coalesce.operand)))
          .secondary(coalesce.sign, "this is for null")
          .help("for failure there is `catch`", coalesce.sign, "catch");
      return {};
    }
    const Span rest{span(id).file, span(coalesce.operand).end, span(id).end};
    context_.report.add(Code::P0902, coalesce.sign)
        .message(fmt::format("`{}` is never null", text(coalesce.operand)))
        .help("leave it out", rest, "");
    fact(coalesce.operand).target = context_.nullable(left);
    coerce(coalesce.otherwise, left, "the value behind `??`");
    return left;
  }
  // The left side keeps its null until it is asked: its target is the nullable form of the result.
  const TypeId there = context_.kind(left) == TypeKind::Null ? right : context_.base(left);
  auto common = common_type(context_, there, right);
  if (common && !context_.is_error(hint) && converts(context_, *common, hint)) common = hint;
  const std::uint32_t constant = fact(coalesce.otherwise).constant;
  if (!common && constant != kNone && adapted(context_, context_.facts.constants[constant], there)) common = there;
  if (!common) {
    context_.error(Code::P0203, span(coalesce.otherwise), fmt::format("this stands in for {}", context_.name(there)))
        .label(context_.name(right))
        .secondary(span(coalesce.operand), context_.name(left));
    return {};
  }
  coerce(coalesce.operand, context_.nullable(*common), "the value");
  coerce(coalesce.otherwise, *common, "the value behind `??`");
  return *common;
}

TypeId Expressions::catching(ExprId id, const ast::Catch& node_, Scope& scope, TypeId hint) {
  const TypeId left = infer(node_.operand, scope, hint);
  const TypeId right = infer(node_.otherwise, scope, context_.is_error(hint) ? left : hint);
  absorb(id, node_.operand);
  const bool can_fail = fact(node_.operand).can_fail;
  const bool is_error = context_.is_error(left) || context_.is_error(right);
  if (!can_fail && !is_error && !catchable_.contains(node_.operand)) {
    const Span rest{span(id).file, span(node_.operand).end, span(id).end};
    auto& found = context_.report.add(Code::P0901, node_.sign);
    found.message(fmt::format("`{}` cannot fail", text(node_.operand)));
    if (const auto* inner = std::get_if<ast::Bang>(&node(node_.operand).node)) {
      found.message("`!` has decided already: this is never reached").help("leave the `!` out", inner->sign, "");
    } else {
      found.help("leave it out", rest, "");
    }
  }
  fact(id).can_fail = false;
  failing_.erase(id);
  catchable_.erase(id);
  absorb(id, node_.otherwise);
  return is_error ? TypeId{} : both_branches(id, node_.operand, node_.otherwise, hint);
}

TypeId Expressions::bang(ExprId id, const ast::Bang& bang, Scope& scope, TypeId hint) {
  const TypeId type = infer(bang.operand, scope, hint);
  absorb(id, bang.operand);
  if (!fact(bang.operand).can_fail && !context_.is_error(type) && !catchable_.contains(bang.operand)) {
    auto& found = context_.report.add(Code::P0900, bang.sign);
    found.message(fmt::format("`{}` cannot fail", text(bang.operand)));
    if (context_.is_nullable(type)) found.help("it may be null: `?? fail(\"…\")` makes such a record dead");
    found.help("leave the `!` out", bang.sign, "");
  }
  fact(id).can_fail = false;
  failing_.erase(id);
  catchable_.erase(id);
  return type;
}

TypeId Expressions::conditional(ExprId id, const ast::If& node_, Scope& scope, TypeId hint) {
  const TypeId boolean = context_.scalar(TypeKind::Bool);
  infer(node_.condition, scope, boolean);
  absorb(id, node_.condition);
  const bool fits = coerce(node_.condition, boolean, "the condition of `if`");
  const auto before = scope.present;
  narrow(node_.condition, true, scope.present);
  const TypeId yes = infer(node_.yes, scope, hint);
  scope.present = before;
  narrow(node_.condition, false, scope.present);
  const TypeId no = infer(node_.no, scope, hint);
  scope.present = before;
  absorb(id, node_.yes);
  absorb(id, node_.no);
  if (!fits || context_.is_error(yes) || context_.is_error(no)) return {};
  return both_branches(id, node_.yes, node_.no, hint);
}

}  // namespace piperun::sema
