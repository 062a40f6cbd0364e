#include "lang/value/json_node.h"

#include <algorithm>
#include <vector>

#include "lang/value/text.h"

namespace piperun::value {

void write_json(const JsonNode& node, std::string& out) {
  switch (node.kind) {
    case JsonKind::Null: out += "null"; return;
    case JsonKind::False: out += "false"; return;
    case JsonKind::True: out += "true"; return;
    case JsonKind::Number: out += node.text; return;
    case JsonKind::String: append_json_string(out, node.text); return;
    case JsonKind::Array:
      out += '[';
      for (std::uint64_t i = 0; i < node.count; ++i) {
        if (i != 0) out += ',';
        write_json(node.children[i], out);
      }
      out += ']';
      return;
    case JsonKind::Object:
      out += '{';
      for (std::uint64_t i = 0; i < node.count; ++i) {
        if (i != 0) out += ',';
        append_json_string(out, node.names[i]);
        out += ':';
        write_json(node.children[i], out);
      }
      out += '}';
      return;
  }
}

const JsonNode* member(const JsonNode& node, std::string_view name) {
  if (node.kind != JsonKind::Object) return nullptr;
  for (std::uint64_t i = 0; i < node.count; ++i) {
    if (std::string_view(node.names[i]) == name) return &node.children[i];
  }
  return nullptr;
}

const JsonNode* element(const JsonNode& node, std::int64_t index) {
  if (node.kind != JsonKind::Array || index < 0 || static_cast<std::uint64_t>(index) >= node.count) return nullptr;
  return &node.children[index];
}

Fallible<const JsonNode*> json_get(const JsonNode& node, std::string_view name) {
  if (node.kind != JsonKind::Object) return std::unexpected(Fault::JsonType);
  const JsonNode* found = member(node, name);
  if (found == nullptr) return std::unexpected(Fault::KeyMissing);
  return found;
}

Fallible<const JsonNode*> json_index(const JsonNode& node, std::int64_t index) {
  if (node.kind != JsonKind::Array) return std::unexpected(Fault::JsonType);
  const JsonNode* found = element(node, index);
  if (found == nullptr) return std::unexpected(Fault::IndexOutOfRange);
  return found;
}

bool equal(const JsonNode& a, const JsonNode& b) {
  if (a.kind != b.kind || a.count != b.count || std::string_view(a.text) != std::string_view(b.text)) return false;
  for (std::uint64_t i = 0; i < a.count; ++i) {
    const JsonNode* other = a.kind == JsonKind::Array ? &b.children[i] : member(b, a.names[i]);
    if (other == nullptr || !equal(a.children[i], *other)) return false;
  }
  return true;
}

}  // namespace piperun::value
