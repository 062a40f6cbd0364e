// Reads JSON values into cells by a plan, in one pass in document order. The first of duplicate names counts.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "lang/value/arena.h"
#include "lang/value/json_node.h"
#include "runtime/record/decoder.h"
#include "runtime/record/json_scanner.h"
#include "runtime/record/record_plan.h"
#include "runtime/record/scalar_text.h"

namespace piperun::record {

class JsonReader {
 public:
  explicit JsonReader(ir::ExtraFields extra) : extra_(extra) {}

  // The whole of `text` is one object. Valid UTF-8; kPadding readable bytes follow.
  std::optional<DecodeFault> read_object(std::string_view text, const RecordPlan& plan, value::Arena& arena, value::Cell* out);
  // The whole of `text` is one value of the plan.
  std::optional<DecodeFault> read_text(std::string_view text, const ValuePlan& plan, value::Arena& arena, value::Cell* out);

 private:
  bool value(const ValuePlan& plan, value::Cell* out);
  bool present(const ValuePlan& plan, value::Cell* out);
  bool record(const RecordPlan& plan, value::Cell* out);
  bool field(const FieldPlan& field, value::Cell* out);
  int member_name(const RecordPlan& plan, std::size_t expected, value::Text& name);
  bool undeclared(value::Text name, const char* from, bool keep);
  const value::JsonNode* kept_members();
  value::JsonNode object_of(std::vector<value::Text>& names, std::size_t names_base, std::vector<value::JsonNode>& nodes,
                            std::size_t base);
  bool fill_absent(const RecordPlan& plan, const std::uint64_t* seen, value::Cell* out);
  bool list(const ValuePlan& element, value::Cell* out);
  bool map(const ValuePlan& element, value::Cell* out);
  bool scalar_number(const ValuePlan& plan, value::Cell* out);
  bool decimal(const ValuePlan& plan, value::Cell* out);
  bool timestamp(const ValuePlan& plan, value::Cell* out);
  bool duration(value::Cell* out);
  bool text(value::Text& out);
  bool tree(value::JsonNode& node);
  bool tree_array(value::JsonNode& node);
  bool tree_object(value::JsonNode& node);

  bool wrong_type(std::string_view words);
  bool refuse(const ScalarFault& fault, const char* at);
  bool in_path(std::string_view name);
  bool in_path(std::size_t index);
  DecodeFault fault(std::string_view text);

  template <typename T>
  bool take(const Scalar<T>& scalar, const char* at, value::Cell* out) {
    if (!scalar) [[unlikely]]
      return refuse(scalar.error(), at);
    *out = value::Cell::of(*scalar);
    return true;
  }

  JsonScanner in_;
  value::Arena* arena_ = nullptr;
  ir::ExtraFields extra_;
  std::string path_;                    // of the fault, from the inside out
  std::vector<value::Cell> cells_;      // elements of open lists and maps
  std::vector<value::JsonNode> nodes_;  // children of open arrays and objects of a tree
  std::vector<value::Text> names_;
  std::vector<value::JsonNode> kept_;   // undeclared members of the record at the top
  std::vector<value::Text> kept_names_;
  value::Cell unread_[2] = {};          // where fields go that nobody reads
};

}  // namespace piperun::record
