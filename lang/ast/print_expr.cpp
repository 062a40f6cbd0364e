#include <fmt/format.h>

#include <algorithm>

#include "lang/ast/match.h"
#include "lang/ast/print.h"
#include "lang/value/duration_text.h"

namespace piperun::ast {

std::string_view spelling(BinaryOp op) {
  switch (op) {
    case BinaryOp::Or: return "or";
    case BinaryOp::And: return "and";
    case BinaryOp::Equal: return "==";
    case BinaryOp::NotEqual: return "!=";
    case BinaryOp::Less: return "<";
    case BinaryOp::LessEqual: return "<=";
    case BinaryOp::Greater: return ">";
    case BinaryOp::GreaterEqual: return ">=";
    case BinaryOp::In: return "in";
    case BinaryOp::NotIn: return "not in";
    case BinaryOp::Add: return "+";
    case BinaryOp::Subtract: return "-";
    case BinaryOp::Multiply: return "*";
    case BinaryOp::Divide: return "/";
    case BinaryOp::Remainder: return "%";
  }
  return "";
}

std::string_view spelling(UnaryOp op) { return op == UnaryOp::Minus ? "-" : "not"; }

std::string spelling(const Name& name) {
  const auto is_letter = [](char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto is_plain = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); };
  const bool plain = !name.text.empty() && is_letter(name.text[0]) && std::ranges::all_of(name.text, is_plain);
  return plain ? name.text : '"' + name.text + '"';
}

std::string spelling(const Path& path) {
  std::string out;
  for (const Name& part : path.parts) out += (out.empty() ? "" : ".") + spelling(part);
  return out;
}

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') out += "\\n";
    else if (c == '\t') out += "\\t";
    else if (c == '\r') out += "\\r";
    else out += c;
  }
  return out;
}

std::string quoted(std::string_view text) { return '"' + escaped(text) + '"'; }

class ExprPrinter {
 public:
  explicit ExprPrinter(const Pool& pool) : pool_(pool) {}

  std::string operator()(ExprId id) const {
    return match(
        pool_[id].node, [](const ErrorExpr&) -> std::string { return "<error>"; },
        [](const NullLiteral&) -> std::string { return "null"; },
        [](const BoolLiteral& e) -> std::string { return e.value ? "true" : "false"; },
        [](const IntLiteral& e) { return fmt::format("{}", e.value); }, [](const DecimalLiteral& e) { return e.text; },
        [](const FloatLiteral& e) { return e.text; }, [](const DurationLiteral& e) { return value::duration_text(e.micros); },
        [](const TimestampLiteral& e) { return fmt::format("timestamp:{}us", e.micros); },
        [](const StringLiteral& e) { return (e.raw ? "r" : "") + quoted(e.text); },
        [&](const Interpolation& e) { return interpolation(e); }, [](const ParamRef& e) { return "$" + e.name.text; },
        [](const NameRef& e) { return spelling(e.name); }, [&](const ListLiteral& e) { return "[" + joined(e.elements) + "]"; },
        [&](const RecordLiteral& e) { return record(e); },
        [&](const Member& e) { return fmt::format("{}{}{}", (*this)(e.object), e.safe ? "?." : ".", spelling(e.name)); },
        [&](const Index& e) { return fmt::format("{}[{}]", (*this)(e.object), (*this)(e.index)); },
        [&](const Call& e) { return call(e); }, [&](const Bang& e) { return (*this)(e.operand) + "!"; },
        [&](const Unary& e) { return fmt::format("({} {})", spelling(e.op), (*this)(e.operand)); },
        [&](const Binary& e) { return infix(e.left, spelling(e.op), e.right); },
        [&](const NullTest& e) { return fmt::format("({} is {}null)", (*this)(e.operand), e.negated ? "not " : ""); },
        [&](const Coalesce& e) { return infix(e.operand, "??", e.otherwise); },
        [&](const Catch& e) { return infix(e.operand, "catch", e.otherwise); },
        [&](const If& e) { return fmt::format("(if {} then {} else {})", (*this)(e.condition), (*this)(e.yes), (*this)(e.no)); },
        [&](const Range& e) { return (*this)(e.low) + ".." + (*this)(e.high); });
  }

 private:
  std::string infix(ExprId left, std::string_view sign, ExprId right) const {
    return fmt::format("({} {} {})", (*this)(left), sign, (*this)(right));
  }
  std::string joined(const std::vector<ExprId>& ids) const {
    std::string out;
    for (const ExprId id : ids) out += (out.empty() ? "" : ", ") + (*this)(id);
    return out;
  }
  std::string interpolation(const Interpolation& e) const {
    std::string out = "\"";
    for (const auto& part : e.parts) {
      out +=
          match(part, [](const std::string& text) { return escaped(text); }, [&](ExprId id) { return "{" + (*this)(id) + "}"; });
    }
    return out + '"';
  }
  std::string record(const RecordLiteral& e) const {
    std::string out;
    for (const Entry& entry : e.entries)
      out += fmt::format("{}{} = {}", out.empty() ? " " : ", ", spelling(entry.name), (*this)(entry.value));
    return "{" + out + " }";
  }
  std::string call(const Call& e) const {
    std::string out;
    for (const Argument& argument : e.arguments) out += (out.empty() ? "" : ", ") + this->argument(argument);
    return fmt::format("{}({})", (*this)(e.callee), out);
  }
  std::string argument(const Argument& argument) const {
    if (!argument.fold) return (*this)(argument.value);
    const Fold& fold = *argument.fold;
    return fmt::format("{} for {} in {}{}", (*this)(argument.value), fold.variable.text, (*this)(fold.list),
                       fold.condition ? " if " + (*this)(fold.condition) : "");
  }

  const Pool& pool_;
};

}  // namespace

std::string print(ExprId expr, const Pool& pool) { return ExprPrinter(pool)(expr); }

std::string print(TypeExprId id, const Pool& pool) {
  const TypeExpr& type = pool[id];
  std::string out, parameters, arguments;
  for (const Name& part : type.name.parts) out += (out.empty() ? "" : ".") + part.text;
  for (const Name& parameter : type.parameters) parameters += (parameters.empty() ? "" : ", ") + parameter.text;
  for (const TypeExprId argument : type.arguments) arguments += (arguments.empty() ? "" : ", ") + print(argument, pool);
  if (!parameters.empty()) out += "(" + parameters + ")";
  if (!arguments.empty()) out += "<" + arguments + ">";
  return out + (type.nullable ? "?" : "");
}

}  // namespace piperun::ast
