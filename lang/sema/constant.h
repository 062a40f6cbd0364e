// A value known while compiling, as a tree with its type.
#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "lang/value/cell.h"
#include "lang/value/type.h"

namespace piperun::sema {

struct ConstantEntry;

struct Constant {
  using Elements = std::vector<Constant>;      // List; Record: one per field, in the type's order
  using Entries = std::vector<ConstantEntry>;  // Map, sorted by key

  value::TypeId type;
  // monostate: null · bool: Bool · int64: Int, Timestamp and Duration (microseconds), Enum (index) · double: Float ·
  // Int128: Decimal, unscaled at the type's scale · string: String, Bytes
  std::variant<std::monostate, bool, std::int64_t, double, value::Int128, std::string, Elements, Entries> value;

  bool is_null() const { return std::holds_alternative<std::monostate>(value); }
  friend bool operator==(const Constant&, const Constant&);
};

struct ConstantEntry {
  std::string key;
  Constant value;
  friend bool operator==(const ConstantEntry&, const ConstantEntry&) = default;
};
// Not defaulted above: there an entry is not complete yet.
inline bool operator==(const Constant& a, const Constant& b) { return a.type == b.type && a.value == b.value; }

// As the language writes it: `12.50`, `"a"`, `2026-01-31T12:00:00Z`, `90s`, `[1, 2]`. `bare`: a string without quotes.
std::string to_text(const Constant& constant, const value::TypeTable& types, bool bare = false);

}  // namespace piperun::sema
