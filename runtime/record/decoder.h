// From the bytes of one record to cells, by the declared record type: json, csv (RFC 4180), raw.
// All declared fields are checked, used or not, and the text must be one well-formed value in UTF-8.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lang/ir/program.h"
#include "runtime/base/result.h"

namespace piperun::record {

// Why a record is bad: a Data error of runtime/base/errors.def and words for a person, which name the field path and byte position.
struct DecodeFault {
  base::ErrorCode code;
  std::string detail;  // "invalid JSON at byte 1", "`lines[2].price`: not a number, at byte 40"; bytes count from 1
};

// Keeps buffers between records: one per thread.
class Decoder {
 public:
  virtual ~Decoder() = default;

  // Writes into `out`, a row of the schema given to make_decoder: the declared fields and #extra (an object of the undeclared ones).
  // Cells of other hidden columns are left alone. kPadding readable bytes must follow `value`; strings are views into it or into
  // `arena`. On a fault `out` is unspecified.
  virtual std::optional<DecodeFault> decode(std::string_view value, value::Arena& arena, value::Cell* out) = 0;

  // The header line of the file that the next records come from (csv: it names the columns; until it is called, and after "", the
  // columns are those of the type in order). Formats without a header take no notice.
  virtual std::optional<DecodeFault> set_header(std::string_view line);
};

// `row`: the output of the source's Input node: any of the declared fields by name, and hidden columns. `program` outlives the decoder.
std::unique_ptr<Decoder> make_decoder(const ir::Program& program, const ir::Source& source, const ir::Schema& row);
// Rows are all fields of the type in order: the cells of such a record.
std::unique_ptr<Decoder> make_decoder(const ir::Program& program, const ir::Source& source);
std::unique_ptr<Decoder> make_decoder(const ir::Program& program, const ir::Table& table);

}  // namespace piperun::record
