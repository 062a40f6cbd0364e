// Records as JSON objects.
#pragma once
#include "runtime/record/decoder.h"
#include "runtime/record/json_reader.h"

namespace piperun::record {

class JsonDecoder : public Decoder {
 public:
  JsonDecoder(RecordPlan plan, ir::ExtraFields extra) : plan_(std::move(plan)), reader_(extra) {}
  std::optional<DecodeFault> decode(std::string_view value, value::Arena& arena, value::Cell* out) override;

 private:
  RecordPlan plan_;
  JsonReader reader_;
};

}  // namespace piperun::record
