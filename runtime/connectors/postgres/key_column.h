// A column of a table's key: which values the table takes for one, and how a row is found by a value.
#pragma once
#include <string>

#include "lang/value/cell.h"
#include "runtime/connectors/postgres/table_columns.h"

namespace piperun::postgres {

class KeyColumn {
 public:
  // `number`: of the column among those of the sink, as in `u.c3`. `index`: null where no unique index is asked.
  KeyColumn(const StoredColumn& stored, const Conversion& how, const value::Type& type, std::size_t number,
            const KeyCollation* index);

  // Only the server can tell which values are one: rows that follow each other must not change places.
  bool is_known_to_server_alone() const { return equal_ == Equal::AsTheServerSays; }
  // Of values that are one to the table, the same; `scratch` holds its text. Shape: one cell, as `cell`.
  value::Cell folded(const value::Cell& cell, std::string& scratch) const;
  bool folds() const { return equal_ != Equal::AsHere && equal_ != Equal::AsTheServerSays; }
  // SQL that finds in `t` the row whose key is in `u`.
  const std::string& condition() const { return condition_; }

 private:
  enum class Equal : std::uint8_t {
    AsHere,
    WithoutBlanks,    // at the end, behind `width_` characters
    AsUuid,           // hyphens, braces and case say nothing
    Rounded,          // to `width_` digits of a second
    AsTheServerSays,  // case, collations, networks, documents
  };
  static Equal equality(const StoredColumn& stored, const value::Type& type, bool is_deterministic);

  Equal equal_ = Equal::AsHere;
  int width_ = 0;
  std::string condition_;
};

}  // namespace piperun::postgres
