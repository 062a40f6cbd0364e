#include "lang/value/key.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "lang/value/json_node.h"

namespace piperun::value {

namespace {

void append_varint(std::string& out, UInt128 value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(0x80 | static_cast<unsigned>(value & 0x7F));
  out += static_cast<char>(value);
}

// Small absolute values are short: 0, -1, 1, -2, … become 0, 1, 2, 3, …
void append_signed(std::string& out, Int128 value) {
  append_varint(out, (static_cast<UInt128>(value) << 1) ^ static_cast<UInt128>(value >> 127));
}

void append_sized(std::string& out, std::string_view bytes) {
  append_varint(out, bytes.size());
  out += bytes;
}

void append_float_bits(std::string& out, double value) {
  if (std::isnan(value)) value = std::numeric_limits<double>::quiet_NaN();
  if (value == 0) value = 0;
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>((bits >> shift) & 0xFF);
}

void append_tree(std::string& out, const JsonNode& node) {
  out += static_cast<char>(node.kind);
  if (node.kind == JsonKind::Number || node.kind == JsonKind::String) append_sized(out, node.text);
  if (node.kind != JsonKind::Array && node.kind != JsonKind::Object) return;
  append_varint(out, node.count);
  std::vector<std::uint64_t> order(node.count);
  for (std::uint64_t i = 0; i < node.count; ++i) order[i] = i;
  if (node.kind == JsonKind::Object)
    std::ranges::sort(order, {}, [&](std::uint64_t i) { return std::string_view(node.names[i]); });
  for (const std::uint64_t i : order) {
    if (node.kind == JsonKind::Object) append_sized(out, node.names[i]);
    append_tree(out, node.children[i]);
  }
}

void append_payload(const TypeTable& types, const Type& type, const Cell& value, std::string& out) {
  switch (type.kind) {
    case TypeKind::Bool: out += value.b ? '\1' : '\0'; return;
    case TypeKind::Int:
    case TypeKind::Timestamp:
    case TypeKind::Duration: append_signed(out, value.i); return;
    case TypeKind::Decimal: append_signed(out, value.d); return;
    case TypeKind::Enum: append_sized(out, type.values[static_cast<std::size_t>(value.i)]); return;
    case TypeKind::Float: append_float_bits(out, value.f); return;
    case TypeKind::String:
    case TypeKind::Bytes: append_sized(out, value.s); return;
    case TypeKind::List:
    case TypeKind::Map: {
      const bool is_map = type.kind == TypeKind::Map;
      const Cell* item = value.l.items;
      append_varint(out, value.l.count);
      for (std::uint64_t i = 0; i < value.l.count; ++i) {
        if (is_map) append_sized(out, (item++)->s);
        encode_key(types, type.element, item, out);
        item += cells(types[type.element]);
      }
      return;
    }
    case TypeKind::Record: {
      const Cell* field_value = value.r;
      for (const Field& field : type.fields) {
        encode_key(types, field.type, field_value, out);
        field_value += cells(types[field.type]);
      }
      return;
    }
    case TypeKind::Json: append_tree(out, *value.j); return;
    case TypeKind::Error:
    case TypeKind::Never:
    case TypeKind::Null: return;
  }
}

}  // namespace

void encode_key(const TypeTable& types, TypeId id, const Cell* value, std::string& out) {
  const Type& type = types[id];
  if (type.nullable) {
    out += value[0].b ? '\0' : '\1';
    if (value[0].b) return;
  }
  append_payload(types, type, value[type.nullable ? 1 : 0], out);
}

}  // namespace piperun::value
