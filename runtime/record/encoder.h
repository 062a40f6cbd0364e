// From cells to the bytes of one output record: json, csv (RFC 4180), raw.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lang/ir/program.h"
#include "lang/value/json_node.h"
#include "runtime/record/decoder.h"

namespace piperun::record {

using EncodeFault = DecodeFault;

struct JsonForm {
  ir::DecimalForm decimals = ir::DecimalForm::Number;
  ir::NullForm nulls = ir::NullForm::Write;
};

// Keeps nothing between records.
class Encoder {
 public:
  virtual ~Encoder() = default;

  // Appends the record, without a line end. `cells`: those of the columns in order. `extra`: the object of #extra, whose members are carried
  // along (json), but for those named like a column; or null. NaN and infinity: NotEncodable. On a fault `out` is as before.
  virtual std::optional<EncodeFault> encode(const value::Cell* cells, const value::JsonNode* extra, std::string& out) const = 0;

  // The line that comes before all records of a file, without its line end; "" for formats that have none.
  virtual std::string header() const { return {}; }
};

// The types table outlives the encoder.
std::unique_ptr<Encoder> make_encoder(const ir::Program& program, const ir::Sink& sink);
std::unique_ptr<Encoder> make_encoder(const value::TypeTable& types, const ir::Schema& columns, ir::Format format,
                                      JsonForm form = {}, char delimiter = ',');

// Appends `text`, which is UTF-8, as a JSON string with its quotes.
void write_json_string(std::string_view text, std::string& out);

}  // namespace piperun::record
