// A parsed JSON text: the value of the type `json`. Numbers keep their text, so that nothing is lost before a type is asked for.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "lang/value/arena.h"
#include "lang/value/cell.h"
#include "lang/value/failure.h"
#include "lang/value/type.h"

namespace piperun::value {

enum class JsonKind : std::uint8_t { Null, False, True, Number, String, Array, Object };

// Trivial; lies in an arena with all below it.
struct JsonNode {
  JsonKind kind = JsonKind::Null;
  Text text{nullptr, 0};               // Number: as written. String: its content, escapes resolved
  const JsonNode* children = nullptr;  // Array, Object: `count` nodes, in order
  const Text* names = nullptr;         // Object: their names; unique
  std::uint64_t count = 0;
};

inline constexpr int kMaxJsonDepth = 256;

// One well-formed value in UTF-8 and nothing else; of members with one name the first counts. ParseJson, BadEncoding.
// Copies what it keeps.
Fallible<const JsonNode*> parse_json(std::string_view text, Arena& arena);

// Without white space, members in order.
void write_json(const JsonNode& node, std::string& out);

// The member or element, or null.
const JsonNode* member(const JsonNode& node, std::string_view name);
const JsonNode* element(const JsonNode& node, std::int64_t index);

// JsonType when it is no object or array; KeyMissing, IndexOutOfRange.
Fallible<const JsonNode*> json_get(const JsonNode& node, std::string_view name);
Fallible<const JsonNode*> json_index(const JsonNode& node, std::int64_t index);

// As a value of `type` (1 or 2 cells at `result`): numbers from numbers or, for decimals, strings; timestamps from RFC 3339 strings;
// durations from strings; enums by name; bytes from base64; records by field name; `null` only for `T?`.
Fallible<void> json_to(const JsonNode& node, const TypeTable& types, TypeId type, Arena& arena, Cell* result);

// Equal trees; members may be in another order; numbers are equal if their texts are.
bool equal(const JsonNode& a, const JsonNode& b);

}  // namespace piperun::value
