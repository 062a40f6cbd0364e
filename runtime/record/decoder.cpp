#include "runtime/record/decoder.h"

#include "runtime/record/csv_decoder.h"
#include "runtime/record/csv_delimiter.h"
#include "runtime/record/json_decoder.h"
#include "runtime/record/raw_decoder.h"

namespace piperun::record {

std::optional<DecodeFault> Decoder::set_header(std::string_view) { return std::nullopt; }

namespace {

std::unique_ptr<Decoder> make(RecordPlan plan, ir::Format format, ir::ExtraFields extra, char delimiter) {
  switch (format) {
    case ir::Format::Json: return std::make_unique<JsonDecoder>(std::move(plan), extra);
    case ir::Format::Csv: return std::make_unique<CsvDecoder>(std::move(plan), extra, delimiter);
    case ir::Format::Raw: return std::make_unique<RawDecoder>(std::move(plan));
  }
  return nullptr;
}

}  // namespace

std::unique_ptr<Decoder> make_decoder(const ir::Program& program, const ir::Source& source, const ir::Schema& row) {
  return make(plan_row(program, source.type, row), source.format, source.extra, delimiter_of(source.options));
}

std::unique_ptr<Decoder> make_decoder(const ir::Program& program, const ir::Source& source) {
  return make(plan_record(program, source.type), source.format, source.extra, delimiter_of(source.options));
}

std::unique_ptr<Decoder> make_decoder(const ir::Program& program, const ir::Table& table) {
  return make(plan_record(program, table.type), table.format, ir::ExtraFields::Ignore, delimiter_of(table.options));
}

}  // namespace piperun::record
