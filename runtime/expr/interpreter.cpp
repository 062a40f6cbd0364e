#include <fmt/format.h>

#include <algorithm>

#include "lang/value/decimal.h"
#include "lang/value/int.h"
#include "lang/value/time.h"
#include "runtime/expr/code.h"
#include "runtime/expr/fold.h"

namespace piperun::expr {
namespace {

using value::Cell;
using value::Fault;

std::uint64_t mixed(std::uint64_t seed, std::uint64_t with) {
  std::uint64_t h = (seed + with * 0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd;
  h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53;
  return h ^ (h >> 33);
}

// `words: detail`, if there is a detail.
std::string_view joined(Fault fault, std::string_view detail, value::Arena& arena) {
  if (detail.empty()) return value::words(fault);
  return arena.copy(fmt::format("{}: {}", value::words(fault), detail));
}

// Which element or key was not there, for a look into a list or into json.
std::string asked_for(const Code::Evaluation& e, Fault fault) {
  if (e.op == ir::Op::JsonGet && fault == Fault::KeyMissing) return fmt::format("`{}`", std::string_view(e.operands[1].cells->s));
  const bool is_index = e.op == ir::Op::ListIndex || e.op == ir::Op::JsonIndex;
  return is_index && fault == Fault::IndexOutOfRange ? std::to_string(e.operands[1].cells->i) : "";
}

}  // namespace

Outcome Code::failed(const Step& step, Fault fault) const {
  return {.kind = Outcome::Kind::Failed, .code = error_code(fault), .site = step.site, .detail = value::words(fault)};
}

bool Code::call(const Step& step, const Context& context, Outcome& outcome) {
  Call& c = calls[step.at];
  for (std::size_t i = 0; i < c.sources.size(); ++i) c.arguments[i] = cells[c.sources[i]];
  const std::vector<value::TypeId>& signature = *c.signature;
  value::NativeCall native{.args = c.arguments.data(),
                           .result = cells.data() + step.result,
                           .arena = context.arena,
                           .types = program->types,
                           .arg_types = signature.data(),
                           .result_type = signature.back(),
                           .now = context.now,
                           .seed = {mixed(context.seed[0], c.site_hash), mixed(context.seed[1], c.site_hash)},
                           .arg_count = static_cast<std::uint32_t>(signature.size() - 1)};
  if (c.body(native)) return true;
  outcome = failed(step, native.fault);
  outcome.detail = joined(native.fault, native.detail, context.arena);
  return false;
}

bool Code::fold(const Step& step, const Context& context, Outcome& outcome) {
  Fold& f = folds[step.at];
  const value::List list = cells[step.a].l;
  const std::string_view separator =
      f.spec->kind == ir::FoldKind::Join ? std::string_view(cells[f.separator].s) : std::string_view();
  Accumulator accumulator(*f.spec, program->types, context.arena, list.count, separator);
  for (std::size_t i = 0; i < f.captures.size(); ++i) f.input[f.element_cells + i] = cells[f.captures[i]];
  for (std::uint64_t n = 0; n < list.count; ++n) {
    std::copy_n(list.items + n * f.element_cells, f.element_cells, f.input.begin());
    Cell value[2];
    const Context inner{context.arena, context.now, {mixed(context.seed[0], n + 1), mixed(context.seed[1], n + 1)}};
    const Outcome of_element = f.element->run(f.input.data(), inner, value);
    if (of_element.kind == Outcome::Kind::Filtered) continue;
    if (of_element.kind == Outcome::Kind::Failed) return outcome = of_element, false;
    if (const auto fault = accumulator.add(value)) return outcome = failed(step, *fault), false;
  }
  if (const auto fault = accumulator.finish(cells.data() + step.result)) return outcome = failed(step, *fault), false;
  return true;
}

// What can fail goes on at `on_fail`, where `catch` is, or ends the function.
#define PIPERUN_FALLIBLE(member, expression)                    \
  {                                                             \
    const auto result = (expression);                           \
    if (result) [[likely]] {                                    \
      r[s->result].member = *result;                            \
      ++s;                                                      \
      continue;                                                 \
    }                                                           \
    if (s->on_fail == kDies) return failed(*s, result.error()); \
    s = first + s->on_fail;                                     \
    continue;                                                   \
  }
#define PIPERUN_PURE(expression)       \
  r[s->result] = Cell::of(expression); \
  ++s;                                 \
  continue;

Outcome Code::run(const Cell* input, const Context& context, Cell* output) {
  Cell* const r = cells.data();
  std::copy_n(input, input_cells, r);
  const Step* const first = steps.data();
  for (const Step* s = first;;) {
    switch (s->what) {
      case Do::CopyOne:
        r[s->result] = r[s->a];
        ++s;
        continue;
      case Do::CopyTwo: {
        const Cell payload = r[s->a + 1];
        r[s->result] = r[s->a];
        r[s->result + 1] = payload;
        ++s;
        continue;
      }
      case Do::Wrap:
        r[s->result + 1] = r[s->a];
        r[s->result] = Cell::of(false);
        ++s;
        continue;
      case Do::SetNull:
        r[s->result] = Cell::of(true);
        r[s->result + 1] = Cell{};
        ++s;
        continue;
      case Do::Not: PIPERUN_PURE(!r[s->a].b)
      case Do::And: PIPERUN_PURE(r[s->a].b && r[s->b].b)
      case Do::Or: PIPERUN_PURE(r[s->a].b || r[s->b].b)
      case Do::AddInt: PIPERUN_FALLIBLE(i, value::add(r[s->a].i, r[s->b].i))
      case Do::SubInt: PIPERUN_FALLIBLE(i, value::subtract(r[s->a].i, r[s->b].i))
      case Do::MulInt: PIPERUN_FALLIBLE(i, value::multiply(r[s->a].i, r[s->b].i))
      case Do::DivInt: PIPERUN_FALLIBLE(i, value::divide(r[s->a].i, r[s->b].i))
      case Do::RemInt: PIPERUN_FALLIBLE(i, value::remainder(r[s->a].i, r[s->b].i))
      case Do::AddTime: PIPERUN_FALLIBLE(i, value::time_after(r[s->a].i, r[s->b].i))
      case Do::SubTime: PIPERUN_FALLIBLE(i, value::time_before(r[s->a].i, r[s->b].i))
      case Do::AddFloat: PIPERUN_FALLIBLE(f, value::add(r[s->a].f, r[s->b].f))
      case Do::SubFloat: PIPERUN_FALLIBLE(f, value::subtract(r[s->a].f, r[s->b].f))
      case Do::MulFloat: PIPERUN_FALLIBLE(f, value::multiply(r[s->a].f, r[s->b].f))
      case Do::DivFloat: PIPERUN_FALLIBLE(f, value::divide(r[s->a].f, r[s->b].f))
      case Do::AddDec: PIPERUN_FALLIBLE(d, value::add(r[s->a].d, r[s->b].d, s->precision))
      case Do::SubDec: PIPERUN_FALLIBLE(d, value::subtract(r[s->a].d, r[s->b].d, s->precision))
      case Do::MulDec: PIPERUN_FALLIBLE(d, value::multiply(r[s->a].d, r[s->b].d, s->precision))
      case Do::RescaleDec:
        PIPERUN_FALLIBLE(d,
                         value::rescale(r[s->a].d, s->scale_a, {s->precision, s->scale}, static_cast<value::Rounding>(s->index)))
      case Do::EqInt: PIPERUN_PURE(r[s->a].i == r[s->b].i)
      case Do::LtInt: PIPERUN_PURE(r[s->a].i < r[s->b].i)
      case Do::LeInt: PIPERUN_PURE(r[s->a].i <= r[s->b].i)
      case Do::EqFloat: PIPERUN_PURE(r[s->a].f == r[s->b].f)
      case Do::LtFloat: PIPERUN_PURE(r[s->a].f < r[s->b].f)
      case Do::LeFloat: PIPERUN_PURE(r[s->a].f <= r[s->b].f)
      case Do::EqDec: PIPERUN_PURE(value::compare(r[s->a].d, s->scale_a, r[s->b].d, s->scale_b) == 0)
      case Do::LtDec: PIPERUN_PURE(value::compare(r[s->a].d, s->scale_a, r[s->b].d, s->scale_b) < 0)
      case Do::LeDec: PIPERUN_PURE(value::compare(r[s->a].d, s->scale_a, r[s->b].d, s->scale_b) <= 0)
      case Do::EqText: PIPERUN_PURE(std::string_view(r[s->a].s) == std::string_view(r[s->b].s))
      case Do::LtText: PIPERUN_PURE(std::string_view(r[s->a].s) < std::string_view(r[s->b].s))
      case Do::LeText: PIPERUN_PURE(std::string_view(r[s->a].s) <= std::string_view(r[s->b].s))
      case Do::FieldOne:
        r[s->result] = r[s->a].r[s->b];
        ++s;
        continue;
      case Do::FieldTwo: {
        const Cell* const field = r[s->a].r + s->b;
        r[s->result] = field[0];
        r[s->result + 1] = field[1];
        ++s;
        continue;
      }
      case Do::Evaluate: {
        const Evaluation& e = evaluations[s->at];
        const auto fault = ir::evaluate(e.op, e.index, program->types, e.operands, e.result_type, context.arena, r + s->result);
        if (!fault) [[likely]] {
          ++s;
          continue;
        }
        if (s->on_fail == kDies) {
          Outcome outcome = failed(*s, *fault);
          outcome.detail = joined(*fault, asked_for(e, *fault), context.arena);
          return outcome;
        }
        s = first + s->on_fail;
        continue;
      }
      case Do::Call:
      case Do::Fold: {
        Outcome outcome;
        if (s->what == Do::Call ? call(*s, context, outcome) : fold(*s, context, outcome)) [[likely]] {
          ++s;
          continue;
        }
        if (s->on_fail == kDies) return outcome;
        s = first + s->on_fail;
        continue;
      }
      case Do::Jump: s = first + s->result; continue;
      case Do::Branch: s = first + (r[s->a].b ? s->b : s->result); continue;
      case Do::Emit: {
        const Emit& emit = emits[s->at];
        for (const std::uint32_t source : emit.sources) *output++ = r[source];
        return {.kind = Outcome::Kind::Emit, .port = emit.port};
      }
      case Do::Filtered: return {.kind = Outcome::Kind::Filtered};
      case Do::Fail: {
        const std::string_view words = s->a == ir::kNone ? std::string_view("failed") : std::string_view(r[s->a].s);
        return {.kind = Outcome::Kind::Failed, .code = base::ErrorCode::FailCalled, .site = s->site, .detail = words};
      }
    }
  }
}

#undef PIPERUN_FALLIBLE
#undef PIPERUN_PURE

}  // namespace piperun::expr
