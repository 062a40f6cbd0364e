// Records as lines of CSV (RFC 4180, with any delimiter).
// An empty field without quotes is absent; in a `string` without a default it is "".
// A list, map, record or json field holds JSON text.
#pragma once
#include <string>
#include <vector>

#include "runtime/record/decoder.h"
#include "runtime/record/json_reader.h"

namespace piperun::record {

class CsvDecoder : public Decoder {
 public:
  CsvDecoder(RecordPlan plan, ir::ExtraFields extra, char delimiter);
  std::optional<DecodeFault> decode(std::string_view value, value::Arena& arena, value::Cell* out) override;
  std::optional<DecodeFault> set_header(std::string_view line) override;

 private:
  struct Piece {
    std::string_view text;
    bool quoted = false;
  };
  using Fault = std::optional<DecodeFault>;

  Fault split(std::string_view line, value::Arena& arena);
  Fault field(const FieldPlan& field, Piece piece, value::Arena& arena, value::Cell* out);
  Fault typed(const FieldPlan& field, std::string_view text, value::Arena& arena, value::Cell* out);
  const value::JsonNode* kept_columns(value::Arena& arena) const;

  RecordPlan plan_;
  JsonReader json_;
  ir::ExtraFields extra_;
  char delimiter_;
  std::size_t columns_ = 0;              // how many
  std::vector<int> sources_;             // column per field, or -1
  std::vector<std::string> undeclared_;  // names of the columns that are no field; "" for those that are
  std::vector<Piece> pieces_;            // of the line
};

}  // namespace piperun::record
