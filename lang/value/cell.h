// The run-time form of one value. Its type is known statically; a cell does not carry it.
#pragma once
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace piperun::value {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 UInt128;

union Cell;
struct JsonNode;

// A view: the bytes belong to the batch (payload or arena) and live until its commit is known.
struct Text {
  const char* data;
  std::uint64_t size;
  operator std::string_view() const { return {data, size}; }
};

// Elements lie one behind the other, each `cells(element type)` wide. A map is a list of (key, element) pairs, sorted by key.
struct List {
  const Cell* items;
  std::uint64_t count;
};

// Trivial, 16 bytes. Which member is live follows from the type:
//   Bool `b` · Int, Timestamp, Duration, Enum `i` · Float `f` · Decimal `d` · String, Bytes `s` · List, Map `l` · Record `r` · Json `j`
// A record points at its fields in order, each `cells(field type)` wide. A null payload is never read.
union Cell {
  bool b;
  std::int64_t i;
  double f;
  Int128 d;
  Text s;
  List l;
  const Cell* r;
  const JsonNode* j;

  static Cell of(bool v) {
    Cell c{};
    c.b = v;
    return c;
  }
  static Cell of(std::int64_t v) {
    Cell c{};
    c.i = v;
    return c;
  }
  static Cell of(double v) {
    Cell c{};
    c.f = v;
    return c;
  }
  static Cell of(Int128 v) {
    Cell c{};
    c.d = v;
    return c;
  }
  static Cell of(std::string_view v) {
    Cell c{};
    c.s = {v.data(), v.size()};
    return c;
  }
  static Cell of(List v) {
    Cell c{};
    c.l = v;
    return c;
  }
  static Cell of(const Cell* v) {
    Cell c{};
    c.r = v;
    return c;
  }
  static Cell of(const JsonNode* v) {
    Cell c{};
    c.j = v;
    return c;
  }
};
static_assert(sizeof(Cell) == 16 && std::is_trivially_copyable_v<Cell>);

}  // namespace piperun::value
