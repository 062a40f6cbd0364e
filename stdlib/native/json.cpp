// std.json: trees and paths into them.
#include "lang/value/json_node.h"

#include "lang/value/int.h"
#include "lang/value/text.h"
#include "stdlib/native/give.h"
#include "stdlib/native/table.h"

namespace piperun::native {

namespace {

using value::JsonKind;
using value::JsonNode;

using Found = Fallible<const JsonNode*>;

Found fault(Fault reason) { return std::unexpected(reason); }

// `name` up to the next `.` or `[`.
Found step_by_name(const JsonNode& node, std::string_view& path) {
  const std::size_t end = path.find_first_of(".[");
  const std::string_view name = path.substr(0, end);
  if (name.empty()) return fault(Fault::BadArgument);
  path.remove_prefix(name.size());
  return value::json_get(node, name);
}

// `[7]`, `[-1]`, `["name"]`.
Found step_by_bracket(const JsonNode& node, std::string_view& path) {
  const bool is_name = path.starts_with("[\"");
  const std::size_t end = is_name ? path.find("\"]", 2) : path.find(']');
  if (end == std::string_view::npos) return fault(Fault::BadArgument);
  const std::string_view inside = is_name ? path.substr(2, end - 2) : path.substr(1, end - 1);
  path.remove_prefix(end + (is_name ? 2 : 1));
  if (is_name) return value::json_get(node, inside);
  const auto index = value::parse_int(inside);
  if (!index) return fault(Fault::BadArgument);
  return value::json_index(node, *index < 0 ? *index + static_cast<std::int64_t>(node.count) : *index);
}

Found find_path(const JsonNode& root, std::string_view path) {
  Found node = &root;
  bool is_first = true;
  while (node && !path.empty()) {
    if (path.front() == '[') {
      node = step_by_bracket(**node, path);
    } else {
      if (!is_first) {
        if (path.front() != '.') return fault(Fault::BadArgument);
        path.remove_prefix(1);
      }
      node = step_by_name(**node, path);
    }
    is_first = false;
  }
  return node;
}

Found at_path(const NativeCall& call) { return find_path(*call.args[0].j, text(call, 1)); }

// The value at the path, of the result's type; null stands for what is not there.
bool convert(NativeCall& call) {
  const Found node = at_path(call);
  if (!node) return fail(call, node.error());
  const auto done = value::json_to(**node, call.types, call.result_type, call.arena, call.result);
  return done ? true : fail(call, done.error());
}

bool convert_or_null(NativeCall& call) {
  const Found node = at_path(call);
  if (!node && node.error() == Fault::BadArgument) return fail(call, node.error(), "not a path");
  if (!node || !value::json_to(**node, call.types, call.result_type, call.arena, call.result)) return give_null(call);
  return true;
}

bool has(NativeCall& call) {
  const Found node = at_path(call);
  if (!node && node.error() == Fault::BadArgument) return fail(call, node.error(), "not a path");
  return give(call, node.has_value());
}

std::string_view kind_name(JsonKind kind) {
  switch (kind) {
    case JsonKind::Null: return "null";
    case JsonKind::False:
    case JsonKind::True: return "bool";
    case JsonKind::Number: return "number";
    case JsonKind::String: return "string";
    case JsonKind::Array: return "array";
    case JsonKind::Object: return "object";
  }
  return "";
}

bool write(NativeCall& call) {
  std::string out;
  value::write_json(*call.args[0].j, out);
  return give_copy(call, out);
}

bool items(NativeCall& call) {
  const JsonNode& node = *call.args[0].j;
  if (node.kind != JsonKind::Array) return fail(call, Fault::JsonType);
  Cell* cells = call.arena.cells(node.count);
  for (std::uint64_t i = 0; i < node.count; ++i) cells[i] = Cell::of(&node.children[i]);
  return give(call, List{cells, node.count});
}

bool keys(NativeCall& call) {
  const JsonNode& node = *call.args[0].j;
  if (node.kind != JsonKind::Object) return fail(call, Fault::JsonType);
  Cell* cells = call.arena.cells(node.count);
  for (std::uint64_t i = 0; i < node.count; ++i) cells[i] = Cell::of(std::string_view(node.names[i]));
  return give(call, List{cells, node.count});
}

bool length(NativeCall& call) {
  const JsonNode& node = *call.args[0].j;
  if (node.kind != JsonKind::Array && node.kind != JsonKind::Object) return fail(call, Fault::JsonType);
  return give(call, static_cast<std::int64_t>(node.count));
}

bool quote(NativeCall& call) {
  std::string out;
  value::append_json_string(out, text(call, 0));
  return give_copy(call, out);
}

constexpr Native kFunctions[] = {
    {"json.parse", [](NativeCall& c) { return give(c, value::parse_json(text(c, 0), c.arena)); }},
    {"json.write", write},
    {"json.kind", [](NativeCall& c) { return give_view(c, kind_name(c.args[0].j->kind)); }},
    {"json.get", [](NativeCall& c) { return give(c, at_path(c)); }},
    {"json.has", has},
    {"json.text", convert},
    {"json.int", convert},
    {"json.float", convert},
    {"json.bool", convert},
    {"json.timestamp", convert},
    {"json.find_text", convert_or_null},
    {"json.find_int", convert_or_null},
    {"json.find_float", convert_or_null},
    {"json.find_bool", convert_or_null},
    {"json.items", items},
    {"json.keys", keys},
    {"json.length", length},
    {"json.quote", quote},
};

}  // namespace

std::span<const Native> json_functions() { return kFunctions; }

}  // namespace piperun::native
