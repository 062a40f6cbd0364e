#include "runtime/connectors/table_layout.h"

#include "lang/ir/declared.h"

namespace piperun::connectors {

TableLayout layout_of(const ir::Sink& sink) {
  TableLayout result{ir::object_of(sink), {}, sink.key};
  for (const ir::Column& column : sink.columns) result.columns.push_back({column.name, column.type});
  return result;
}

TableLayout layout_of(const ir::Program& program, const ir::Table& table) {
  TableLayout result{ir::object_of(table), {}, table.key};
  const auto formats = program.records.find(table.type);
  const std::vector<value::Field>& fields = program.types[table.type].fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const bool is_renamed = formats != program.records.end() && !formats->second[i].data_name.empty();
    result.columns.push_back({is_renamed ? formats->second[i].data_name : fields[i].name, fields[i].type});
  }
  return result;
}

}  // namespace piperun::connectors
