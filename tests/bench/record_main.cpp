// CPU time of one 240-byte JSON record of seven declared fields through decoder, interpreter and encoder, step by step.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "lang/ir/builder.h"
#include "runtime/expr/row_function.h"
#include "runtime/record/decoder.h"
#include "runtime/record/encoder.h"
#include "runtime/record/slab.h"

namespace {

using namespace piperun;
using value::Cell;
using value::TypeKind;

constexpr int kRecords = 10'000;
constexpr int kRounds = 12;

double cpu_seconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

std::string order(int i) {
  char text[400];
  std::snprintf(
      text, sizeof text,
      R"({"order_id":"order-%08d-abcdef-%010d","customer_id":%d,"quantity":%d,"unit_price":"%d.%02d","total":%d.%02d,)"
      R"("currency":"EUR","created_at":"2026-01-31T11:%02d:%02dZ","note":"a note that nobody declared, of some length, as data has them"})",
      i, i, i % 1000, i % 9 + 1, i % 100, i % 100, i % 1000 + 11, i % 100, i % 60, i % 59);
  return text;
}

// filter total > 10; amount = round(quantity * unit_price, 2)
ir::Function priced(ir::Program& program, const ir::Schema& input, const ir::Schema& output) {
  value::TypeTable& types = program.types;
  ir::FunctionBuilder to(types, "priced");
  std::vector<ir::Value> columns;
  for (const ir::Column& column : input) columns.push_back(to.add_input(column));
  const ir::BlockId drop = to.new_block(), keep = to.new_block();
  const ir::Value limit = to.constant({.type = columns[4].type, .cells = {Cell::of(value::Int128{1'000}), {}}, .secret = {}});
  to.branch(to.add(ir::Op::LtDec, types.scalar(TypeKind::Bool), {limit, columns[4]}), keep, drop);
  to.go_to(drop);
  to.filtered();
  to.go_to(keep);
  const ir::Value quantity = to.add(ir::Op::IntToDec, types.decimal(19, 0), {columns[2]});
  const ir::Value exact = to.add(ir::Op::MulDec, types.decimal(31, 2), {quantity, columns[3]});
  to.add_output(output);
  to.emit(0, {columns[0], to.add(ir::Op::RescaleDec, types.decimal(18, 2), {exact}), columns[5], columns[6]});
  return to.finish();
}

template <typename Step>
void measure(const char* name, const std::vector<std::string>& records, Step step) {
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const double from = cpu_seconds();
    for (const std::string& text : records) step(std::string_view(text).substr(0, text.size() - record::kPadding));
    best = std::min(best, cpu_seconds() - from);
  }
  std::printf("%-10s %4.0f ns/record\n", name, best / kRecords * 1e9);
}

}  // namespace

int main() {
  ir::Program program;
  program.memory = std::make_unique<value::Arena>();
  value::TypeTable& types = program.types;
  const auto text = types.scalar(TypeKind::String), number = types.scalar(TypeKind::Int),
             time = types.scalar(TypeKind::Timestamp);
  const auto money = types.decimal(12, 2);
  const ir::Schema input{{"order_id", text}, {"customer_id", number}, {"quantity", number}, {"unit_price", money},
                         {"total", money},   {"currency", text},      {"created_at", time}};
  const ir::Schema output{{"order_id", text}, {"amount", types.decimal(18, 2)}, {"currency", text}, {"created_at", time}};
  std::vector<value::Field> fields;
  for (const ir::Column& column : input) fields.push_back({column.name, column.type});
  ir::Source source;
  source.type = types.record("Order", fields);
  program.functions.push_back(priced(program, input, output));

  const auto decoder = record::make_decoder(program, source);
  const auto encoder = record::make_encoder(types, output, ir::Format::Json);
  expr::RowFunction function = expr::RowFunction::compile(program, 0, {});
  std::vector<std::string> records;
  for (int i = 0; i < kRecords; ++i) records.push_back(order(i) + std::string(record::kPadding, '\0'));

  value::Arena arena;
  Cell row[16], result[16];
  std::string out;
  const auto decode = [&](std::string_view value) {
    if (decoder->decode(value, arena, row)) std::abort();
  };
  const auto interpret = [&](std::string_view) {
    if (function.run(row, {arena, 0, {}}, result).kind != expr::Outcome::Kind::Emit) std::abort();
  };
  const auto encode = [&](std::string_view) {
    if (out.size() > 1'000'000) out.clear();
    if (encoder->encode(result, nullptr, out)) std::abort();
  };
  measure("decode", records, decode);
  measure("interpret", records, interpret);
  measure("encode", records, encode);
  measure("all", records, [&](std::string_view value) { decode(value), interpret(value), encode(value); });
}
