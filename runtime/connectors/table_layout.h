// The columns that a sink writes and a table for look-ups has, whatever system they are in.
#pragma once
#include <string>
#include <vector>

#include "lang/ir/program.h"

namespace piperun::connectors {

struct TableColumn {
  std::string name;
  value::TypeId type;
};

struct TableLayout {
  std::string table;  // `name`, or `schema.name` where a system has schemas
  std::vector<TableColumn> columns;  // empty: dead letters, which are one JSON text in the column `letter`
  std::vector<int> key;  // columns; empty: none
};

TableLayout layout_of(const ir::Sink& sink);
TableLayout layout_of(const ir::Program& program, const ir::Table& table);  // columns are called as the data calls the fields

}  // namespace piperun::connectors
