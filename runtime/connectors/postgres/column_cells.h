// Cells as columns of a server's table and back: decimals as numeric, timestamps as timestamptz, durations as interval, enums by name,
// nested values as jsonb.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "lang/value/arena.h"
#include "lang/value/type.h"
#include "runtime/connectors/postgres/table_columns.h"

namespace piperun::postgres {

// Appends one value; `cell` is its first. False: the server's text cannot hold the character 0.
bool append_cell(Array& array, const value::TypeTable& types, value::TypeId type, Form form, const value::Cell* cell,
                 std::string& scratch);

// The same as a field of COPY's text format. `scratch` is kept for its memory.
void append_copy_field(std::string& out, const value::TypeTable& types, value::TypeId type, Form form, const value::Cell* cell,
                       std::string& scratch);
void append_copy_field(std::string& out, std::optional<std::string_view> text);

// What is selected so that `read_cell` understands it. `column` is quoted.
std::string select_expression(const std::string& column, Form form);
// From the server's text (null: nullopt) into one or two cells. False: it is no such value.
bool read_cell(std::optional<std::string_view> text, const value::TypeTable& types, value::TypeId type, Form form,
               value::Arena& arena, value::Cell* cell);

}  // namespace piperun::postgres
