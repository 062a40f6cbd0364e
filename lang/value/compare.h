// Equality, order, hash and text of two values of one type, whatever it is. Null equals null and comes first.
#pragma once
#include <compare>
#include <cstdint>
#include <string>

#include "lang/value/arena.h"
#include "lang/value/cell.h"
#include "lang/value/type.h"

namespace piperun::value {

// Floats as IEEE 754 says: NaN equals nothing, -0 is 0.
bool equal(const TypeTable& types, TypeId type, const Cell* a, const Cell* b);

// A total order: strings by code points, enums as declared, lists and records by their first difference, maps as lists of pairs,
// json by its key bytes, NaN above everything.
std::strong_ordering order(const TypeTable& types, TypeId type, const Cell* a, const Cell* b);

// Equal values have equal hashes. Not durable: it may change with the version.
std::uint64_t hash(const TypeTable& types, TypeId type, const Cell* value);

// What interpolation and `to_text` write: a string as it is, an enum's name, bytes as base64, lists, maps, records and json as JSON.
// A null is `null`.
Text to_text(const TypeTable& types, TypeId type, const Cell* value, Arena& arena);
void append_text(std::string& out, const TypeTable& types, TypeId type, const Cell* value);

// As JSON: strings quoted, decimals as numbers, timestamps and durations as strings. A float that is no number becomes null.
void append_json(std::string& out, const TypeTable& types, TypeId type, const Cell* value);

}  // namespace piperun::value
