#include "runtime/expr/fold.h"

#include <algorithm>

#include "lang/value/compare.h"
#include "lang/value/decimal.h"
#include "lang/value/int.h"
#include "lang/value/text.h"

namespace piperun::expr {

using ir::FoldKind;
using value::Cell;
using value::Fault;
using value::TypeKind;

Accumulator::Accumulator(const ir::FoldSpec& spec, const value::TypeTable& types, value::Arena& arena, std::size_t room,
                         std::string_view separator)
    : spec_(spec),
      types_(types),
      arena_(arena),
      separator_(separator),
      width_(static_cast<std::size_t>(value::cells(types[spec.value_type]))) {
  if (spec.kind == FoldKind::List || spec.kind == FoldKind::Join) items_ = arena.cells(room * width_);
  truth_ = spec.kind == FoldKind::All;
}

std::optional<Fault> Accumulator::add(const Cell* value) {
  ++count_;
  switch (spec_.kind) {
    case FoldKind::Count: return std::nullopt;
    case FoldKind::Sum:
    case FoldKind::Avg: return add_up(*value);
    case FoldKind::Min:
      if (count_ == 1 || value::order(types_, spec_.value_type, value, kept_) < 0) keep(value);
      return std::nullopt;
    case FoldKind::Max:
      if (count_ == 1 || value::order(types_, spec_.value_type, value, kept_) > 0) keep(value);
      return std::nullopt;
    case FoldKind::Any: truth_ = truth_ || value->b; return std::nullopt;
    case FoldKind::All: truth_ = truth_ && value->b; return std::nullopt;
    case FoldKind::First:
      if (count_ == 1) keep(value);
      return std::nullopt;
    case FoldKind::Last: keep(value); return std::nullopt;
    case FoldKind::List:
    case FoldKind::Join: std::copy_n(value, width_, items_ + (count_ - 1) * width_); return std::nullopt;
  }
  return std::nullopt;
}

// The mean of integers is that of their exact sum.
std::optional<Fault> Accumulator::add_up(Cell value) {
  const TypeKind kind = types_[spec_.value_type].kind;
  if (kind == TypeKind::Float) {
    const auto sum = value::add(sum_.f, value.f);
    if (!sum) return sum.error();
    sum_.f = *sum;
  } else if (kind == TypeKind::Decimal) {
    const auto sum = value::add(sum_.d, value.d, value::kMaxPrecision);
    if (!sum) return sum.error();
    sum_.d = *sum;
  } else if (spec_.kind == FoldKind::Avg) {
    sum_.d += value.i;
  } else {
    const auto sum = value::add(sum_.i, value.i);
    if (!sum) return sum.error();
    sum_.i = *sum;
  }
  return std::nullopt;
}

void Accumulator::keep(const Cell* value) { std::copy_n(value, width_, kept_); }

void Accumulator::put_kept(Cell* result) const {
  if (count_ == 0) {
    result[0] = Cell::of(true);
    result[1] = Cell{};
  } else if (width_ == 2) {
    std::copy_n(kept_, 2, result);
  } else {
    result[0] = Cell::of(false);
    result[1] = kept_[0];
  }
}

std::optional<Fault> Accumulator::put_mean(Cell* result) const {
  result[0] = Cell::of(count_ == 0);
  result[1] = Cell{};
  if (count_ == 0) return std::nullopt;
  const value::Type& type = types_[spec_.value_type];
  const value::Type& mean_type = types_[spec_.result_type];
  if (type.kind == TypeKind::Decimal) {
    const auto mean =
        value::divide(sum_.d, type.scale, static_cast<value::Int128>(count_), 0, {mean_type.precision, mean_type.scale});
    if (!mean) return mean.error();
    result[1] = Cell::of(*mean);
  } else {
    const double sum = type.kind == TypeKind::Float ? sum_.f : static_cast<double>(sum_.d);
    result[1] = Cell::of(sum / static_cast<double>(count_));
  }
  return std::nullopt;
}

std::optional<Fault> Accumulator::finish(Cell* result) {
  switch (spec_.kind) {
    case FoldKind::Count: *result = Cell::of(static_cast<std::int64_t>(count_)); return std::nullopt;
    case FoldKind::Sum: *result = sum_; return std::nullopt;
    case FoldKind::Avg: return put_mean(result);
    case FoldKind::Min:
    case FoldKind::Max:
    case FoldKind::First:
    case FoldKind::Last: put_kept(result); return std::nullopt;
    case FoldKind::Any:
    case FoldKind::All: *result = Cell::of(truth_); return std::nullopt;
    case FoldKind::List: *result = Cell::of(value::List{items_, count_}); return std::nullopt;
    case FoldKind::Join: {
      const auto text = value::join({items_, count_}, separator_, arena_);
      if (!text) return text.error();
      *result = Cell::of(std::string_view(*text));
      return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace piperun::expr
