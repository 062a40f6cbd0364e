// Records whose bytes are the one string or bytes field of the type.
#pragma once
#include "runtime/record/decoder.h"
#include "runtime/record/record_plan.h"

namespace piperun::record {

class RawDecoder : public Decoder {
 public:
  explicit RawDecoder(RecordPlan plan);
  std::optional<DecodeFault> decode(std::string_view value, value::Arena& arena, value::Cell* out) override;

 private:
  RecordPlan plan_;
  std::size_t field_ = 0;  // the first of type string or bytes; behind the last if there is none
};

}  // namespace piperun::record
