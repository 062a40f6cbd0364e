#include "runtime/record/raw_decoder.h"

#include <algorithm>

#include <fmt/format.h>

#include "lang/value/json_node.h"
#include "runtime/record/json_utf8.h"
#include "runtime/record/utf8_fault.h"

namespace piperun::record {

RawDecoder::RawDecoder(RecordPlan plan) : plan_(std::move(plan)) {
  const auto takes_bytes = [](const FieldPlan& field) {
    return field.value.kind == value::TypeKind::String || field.value.kind == value::TypeKind::Bytes;
  };
  field_ = static_cast<std::size_t>(std::ranges::find_if(plan_.fields, takes_bytes) - plan_.fields.begin());
}

std::optional<DecodeFault> RawDecoder::decode(std::string_view value, value::Arena& arena, value::Cell* out) {
  for (std::size_t i = 0; i < plan_.fields.size(); ++i) {
    const FieldPlan& field = plan_.fields[i];
    value::Cell unread[2];
    value::Cell* to = field.cell != kUnread ? out + field.cell : unread;
    if (i == field_) {
      if (field.value.kind == value::TypeKind::String && !is_utf8(value)) return utf8_fault(value);
      if (field.value.nullable) *to++ = value::Cell::of(false);
      *to = value::Cell::of(value);
    } else if (field.absent) {
      std::copy_n(field.absent->begin(), field.value.cells(), to);
    } else {
      return DecodeFault{base::ErrorCode::MissingField, fmt::format("`{}`: missing", field.name)};
    }
  }
  if (plan_.extra_cell != kUnread) {
    auto* const none = static_cast<value::JsonNode*>(arena.allocate(sizeof(value::JsonNode)));
    *none = {.kind = value::JsonKind::Object};
    out[plan_.extra_cell] = value::Cell::of(static_cast<const value::JsonNode*>(none));
  }
  return std::nullopt;
}

}  // namespace piperun::record
