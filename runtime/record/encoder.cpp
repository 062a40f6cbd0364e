#include "runtime/record/encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "lang/value/text.h"
#include "runtime/record/csv_delimiter.h"
#include "runtime/record/csv_encoder.h"
#include "runtime/record/json_writer.h"

namespace piperun::record {
namespace {

using value::Cell;
using value::TypeKind;

class JsonEncoder : public Encoder {
 public:
  JsonEncoder(const value::TypeTable& types, const ir::Schema& columns, JsonForm form) : types_(types), form_(form) {
    for (const ir::Column& column : columns) {
      Column entry{.name = column.name, .token = {}, .type = types[column.type], .cells = value::cells(types[column.type])};
      write_json_string(column.name, entry.token);
      entry.token += ':';
      columns_.push_back(std::move(entry));
    }
  }

  std::optional<EncodeFault> encode(const Cell* cells, const value::JsonNode* extra, std::string& out) const override {
    const std::size_t before = out.size();
    JsonWriter writer(types_, form_, out);
    char separator = '{';
    for (const Column& column : columns_) {
      const Cell* const cell = cells;
      cells += column.cells;
      const bool is_null = column.type.nullable && cell->b;
      if (is_null && form_.nulls == ir::NullForm::Omit) continue;
      out += separator;
      separator = ',';
      out += column.token;
      if (is_null) {
        out += "null";
      } else if (!writer.present(column.type, cell[column.type.nullable ? 1 : 0])) [[unlikely]] {
        out.resize(before);
        return EncodeFault{base::ErrorCode::NotEncodable, fmt::format("`{}`: {}", column.name, writer.fault())};
      }
    }
    if (extra != nullptr) write_extra(*extra, separator, out);
    out += separator == '{' ? "{}" : "}";
    return std::nullopt;
  }

 private:
  struct Column {
    std::string name;
    std::string token;  // `"name":`
    value::Type type;
    int cells;
  };

  void write_extra(const value::JsonNode& extra, char& separator, std::string& out) const {
    for (std::size_t i = 0; i < extra.count; ++i) {
      const std::string_view name = extra.names[i];
      if (std::ranges::any_of(columns_, [&](const Column& column) { return column.name == name; })) continue;
      out += separator;
      separator = ',';
      write_json_string(name, out);
      out += ':';
      value::write_json(extra.children[i], out);
    }
  }

  const value::TypeTable& types_;
  JsonForm form_;
  std::vector<Column> columns_;
};

// The bytes of the first string or bytes column.
class RawEncoder : public Encoder {
 public:
  RawEncoder(const value::TypeTable& types, const ir::Schema& columns) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const value::Type& type = types[columns[i].type];
      if (type.kind != TypeKind::String && type.kind != TypeKind::Bytes) continue;
      cell_ = ir::cell_offset(types, columns, static_cast<int>(i));
      nullable_ = type.nullable;
      name_ = columns[i].name;
      return;
    }
  }

  std::optional<EncodeFault> encode(const Cell* cells, const value::JsonNode*, std::string& out) const override {
    if (cell_ < 0) return EncodeFault{base::ErrorCode::NotEncodable, "no column is a string or bytes"};
    const Cell* const cell = cells + cell_;
    if (nullable_ && cell->b) return EncodeFault{base::ErrorCode::NotEncodable, fmt::format("`{}`: null has no raw form", name_)};
    out += std::string_view(cell[nullable_ ? 1 : 0].s);
    return std::nullopt;
  }

 private:
  int cell_ = -1;
  bool nullable_ = false;
  std::string name_;
};

}  // namespace

std::unique_ptr<Encoder> make_encoder(const value::TypeTable& types, const ir::Schema& columns, ir::Format format, JsonForm form,
                                      char delimiter) {
  switch (format) {
    case ir::Format::Json: return std::make_unique<JsonEncoder>(types, columns, form);
    case ir::Format::Csv: return std::make_unique<CsvEncoder>(types, columns, delimiter);
    case ir::Format::Raw: return std::make_unique<RawEncoder>(types, columns);
  }
  return nullptr;
}

std::unique_ptr<Encoder> make_encoder(const ir::Program& program, const ir::Sink& sink) {
  return make_encoder(program.types, sink.columns, sink.format, {sink.decimals, sink.nulls}, delimiter_of(sink.options));
}

}  // namespace piperun::record
