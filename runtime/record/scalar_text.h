// Scalars as data writes them, in JSON numbers and strings and in CSV fields alike. Nothing is converted silently.
#pragma once
#include <expected>
#include <string_view>

#include "lang/value/arena.h"
#include "runtime/base/result.h"
#include "runtime/record/decoder.h"
#include "runtime/record/record_plan.h"

namespace piperun::record {

struct ScalarFault {
  base::ErrorCode code;
  std::string_view words;  // static
};
template <typename T>
using Scalar = std::expected<T, ScalarFault>;

// `token` has the syntax of a JSON number. An integer may be written `1.0` or `1e3` if it is whole.
Scalar<std::int64_t> int_from_number(std::string_view token);
Scalar<value::Int128> decimal_from_number(std::string_view token, const ValuePlan& plan);
Scalar<double> float_from_number(std::string_view token);
Scalar<std::int64_t> epoch_from_number(std::string_view token, ir::TimeUnit unit);  // microseconds; a fraction of up to them

// A text that need not be a number.
Scalar<value::Int128> decimal_from_text(std::string_view text, const ValuePlan& plan);
Scalar<std::int64_t> timestamp_from_text(std::string_view text);
Scalar<std::int64_t> duration_from_text(std::string_view text);
Scalar<std::int64_t> enum_from_text(std::string_view text, const ValuePlan& plan);
Scalar<value::Text> bytes_from_text(std::string_view text, value::Arena& arena);  // base64

// Whether the whole text is a JSON number.
bool is_number(std::string_view text);

DecodeFault field_fault(const FieldPlan& field, base::ErrorCode code, std::string_view words);

// A value that fills a text of its own, a CSV field or a message key, into the cell of its payload. The field is no list, map, record or
// json.
std::optional<DecodeFault> scalar_from_text(const FieldPlan& field, std::string_view text, value::Arena& arena, value::Cell* out);

}  // namespace piperun::record
