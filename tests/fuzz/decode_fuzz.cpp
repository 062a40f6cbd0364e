// Any bytes through the JSON, CSV and raw decoders: no crash, no read outside of the payload and its padding, and what is accepted can
// be written and read back as the same text. The first byte chooses the format; JSON must agree with the tree parser of lang/value.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "runtime/record/csv_splitter.h"
#include "runtime/record/decoder.h"
#include "runtime/record/encoder.h"
#include "runtime/record/slab.h"

namespace {

using namespace piperun;
using value::TypeKind;

struct Decoders {
  ir::Program program;
  ir::Schema columns;
  ir::Schema row;
  std::unique_ptr<record::Decoder> decoders[3];
  std::unique_ptr<record::Encoder> encoders[3];
  value::Arena arena;

  Decoders() {
    program.memory = std::make_unique<value::Arena>();
    value::TypeTable& types = program.types;
    const auto scalar = [&](TypeKind kind) { return types.with_null(types.scalar(kind)); };
    const value::TypeId line =
        types.record("Line", {{"qty", scalar(TypeKind::Int)}, {"tags", types.list(types.scalar(TypeKind::String))}});
    const std::vector<value::Field> fields{{"s", scalar(TypeKind::String)},
                                           {"i", scalar(TypeKind::Int)},
                                           {"f", scalar(TypeKind::Float)},
                                           {"d", types.with_null(types.decimal(38, 9))},
                                           {"t", scalar(TypeKind::Timestamp)},
                                           {"u", scalar(TypeKind::Duration)},
                                           {"y", scalar(TypeKind::Bytes)},
                                           {"l", types.with_null(types.list(line))},
                                           {"m", types.with_null(types.map(types.scalar(TypeKind::Int)))},
                                           {"j", scalar(TypeKind::Json)}};
    ir::Source source;
    source.type = types.record("T", fields);
    source.extra = ir::ExtraFields::Keep;
    for (const value::Field& field : fields) columns.push_back({field.name, field.type});
    row = columns;
    row.push_back({"#extra", types.scalar(TypeKind::Json)});
    for (int n = 0; n < 3; ++n) {
      source.format = static_cast<ir::Format>(n);
      decoders[n] = record::make_decoder(program, source, row);
      encoders[n] = record::make_encoder(types, columns, source.format);
    }
  }

  // In memory of exactly its size and padding, so that a sanitizer sees what goes beyond.
  std::optional<record::DecodeFault> decode(int format, std::string_view text, value::Cell* out) {
    const auto bytes = std::make_unique<char[]>(text.size() + record::kPadding);
    std::memset(bytes.get(), '"', text.size() + record::kPadding);
    std::memcpy(bytes.get(), text.data(), text.size());
    const value::Text kept = arena.copy({bytes.get(), text.size() + record::kPadding});
    if (auto fault = decoders[format]->decode({bytes.get(), text.size()}, arena, out)) return fault;
    return decoders[format]->decode({kept.data, text.size()}, arena, out);  // the views of this one outlive the call
  }
};

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Decoders all;
  if (size == 0) return 0;
  const int format = data[0] % 3;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  all.arena.reset();
  value::Cell row[64];
  const auto fault = all.decode(format, text, row);
  record::CsvSplitter splitter(',');
  if (const auto end = splitter.find_end(text))
    require(end->content <= end->next && end->next <= text.size(), "a record end outside of the text");

  if (format == 0) {
    const bool is_data_fault =
        fault && fault->code != base::ErrorCode::InvalidJson && fault->code != base::ErrorCode::InvalidUtf8;
    const bool has_mark = text.starts_with("\xEF\xBB\xBF");
    if (!fault || (is_data_fault && fault->code != base::ErrorCode::TooDeep))
      require(value::parse_json(has_mark ? text.substr(3) : text, all.arena).has_value(), "accepted what is no JSON");
  }
  if (fault) return 0;
  const value::JsonNode* extra = row[20].j;
  std::string once, twice;
  if (all.encoders[format]->encode(row, extra, once)) return 0;  // raw: null
  require(!all.decode(format, once, row), "does not read what it wrote");
  require(!all.encoders[format]->encode(row, row[20].j, twice) && once == twice, "reads back another value");
  return 0;
}
