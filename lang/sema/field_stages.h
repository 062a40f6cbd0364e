// Stages that change the fields of a record: `set`, `map`, `drop`; and the columns that other stages add.
#pragma once
#include <optional>
#include <utility>
#include <vector>

#include "lang/sema/flowing.h"

namespace piperun::sema {

class FieldStages {
 public:
  FieldStages(Context& context, TypeReader& types, Expressions& expressions)
      : context_(context), types_(types), expressions_(expressions) {}

  StageDetail set(const ast::SetStage& set, Flowing& flowing);
  StageDetail map(const ast::MapStage& map, const ast::Stage& stage, Flowing& flowing);
  StageDetail drop(const ast::DropStage& drop, const ast::Stage& stage, Flowing& flowing);

  void add_column(Flowing& flowing, const ast::Name& name, TypeId type, bool is_volatile);  // reports a name that is there

 private:
  TypeId type_at(const ast::Path& path, const RowSchema& row) const;
  TypeId type_set(ExprId value, TypeId type, TypeId before);
  TypeId set_inside(TypeId record, const ast::Path& path, std::size_t part, TypeId type, ColumnPath& target);
  std::vector<std::pair<Column, ExprId>> map_entries(const ast::MapStage& map, TypeId wanted, const Columns& fields, Scope& here);
  std::optional<Column> map_entry(const ast::Entry& entry, TypeId wanted, const Columns& fields, Scope& here);
  void check_complete(TypeId wanted, const Columns& fields, const Columns& columns, Span where);
  TypeId drop_inside(TypeId record, const ColumnPath& path, std::size_t part);
  ColumnPath path_in(const RowSchema& row, const ast::Path& path, ColumnPath found) const;

  Context& context_;
  TypeReader& types_;
  Expressions& expressions_;
};

}  // namespace piperun::sema
