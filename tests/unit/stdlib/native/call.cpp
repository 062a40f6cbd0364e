#include "tests/unit/stdlib/native/call.h"

#include <gtest/gtest.h>

#include "lang/value/compare.h"
#include "lang/value/json_node.h"
#include "lang/value/time.h"
#include "stdlib/modules.h"
#include "stdlib/native/table.h"

namespace piperun::native {

namespace {

using value::Cell;
using value::TypeId;
using value::TypeKind;

std::string_view trimmed(std::string_view s) {
  while (s.starts_with(' ')) s.remove_prefix(1);
  while (s.ends_with(' ')) s.remove_suffix(1);
  return s;
}

TypeId type_named(value::TypeTable& types, std::string_view text) {
  text = trimmed(text);
  if (text.ends_with('?')) return types.with_null(type_named(types, text.substr(0, text.size() - 1)));
  if (text.starts_with("list<")) return types.list(type_named(types, text.substr(5, text.size() - 6)));
  if (text.starts_with("map<string,")) return types.map(type_named(types, text.substr(11, text.size() - 12)));
  for (const auto kind : {TypeKind::Bool, TypeKind::Int, TypeKind::Float, TypeKind::String, TypeKind::Bytes, TypeKind::Timestamp,
                          TypeKind::Duration, TypeKind::Json}) {
    if (types.name(types.scalar(kind)) == text) return types.scalar(kind);
  }
  ADD_FAILURE() << "unknown type " << text;
  return {};
}

constexpr std::string_view kStart = "\nintrinsic fn ";

Cell argument(const value::TypeTable& types, TypeId type, std::string_view text, value::Arena& arena) {
  Cell cell{};
  switch (types[type].kind) {
    case TypeKind::String:
    case TypeKind::Bytes: return Cell::of(text);
    case TypeKind::Timestamp: return Cell::of(value::parse_timestamp(text).value());
    case TypeKind::Duration: return Cell::of(value::parse_duration(text).value());
    default: EXPECT_TRUE(value::json_to(*value::parse_json(text, arena).value(), types, type, arena, &cell)) << text;
  }
  return cell;
}

}  // namespace

std::optional<Signature> declared(value::TypeTable& types, std::string_view name) {
  const std::size_t point = name.find('.');
  const auto module = stdlib::module(name.substr(0, point));
  if (!module) return std::nullopt;
  const std::size_t at = module->find(std::string(kStart) + std::string(name.substr(point + 1)) + "(");
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view line = module->substr(at + 1, module->find('\n', at + 1) - at - 1);
  const std::size_t open = line.find('('), close = line.find(')'), arrow = line.find("-> ");
  Signature signature;
  std::string_view parameters = line.substr(open + 1, close - open - 1);
  while (!parameters.empty()) {
    std::size_t end = parameters.find(',');
    if (parameters.substr(0, end).contains('<')) end = parameters.find(',', parameters.find('>'));
    const std::string_view parameter = parameters.substr(0, end);
    signature.parameters.push_back(type_named(types, parameter.substr(parameter.find(':') + 1)));
    parameters.remove_prefix(end == std::string_view::npos ? parameters.size() : end + 1);
  }
  std::string_view result = line.substr(arrow + 3);
  signature.is_fallible = result.ends_with('!');
  if (signature.is_fallible) result.remove_suffix(1);
  signature.result = type_named(types, result);
  return signature;
}

std::vector<std::string> all_declared() {
  std::vector<std::string> names;
  for (const stdlib::Module& module : stdlib::modules()) {
    for (std::size_t at = module.text.find(kStart); at != std::string_view::npos; at = module.text.find(kStart, at + 1)) {
      const std::size_t start = at + kStart.size();
      names.push_back(std::string(module.name) + "." +
                      std::string(module.text.substr(start, module.text.find('(', start) - start)));
    }
  }
  return names;
}

std::string call(std::string_view name, std::initializer_list<std::string_view> arguments) {
  value::TypeTable types;
  value::Arena arena;
  const auto signature = declared(types, name);
  const value::Native* native = find(name);
  if (!signature || native == nullptr || signature->parameters.size() != arguments.size()) return "not declared so";
  std::vector<Cell> cells;
  for (const std::string_view text : arguments)
    cells.push_back(argument(types, signature->parameters[cells.size()], text, arena));
  Cell result[2]{};
  value::NativeCall call{.args = cells.data(),
                         .result = result,
                         .arena = arena,
                         .types = types,
                         .arg_types = signature->parameters.data(),
                         .result_type = signature->result};
  if (!native->body(call)) return std::string(value::name(call.fault));
  return std::string(std::string_view(value::to_text(types, signature->result, result, arena)));
}

}  // namespace piperun::native
