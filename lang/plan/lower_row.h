// What flows along an edge while lowering: where users' columns are in the row, and which hidden columns go with them.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lang/plan/lower_expr.h"
#include "lang/plan/port.h"

namespace piperun::plan {

// Hidden columns that one stage computes for another, beside those of ir/hidden_columns.h. Behind several parts of one key follow `.1`, …
inline constexpr std::string_view kDeleteWhenColumn = "#delete.when";  // of `delete when`
inline constexpr std::string_view kKeyColumn = "#key";  // of `key by`
inline constexpr std::string_view kDedupColumn = "#dedup";
inline constexpr std::string_view kLookupColumn = "#lookup";
inline constexpr std::string_view kFoundColumn = "#row";  // what a look-up found
inline constexpr std::string_view kListColumn = "#list";  // what `flatten` takes apart

std::string part_of(std::string_view column, std::size_t part);  // `#key`, `#key.1`, …

struct Row {
  ir::Schema schema;
  std::vector<int> visible;  // per column that users see: its place in `schema`
  std::map<std::string, int, std::less<>> hidden;  // `#time` → its place
  std::vector<bool> keeps_tombstone;  // with #delete from the source: per visible column, has it a value in a tombstone

  const ir::Column& column(std::size_t i) const { return schema[static_cast<std::size_t>(visible[i])]; }
  int find_hidden(std::string_view name) const;  // -1: not there
  void add_visible(ir::Column column);
  void add_hidden(ir::Column column);
  void add_hidden(std::string_view name, value::TypeId type, bool is_volatile = false);
};

// What the next stage reads: all these ports send rows of one schema.
struct Stream {
  std::vector<Port> ports;
  Row row;
};

// One Apply under construction: its input is a row, whose columns are bound to their names.
class RowFunction {
 public:
  // `site`: of the stage, for what fails outside of an expression.
  RowFunction(LowerContext& context, std::string name, const Row& input, ir::Site site);

  ir::FunctionBuilder& builder() { return builder_; }
  ExprLowering& expr() { return expr_; }
  Bindings& bindings() { return bindings_; }
  ir::Value at(int place) const { return values_[static_cast<std::size_t>(place)]; }
  ir::Value visible(std::size_t i) const { return at(input_.visible[i]); }

  // Emits these values, converted to the columns of `row`, to the next port.
  void emit(const Row& row, std::vector<ir::Value> values);
  ir::FunctionId finish();

 private:
  LowerContext& context_;
  const Row& input_;
  ir::FunctionBuilder builder_;
  Bindings bindings_;
  ExprLowering expr_;
  std::vector<ir::Value> values_;  // per column of the input
  ir::Site site_;
  std::uint32_t ports_ = 0;
};

// `#meta.key`
std::string meta_column(sema::Meta meta);

}  // namespace piperun::plan
