#include "runtime/piperun/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "lang/value/text.h"
#include "lang/value/time.h"
#include "runtime/connectors/embedded/inspector.h"
#include "runtime/connectors/embedded/sql_cells.h"
#include "runtime/connectors/embedded/table_layout.h"
#include "runtime/record/encoder.h"

namespace piperun::cli {
namespace {

base::Result<std::string> row_json(embedded::Query& query, const ir::Program& program, const ir::Sink& sink,
                                   const record::Encoder& encoder) {
  value::Arena arena;
  std::vector<value::Cell> cells;
  for (const auto& column : sink.columns)
    cells.resize(cells.size() + static_cast<std::size_t>(value::cells(program.types[column.type])));
  value::Cell* cell = cells.data();
  for (int i = 0; i < static_cast<int>(sink.columns.size()); ++i) {
    const value::TypeId type = sink.columns[static_cast<std::size_t>(i)].type;
    if (!embedded::read_cell(query, i, program.types, type, arena, cell)) {
      return base::failure(base::ErrorCode::SchemaMismatch,
                           fmt::format("{}: a stored `{}` is no {}", sink.object, sink.columns[static_cast<std::size_t>(i)].name,
                                       program.types.name(type)));
    }
    cell += value::cells(program.types[type]);
  }
  std::string line;
  if (const auto fault = encoder.encode(cells.data(), nullptr, line)) return base::failure(fault->code, fault->detail);
  return line;
}

}  // namespace

base::Result<std::vector<std::string>> table_lines(const ir::Program& program, const ir::Sink& sink, const std::string& path) {
  if (!std::filesystem::exists(path)) return std::vector<std::string>{};
  auto database = embedded::Database::open(path, embedded::Database::Access::Read);
  if (!database) return std::unexpected(database.error());
  const embedded::TableLayout layout = embedded::layout_of(sink);
  const auto exists = embedded::table_exists(**database, layout.table);
  if (!exists) return std::unexpected(exists.error());
  std::vector<std::string> lines;
  if (!*exists) return lines;
  const auto encoder = record::make_encoder(program.types, sink.columns, ir::Format::Json, {sink.decimals, sink.nulls});
  embedded::Query query =
      (*database)->query(fmt::format("SELECT {} FROM {} ORDER BY {}", embedded::column_list(layout),
                                     embedded::quoted(layout.table), layout.key.empty() ? "rowid" : embedded::key_list(layout)));
  for (;;) {
    const auto row = query.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return lines;
    auto line = row_json(query, program, sink, *encoder);
    if (!line) return std::unexpected(line.error());
    lines.push_back(std::move(*line));
  }
}

base::Result<std::vector<std::string>> topic_lines(const std::string& database, const std::string& topic) {
  if (!std::filesystem::exists(database)) return std::vector<std::string>{};
  auto inspector = embedded::Inspector::open(database, embedded::Database::Access::Read);
  if (!inspector) return std::unexpected(inspector.error());
  const auto records = inspector->peek(topic, -1, 0, INT64_MAX);
  std::vector<std::string> lines;
  if (!records && records.error().code == base::ErrorCode::NoSuchTopic) return lines;
  if (!records) return std::unexpected(records.error());
  for (const TopicRecord& record : *records) {
    if (record.value) lines.push_back(value::is_utf8(*record.value) ? *record.value : bytes_json(record.value));
    else lines.push_back(record.key ? fmt::format("null key={}", bytes_json(record.key)) : "null");
  }
  return lines;
}

std::string bytes_json(const std::optional<std::string>& bytes) {
  if (!bytes) return "null";
  std::string out;
  if (value::is_utf8(*bytes)) {
    record::write_json_string(*bytes, out);
    return out;
  }
  out = "{\"base64\":\"";
  value::append_base64(out, *bytes);
  return out + "\"}";
}

std::string record_json(const TopicRecord& record) {
  std::string time;
  value::append_timestamp(time, record.timestamp);
  std::string out = fmt::format("{{\"partition\":{},\"offset\":{},\"timestamp\":\"{}\",\"key\":{}", record.partition,
                                record.offset, time, bytes_json(record.key));
  if (!record.headers.empty()) {
    out += ",\"headers\":[";
    for (std::size_t i = 0; i < record.headers.size(); ++i) {
      out += fmt::format("{}{{\"name\":{},\"value\":{}}}", i == 0 ? "" : ",", bytes_json(record.headers[i].first),
                         bytes_json(record.headers[i].second));
    }
    out += ']';
  }
  return out + fmt::format(",\"value\":{}}}", bytes_json(record.value));
}

}  // namespace piperun::cli
