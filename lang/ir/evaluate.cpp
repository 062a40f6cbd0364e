#include "lang/ir/evaluate.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>

#include "lang/value/compare.h"
#include "lang/value/decimal.h"
#include "lang/value/int.h"
#include "lang/value/json_node.h"
#include "lang/value/text.h"
#include "lang/value/time.h"

namespace piperun::ir {
namespace {

using value::Cell;
using value::Fault;
using value::TypeId;
using Outcome = std::optional<Fault>;

constexpr std::nullopt_t kDone = std::nullopt;

struct Evaluation {
  std::uint32_t index;
  const value::TypeTable& types;
  std::span<const Operand> operands;
  TypeId result_type;
  value::Arena& arena;
  Cell* result;

  const Cell& at(std::size_t i) const { return *operands[i].cells; }
  std::int64_t i(std::size_t n) const { return at(n).i; }
  double f(std::size_t n) const { return at(n).f; }
  value::Int128 d(std::size_t n) const { return at(n).d; }
  std::string_view s(std::size_t n) const { return at(n).s; }
  int scale(std::size_t n) const { return types[operands[n].type].scale; }
  value::DecimalType decimal() const { return {types[result_type].precision, types[result_type].scale}; }
  bool makes_time() const { return types[result_type].kind == value::TypeKind::Timestamp; }
  int width(TypeId type) const { return value::cells(types[type]); }

  template <typename T>
  Outcome put(T v) const {
    *result = Cell::of(v);
    return kDone;
  }
  template <typename T>
  Outcome put(const value::Fallible<T>& v) const {
    if (!v) return v.error();
    return put(*v);
  }
  Outcome put(value::Text text) const { return put(std::string_view(text)); }
  Outcome put_cells(const Cell* from, int count) const {
    std::copy_n(from, count, result);
    return kDone;
  }

  Outcome set_null() const {
    result[0] = Cell::of(true);
    result[1] = Cell{};
    return kDone;
  }

  Outcome copy() const {
    if (width(result_type) == width(operands[0].type)) return put_cells(operands[0].cells, width(result_type));
    result[0] = Cell::of(false);
    result[1] = at(0);
    return kDone;
  }

  // All operands' cells, one behind the other.
  Cell* gather() const {
    int total = 0;
    for (const Operand& operand : operands) total += width(operand.type);
    Cell* cells = arena.cells(static_cast<std::size_t>(total));
    Cell* next = cells;
    for (const Operand& operand : operands) next = std::copy_n(operand.cells, width(operand.type), next);
    return cells;
  }

  Outcome list_index() const {
    const value::List list = at(0).l;
    const std::int64_t n = i(1);
    if (n < 0 || static_cast<std::uint64_t>(n) >= list.count) return Fault::IndexOutOfRange;
    const int step = width(types[operands[0].type].element);
    return put_cells(list.items + n * step, step);
  }

  bool list_contains() const {
    const value::List list = at(0).l;
    const TypeId element = types[operands[0].type].element;
    for (std::uint64_t n = 0; n < list.count; ++n) {
      if (value::equal(types, element, list.items + n * static_cast<std::uint64_t>(width(element)), operands[1].cells))
        return true;
    }
    return false;
  }

  Outcome map_get() const {
    const value::List map = at(0).l;
    const int step = 1 + width(types[operands[0].type].element);
    for (std::uint64_t n = 0; n < map.count; ++n) {
      const Cell* entry = map.items + n * static_cast<std::uint64_t>(step);
      if (std::string_view(entry->s) != s(1)) continue;
      if (step == 3) return put_cells(entry + 1, 2);
      result[0] = Cell::of(false);
      result[1] = entry[1];
      return kDone;
    }
    return set_null();
  }

  Outcome json_to() const {
    const auto done = value::json_to(*at(0).j, types, result_type, arena, result);
    return done ? Outcome(kDone) : Outcome(done.error());
  }
};

}  // namespace

bool is_evaluable(Op op) { return op != Op::Const && op != Op::Call && op != Op::Fold; }

std::optional<Fault> evaluate(Op op, std::uint32_t index, const value::TypeTable& types, std::span<const Operand> operands,
                              TypeId result_type, value::Arena& arena, Cell* result) {
  const Evaluation e{index, types, operands, result_type, arena, result};
  switch (op) {
    case Op::Copy: return e.copy();
    case Op::SetNull: return e.set_null();
    case Op::IsNull: return e.put(e.at(0).b);

    case Op::Not: return e.put(!e.at(0).b);
    case Op::And: return e.put(e.at(0).b && e.at(1).b);
    case Op::Or: return e.put(e.at(0).b || e.at(1).b);

    case Op::AddInt: return e.put(e.makes_time() ? value::time_after(e.i(0), e.i(1)) : value::add(e.i(0), e.i(1)));
    case Op::SubInt: return e.put(e.makes_time() ? value::time_before(e.i(0), e.i(1)) : value::subtract(e.i(0), e.i(1)));
    case Op::MulInt: return e.put(value::multiply(e.i(0), e.i(1)));
    case Op::DivInt: return e.put(value::divide(e.i(0), e.i(1)));
    case Op::RemInt: return e.put(value::remainder(e.i(0), e.i(1)));
    case Op::NegInt: return e.put(value::negate(e.i(0)));

    case Op::AddFloat: return e.put(value::add(e.f(0), e.f(1)));
    case Op::SubFloat: return e.put(value::subtract(e.f(0), e.f(1)));
    case Op::MulFloat: return e.put(value::multiply(e.f(0), e.f(1)));
    case Op::DivFloat: return e.put(value::divide(e.f(0), e.f(1)));
    case Op::RemFloat: return e.put(value::remainder(e.f(0), e.f(1)));
    case Op::NegFloat: return e.put(-e.f(0));

    case Op::AddDec: return e.put(value::add(e.d(0), e.d(1), e.decimal().precision));
    case Op::SubDec: return e.put(value::subtract(e.d(0), e.d(1), e.decimal().precision));
    case Op::MulDec: return e.put(value::multiply(e.d(0), e.d(1), e.decimal().precision));
    case Op::DivDec: return e.put(value::divide(e.d(0), e.scale(0), e.d(1), e.scale(1), e.decimal()));
    case Op::RemDec: return e.put(value::remainder(e.d(0), e.scale(0), e.d(1), e.scale(1), e.decimal()));
    case Op::NegDec: return e.put(-e.d(0));
    case Op::RescaleDec: return e.put(value::rescale(e.d(0), e.scale(0), e.decimal(), static_cast<value::Rounding>(index)));

    case Op::IntToDec: return e.put(value::decimal_from_int(e.i(0), e.decimal()));
    case Op::IntToFloat: return e.put(static_cast<double>(e.i(0)));
    case Op::DecToFloat: return e.put(value::decimal_to_float(e.d(0), e.scale(0)));
    case Op::DecToInt: return e.put(value::decimal_to_int(e.d(0), e.scale(0)));

    case Op::EqInt: return e.put(e.i(0) == e.i(1));
    case Op::LtInt: return e.put(e.i(0) < e.i(1));
    case Op::LeInt: return e.put(e.i(0) <= e.i(1));
    case Op::EqFloat: return e.put(e.f(0) == e.f(1));
    case Op::LtFloat: return e.put(e.f(0) < e.f(1));
    case Op::LeFloat: return e.put(e.f(0) <= e.f(1));
    case Op::EqDec: return e.put(value::compare(e.d(0), e.scale(0), e.d(1), e.scale(1)) == 0);
    case Op::LtDec: return e.put(value::compare(e.d(0), e.scale(0), e.d(1), e.scale(1)) < 0);
    case Op::LeDec: return e.put(value::compare(e.d(0), e.scale(0), e.d(1), e.scale(1)) <= 0);
    case Op::EqText: return e.put(e.s(0) == e.s(1));
    case Op::LtText: return e.put(e.s(0) < e.s(1));
    case Op::LeText: return e.put(e.s(0) <= e.s(1));
    case Op::EqAny: return e.put(value::equal(types, operands[0].type, operands[0].cells, operands[1].cells));

    case Op::Concat: return e.put(value::concat(e.gather(), operands.size(), arena));
    case Op::ToText: return e.put(value::to_text(types, operands[0].type, operands[0].cells, arena));

    case Op::MakeRecord: return e.put(static_cast<const Cell*>(e.gather()));
    case Op::GetField: return e.put_cells(e.at(0).r + index, e.width(result_type));
    case Op::MakeList: return e.put(value::List{e.gather(), operands.size()});
    case Op::ListLength: return e.put(static_cast<std::int64_t>(e.at(0).l.count));
    case Op::ListIndex: return e.list_index();
    case Op::ListContains: return e.put(e.list_contains());
    case Op::MapGet: return e.map_get();
    case Op::JsonGet: return e.put(value::json_get(*e.at(0).j, e.s(1)));
    case Op::JsonIndex: return e.put(value::json_index(*e.at(0).j, e.i(1)));
    case Op::JsonTo: return e.json_to();

    case Op::Const:
    case Op::Call:
    case Op::Fold: break;
  }
  return Fault::BadArgument;
}

}  // namespace piperun::ir
