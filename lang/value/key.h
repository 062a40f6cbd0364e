// Keys as bytes: for dedup, tables, state and partitions. Durable: what is written here must be read for ever.
#pragma once
#include <string>

#include "lang/value/cell.h"
#include "lang/value/type.h"

namespace piperun::value {

// Appends the value. Two values of one type are equal exactly if their bytes are, and no encoding is the prefix of another:
// keys of several parts are encoded one behind the other. An enum is written by name: it may gain values. Of types that are no
// keys, floats go by value (-0 is 0, all NaN are one) and json with its members sorted.
void encode_key(const TypeTable& types, TypeId type, const Cell* value, std::string& out);

}  // namespace piperun::value
