// The types of the language, interned: equal types have equal ids. One table for sema, IR and runtime.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace piperun::value {

enum class TypeKind : std::uint8_t {
  Error,      // a mistake was reported; compatible with everything, so that it is not reported twice
  Never,      // type of `fail(…)`: has no value
  Null,       // type of the literal `null`, before it meets a `T?`
  Bool,
  Int,        // int64, checked
  Float,      // IEEE double
  Decimal,    // exact, 1 <= precision <= 38, 0 <= scale <= precision; held as a 128-bit unscaled integer
  String,     // UTF-8
  Bytes,
  Timestamp,  // microseconds since 1970-01-01T00:00:00Z
  Duration,   // microseconds
  Enum,
  List,
  Map,        // keys are strings
  Record,
  Json,       // a parsed tree
};

struct TypeId {
  std::uint32_t index = 0;  // 0 is the type Error
  friend auto operator<=>(TypeId, TypeId) = default;
};

// One field of a record type. How the data calls it, and what it is when absent, belong to decoding.
struct Field {
  std::string name;
  TypeId type;
  friend auto operator<=>(const Field&, const Field&) = default;
};

struct Type {
  TypeKind kind = TypeKind::Error;
  bool nullable = false;             // `T?`: two cells, a null bit and the payload
  std::uint8_t precision = 0;        // Decimal
  std::uint8_t scale = 0;            // Decimal
  TypeId element{};                  // List, Map
  std::string name{};                // Enum, and declared Record types; "" for `{ a = 1 }`
  std::vector<Field> fields{};        // Record, in order
  std::vector<std::string> values{};  // Enum: a value is its index
  friend auto operator<=>(const Type&, const Type&) = default;
};

// Grows only; references returned by `operator[]` are valid until the next `intern`.
class TypeTable {
 public:
  TypeTable();

  TypeId intern(Type type);
  TypeId scalar(TypeKind kind) { return intern({.kind = kind}); }
  TypeId decimal(int precision, int scale);
  TypeId list(TypeId element);
  TypeId map(TypeId element);
  TypeId record(std::string name, std::vector<Field> fields);
  TypeId with_null(TypeId type, bool nullable = true);  // the same type with or without `?`

  const Type& operator[](TypeId id) const { return types_[id.index]; }
  std::size_t size() const { return types_.size(); }

  // As users write it: `decimal(12, 2)?`, `list<Line>`, `{ a: int64, b: string? }`.
  std::string name(TypeId id) const;

 private:
  std::vector<Type> types_;
  std::map<Type, TypeId> ids_;
};

// Position of the field called `name`, or -1.
int field_index(const Type& record, std::string_view name);

// How many cells a value of this type takes: 2 for `T?` (null bit first), else 1.
inline int cells(const Type& type) { return type.nullable ? 2 : 1; }

}  // namespace piperun::value
