#include "lang/plan/lower_context.h"

#include <algorithm>

#include "lang/ast/match.h"
#include "lang/value/json_node.h"

namespace piperun::plan {
namespace {

using value::Cell;
using value::TypeId;
using value::TypeKind;

class ConstantWriter {
 public:
  explicit ConstantWriter(ir::Program& program) : types_(program.types), memory_(*program.memory) {}

  // Returns the cell behind the value.
  Cell* write(const sema::Constant& constant, TypeId type, Cell* out) {
    if (types_[type].nullable) {
      *out++ = Cell::of(constant.is_null());
      type = types_.with_null(type, false);
      if (constant.is_null()) return *out = Cell{}, out + 1;
    }
    *out = ast::match(
        constant.value, [](std::monostate) { return Cell{}; }, [](bool v) { return Cell::of(v); },
        [](std::int64_t v) { return Cell::of(v); }, [](double v) { return Cell::of(v); },
        [](value::Int128 v) { return Cell::of(v); },
        [&](const std::string& v) { return Cell::of(std::string_view(memory_.copy(v))); },
        [&](const sema::Constant::Elements& v) { return elements(v, type); },
        [&](const sema::Constant::Entries& v) { return entries(v, type); });
    return out + 1;
  }

  Cell* zero(TypeId type, Cell* out) {
    const value::Type of = types_[type];
    if (of.nullable) return out[0] = Cell::of(true), out[1] = Cell{}, out + 2;
    *out = Cell{};
    if (of.kind == TypeKind::Json) *out = Cell::of(new (memory_.allocate(sizeof(value::JsonNode))) value::JsonNode{});
    if (of.kind == TypeKind::String || of.kind == TypeKind::Bytes) *out = Cell::of(std::string_view(""));
    if (of.kind == TypeKind::Record) {
      Cell* cells = memory_.cells(2 * of.fields.size());
      *out = Cell::of(static_cast<const Cell*>(cells));
      for (const value::Field& field : of.fields) cells = zero(field.type, cells);
    }
    return out + 1;
  }

 private:
  Cell elements(const sema::Constant::Elements& values, TypeId type) {
    Cell* cells = memory_.cells(2 * values.size());
    Cell* next = cells;
    const value::Type of = types_[type];
    for (std::size_t i = 0; i < values.size(); ++i) {
      next = write(values[i], of.kind == TypeKind::Record ? of.fields[i].type : of.element, next);
    }
    if (of.kind == TypeKind::Record) return Cell::of(static_cast<const Cell*>(cells));
    return Cell::of(value::List{cells, values.size()});
  }

  Cell entries(const sema::Constant::Entries& values, TypeId type) {
    Cell* cells = memory_.cells(3 * values.size());
    Cell* next = cells;
    const TypeId element = types_[type].element;
    for (const auto& [key, value] : values) {
      *next++ = Cell::of(std::string_view(memory_.copy(key)));
      next = write(value, element, next);
    }
    return Cell::of(value::List{cells, values.size()});
  }

  value::TypeTable& types_;
  value::Arena& memory_;
};

}  // namespace

ir::Site LowerContext::site(source::Span span) const {
  const source::Place place = sources.place(span);
  return {static_cast<std::uint32_t>(span.file), place.line, place.column};
}

ir::Constant LowerContext::constant(const sema::Constant& constant) {
  ir::Constant result{.type = constant.type, .secret = {}};
  ConstantWriter(program).write(constant, constant.type, result.cells);
  return result;
}

ir::Constant LowerContext::constant(std::string_view text) {
  ir::Constant result{.type = types().scalar(TypeKind::String), .secret = {}};
  result.cells[0] = Cell::of(std::string_view(program.memory->copy(text)));
  return result;
}

ir::Constant LowerContext::constant(bool value) {
  ir::Constant result{.type = types().scalar(TypeKind::Bool), .secret = {}};
  result.cells[0] = Cell::of(value);
  return result;
}

ir::Constant LowerContext::zero(TypeId type) {
  ir::Constant result{.type = type, .secret = {}};
  ConstantWriter(program).zero(type, result.cells);
  return result;
}

std::uint32_t LowerContext::native(std::string_view name, const std::vector<TypeId>& arguments, TypeId result) {
  std::vector<TypeId> signature = arguments;
  signature.push_back(result);
  for (std::size_t i = 0; i < program.natives.size(); ++i) {
    if (program.natives[i] == name && program.native_arguments[i] == signature) return static_cast<std::uint32_t>(i);
  }
  program.natives.emplace_back(name);
  program.native_arguments.push_back(std::move(signature));
  return static_cast<std::uint32_t>(program.natives.size() - 1);
}

}  // namespace piperun::plan
