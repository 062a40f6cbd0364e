// Cells as columns of a database file: decimals as exact text, timestamps and durations as their text, bool as 0 and 1, an enum by
// name, bytes as they are, nested values as JSON text.
#pragma once
#include <string>
#include <string_view>

#include "lang/value/arena.h"
#include "lang/value/type.h"
#include "runtime/commit/embedded/database.h"

namespace piperun::embedded {

// INTEGER, REAL, TEXT or BLOB.
std::string_view column_type(const value::Type& type);

// Binds one value; `cell` is its first. `scratch` holds the text until the statement was run.
void bind_cell(Query& query, int parameter, const value::TypeTable& types, value::TypeId type, const value::Cell* cell,
               std::string& scratch);

// The other way, into one or two cells. False: what is stored is no such value.
bool read_cell(const Query& query, int column, const value::TypeTable& types, value::TypeId type, value::Arena& arena,
               value::Cell* cell);

// A value with all it points at, in another arena.
void copy_value(const value::TypeTable& types, value::TypeId type, const value::Cell* from, value::Arena& arena, value::Cell* to);

}  // namespace piperun::embedded
