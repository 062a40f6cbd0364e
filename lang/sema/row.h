// Records while they flow: their columns, and how stages name parts of them.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lang/source/source.h"
#include "lang/value/type.h"

namespace piperun::sema {

using source::Span;
using value::TypeId;

struct Column {
  std::string name;
  TypeId type;
  bool is_volatile = false;
  Span where;  // where it came into being, for labels
};

// Columns in order, found by their names: a record may have thousands, and each name in the program is looked up. Names do not
// change while a column is in it. Not for several threads.
class Columns {
 public:
  Columns() = default;
  Columns(std::initializer_list<Column> columns) : list_(columns) {}

  auto begin() { return list_.begin(); }
  auto end() { return list_.end(); }
  auto begin() const { return list_.begin(); }
  auto end() const { return list_.end(); }
  std::size_t size() const { return list_.size(); }
  bool empty() const { return list_.empty(); }
  Column& operator[](std::size_t i) { return list_[i]; }
  const Column& operator[](std::size_t i) const { return list_[i]; }
  Column& operator[](int i) { return list_[static_cast<std::size_t>(i)]; }
  const Column& operator[](int i) const { return list_[static_cast<std::size_t>(i)]; }

  // The place of the first column of this name; -1: there is none.
  int index_of(std::string_view name) const;
  bool contains(std::string_view name) const { return index_of(name) >= 0; }

  void push_back(Column column) { list_.push_back(std::move(column)); }
  void clear() { *this = {}; }
  void erase(const std::set<std::string>& names);

 private:
  std::vector<Column> list_;
  // Places, sorted by name; made when asked for, and again when there are more columns.
  mutable std::vector<std::uint32_t> by_name_;
};

struct RowSchema {
  Columns columns;  // what users see
  bool has_meta = false;  // meta.* may be read here (until map, a stateful stage or a keyed stream ends it)
  bool has_extra = false;  // undeclared fields are carried (source option extra = keep, until map)
  bool is_keyed = false;  // deletes may be among them: behind `delete when`, or of a source with `tombstone = delete`
  bool has_key = false;  // behind `key by`
};

// A column, or a field of records inside it: `address.city`.
struct ColumnPath {
  int column = -1;
  std::vector<int> fields;  // one per further part
  TypeId type;  // of what it ends at, without `?` if `narrowed`; never null in a key
  bool narrowed = false;  // a field on the way or at its end is stored as `T?` but known to be there
};

}  // namespace piperun::sema
