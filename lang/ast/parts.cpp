#include "lang/ast/parts.h"

#include "lang/ast/match.h"

namespace piperun::ast {
namespace {

using Parts = std::vector<ExprId>;

Parts parts_of(const Interpolation& text) {
  Parts parts;
  for (const auto& part : text.parts) {
    if (const auto* expression = std::get_if<ExprId>(&part)) parts.push_back(*expression);
  }
  return parts;
}

Parts parts_of(const RecordLiteral& record) {
  Parts parts;
  for (const Entry& each : record.entries) parts.push_back(each.value);
  return parts;
}

Parts parts_of(const Call& call) {
  Parts parts;
  for (const Argument& each : call.arguments) {
    parts.push_back(each.value);
    if (!each.fold) continue;
    parts.push_back(each.fold->list);
    if (each.fold->condition) parts.push_back(each.fold->condition);
  }
  return parts;
}

}  // namespace

std::vector<ExprId> parts_of(const Expr& expression) {
  return match(
      expression.node,  //
      [](const Interpolation& n) { return parts_of(n); }, [](const RecordLiteral& n) { return parts_of(n); },
      [](const Call& n) { return parts_of(n); }, [](const ListLiteral& n) { return n.elements; },
      [](const Member& n) { return Parts{n.object}; }, [](const Index& n) { return Parts{n.object, n.index}; },
      [](const Bang& n) { return Parts{n.operand}; }, [](const Unary& n) { return Parts{n.operand}; },
      [](const Binary& n) { return Parts{n.left, n.right}; }, [](const NullTest& n) { return Parts{n.operand}; },
      [](const Coalesce& n) { return Parts{n.operand, n.otherwise}; },
      [](const Catch& n) { return Parts{n.operand, n.otherwise}; }, [](const If& n) { return Parts{n.condition, n.yes, n.no}; },
      [](const Range& n) { return Parts{n.low, n.high}; }, [](const auto&) { return Parts(); });
}

}  // namespace piperun::ast
