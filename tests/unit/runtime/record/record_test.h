// A program with one record type, and payloads with readable bytes behind them.
#pragma once
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "runtime/record/decoder.h"
#include "runtime/record/encoder.h"
#include "runtime/record/slab.h"

namespace piperun::record {

class RecordTest : public ::testing::Test {
 protected:
  using TypeId = value::TypeId;
  using Kind = value::TypeKind;

  RecordTest() { program.memory = std::make_unique<value::Arena>(); }

  TypeId scalar(Kind kind) { return program.types.scalar(kind); }
  TypeId nullable(TypeId type) { return program.types.with_null(type); }

  // The type of the source. Later calls of `format` say how its fields are written.
  void declare(std::vector<value::Field> fields) {
    std::vector<ir::FieldFormat> formats;
    for (const value::Field& field : fields) formats.push_back({.data_name = field.name, .absent = std::nullopt});
    source.type = program.types.record("T", std::move(fields));
    program.records[source.type] = std::move(formats);
  }
  ir::FieldFormat& format(std::size_t field) { return program.records.at(source.type)[field]; }
  void set_default(std::size_t field, value::Cell cell) {
    format(field).absent = ir::Constant{.type = program.types[source.type].fields[field].type, .cells = {cell, {}}, .secret = {}};
  }

  ir::Schema schema() const {
    ir::Schema columns;
    for (const value::Field& field : program.types[source.type].fields) columns.push_back({field.name, field.type});
    return columns;
  }

  void make() { decoder = make_decoder(program, source); }
  void make(const ir::Schema& columns) { decoder = make_decoder(program, source, columns); }

  // "" or the code of the fault; its words are in `detail`. Bytes that would change the answer follow the text.
  std::string decode(std::string_view text) {
    if (decoder == nullptr) make();
    payloads.push_back(std::string(text) + std::string("0\"}]") + std::string(kPadding, '9'));
    row.assign(64, value::Cell{});
    const auto fault = decoder->decode(std::string_view(payloads.back()).substr(0, text.size()), arena, row.data());
    detail = fault ? fault->detail : "";
    return fault ? base::traits(fault->code).code : "";
  }

  // Of the last row, as JSON.
  std::string json(JsonForm form = {}, ir::Format as = ir::Format::Json) {
    std::string out;
    const auto fault = make_encoder(program.types, schema(), as, form)->encode(row.data(), nullptr, out);
    return fault ? std::string(base::traits(fault->code).code) + " " + fault->detail : out;
  }
  // Decodes and encodes.
  std::string round(std::string_view text) {
    const std::string code = decode(text);
    return code.empty() ? json() : code;
  }

  ir::Program program;
  ir::Source source;
  std::unique_ptr<Decoder> decoder;
  value::Arena arena;
  std::vector<value::Cell> row;
  std::string detail;

 private:
  std::deque<std::string> payloads;
};

}  // namespace piperun::record
