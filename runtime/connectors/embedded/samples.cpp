#include "runtime/connectors/embedded/samples.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "lang/ir/declared.h"
#include "lang/value/json_node.h"
#include "lang/value/text.h"
#include "runtime/connectors/embedded/table_writer.h"
#include "runtime/connectors/file/file_bytes.h"
#include "runtime/connectors/file/splitter.h"
#include "runtime/record/csv_delimiter.h"
#include "runtime/record/decoder.h"
#include "runtime/record/slab.h"

namespace piperun::embedded {

using base::ErrorCode;
using base::Result;

namespace {

std::string option(const std::map<std::string, std::string>& options, const std::string& name) {
  const auto found = options.find(name);
  return found == options.end() ? "" : found->second;
}

// `a, b` or `a`: names of fields.
std::vector<std::string> names_in(std::string_view list, char delimiter = ',') {
  std::vector<std::string> result;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(delimiter), list.size());
    const std::string_view name = value::trim(list.substr(0, end));
    if (!name.empty()) result.emplace_back(name);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return result;
}

std::string data_name(const ir::Program& program, value::TypeId type, std::size_t field) {
  const auto formats = program.records.find(type);
  if (formats != program.records.end() && !formats->second[field].data_name.empty()) return formats->second[field].data_name;
  return program.types[type].fields[field].name;
}

// The fields, as the data calls them, whose values make a sample record's key.
std::vector<std::string> key_fields(const ir::Program& program, const ir::Source& source) {
  std::vector<std::string> result;
  for (const int field : source.key) result.push_back(data_name(program, source.type, static_cast<std::size_t>(field)));
  if (!result.empty()) return result;
  for (const std::string& name : names_in(option(source.options, "partitioned_by"))) {
    const int field = value::field_index(program.types[source.type], name);
    result.push_back(field < 0 ? name : data_name(program, source.type, static_cast<std::size_t>(field)));
  }
  return result;
}

// One field: its text. Several: a JSON list of them. nullopt: the line is no object, or a field is not there.
std::optional<std::string> key_of(std::string_view line, const std::vector<std::string>& fields, value::Arena& arena) {
  if (fields.empty()) return std::nullopt;
  const auto tree = value::parse_json(line, arena);
  if (!tree || (*tree)->kind != value::JsonKind::Object) return std::nullopt;
  std::string result = fields.size() > 1 ? "[" : "";
  for (const std::string& field : fields) {
    const value::JsonNode* found = value::member(**tree, field);
    if (found == nullptr || found->kind == value::JsonKind::Null) return std::nullopt;
    if (result.size() > 1) result += ',';
    if (fields.size() == 1 && found->kind == value::JsonKind::String) return std::string(found->text);
    value::write_json(*found, result);
  }
  return fields.size() > 1 ? result + "]" : result;
}

// False: it was filled before.
Result<bool> mark_filled(Database& database, const std::string& object, const std::string& file) {
  auto marked = database.query("INSERT INTO piperun_samples (object, file) VALUES (?1, ?2) ON CONFLICT DO NOTHING")
                    .bind(1, object)
                    .bind(2, file)
                    .run();
  if (!marked) return std::unexpected(marked.error());
  return *marked == 1;
}

std::int64_t partitions_of(const ir::Source& source) {
  const std::string text = option(source.options, "partitions");
  std::int64_t result = 1;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

bool has_header(ir::Format format, const std::map<std::string, std::string>& options) {
  return format == ir::Format::Csv && option(options, "header") != "false";
}

Result<std::string> read_sample(const std::string& file) {
  auto text = file::read_file(file);
  if (!text)
    return base::failure(ErrorCode::BadSample,
                         fmt::format("sample: {}; it has one record a line, and its path begins at the .pipe file's folder",
                                     text.error().message));
  return text;
}

}  // namespace

Result<void> fill_topic(Database& database, const ir::Program& program, const ir::Source& source, const std::string& file,
                        std::int64_t now) {
  Transaction transaction(database);
  if (auto begun = transaction.begin(); !begun) return begun;
  const std::string name = ir::object_of(source);
  if (auto made = make_topic(database, name, partitions_of(source)); !made) return std::unexpected(made.error());
  if (file.empty()) return transaction.commit();
  auto is_new = mark_filled(database, "topic " + name, file);
  if (!is_new) return std::unexpected(is_new.error());
  if (!*is_new) return transaction.commit();
  auto text = read_sample(file);
  if (!text) return std::unexpected(text.error());

  const std::vector<std::string> fields = key_fields(program, source);
  std::vector<std::string> keys;
  std::vector<NewRecord> records;
  value::Arena arena;
  file::Splitter splitter(source.format, record::delimiter_of(source.options), *text, true);
  if (has_header(source.format, source.options)) {
    const auto header = splitter.next();
    std::vector<std::string> columns;
    for (std::size_t i = 0; i < program.types[source.type].fields.size(); ++i)
      columns.push_back(data_name(program, source.type, i));
    // Records of a topic have no header, so their columns are those of the type, in its order.
    if (header && names_in(header->record, record::delimiter_of(source.options)) != columns) {
      return base::failure(ErrorCode::BadSample, fmt::format("{}:1: the header must name the fields of {} in their order", file,
                                                             program.types.name(source.type)));
    }
  }
  while (const auto piece = splitter.next()) {
    auto key = key_of(piece->record, fields, arena);
    arena.reset();
    keys.push_back(key.value_or(""));
    NewRecord& record = records.emplace_back();
    record.timestamp = now;
    record.value = piece->record;
    if (key) record.key = std::string_view();  // set below, when `keys` does not move any more
  }
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (records[i].key) records[i].key = keys[i];
  }
  if (auto appended = append_records(database, name, records); !appended) return appended;
  return transaction.commit();
}

Result<void> fill_table(Database& database, const ir::Program& program, const ir::Table& table, const std::string& file) {
  Transaction transaction(database);
  if (auto begun = transaction.begin(); !begun) return begun;
  const TableLayout layout = layout_of(program, table);
  auto writer = TableWriter::open(database, nullptr, program.types, layout, {});
  if (!writer) return std::unexpected(writer.error());
  if (file.empty()) return transaction.commit();
  auto is_new = mark_filled(database, "table " + layout.table, file);
  if (!is_new) return std::unexpected(is_new.error());
  if (!*is_new) return transaction.commit();
  auto text = read_sample(file);
  if (!text) return std::unexpected(text.error());
  const std::size_t size = text->size();
  text->append(record::kPadding, '\0');

  const auto decoder = record::make_decoder(program, table);
  std::size_t width = 0;
  for (const TableColumn& column : layout.columns) width += static_cast<std::size_t>(value::cells(program.types[column.type]));
  file::Splitter splitter(table.format, record::delimiter_of(table.options), std::string_view(*text).substr(0, size), true);
  bool is_header = has_header(table.format, table.options);
  value::Arena arena;
  std::vector<connectors::OutputRow> rows;
  std::vector<const char*> places;
  while (const auto piece = splitter.next()) {
    value::Cell* cells = arena.cells(width);
    const auto fault = is_header ? decoder->set_header(piece->record) : decoder->decode(piece->record, arena, cells);
    if (fault) {
      const auto line = 1 + std::count(static_cast<const char*>(text->data()), piece->record.data(), '\n');
      return base::failure(ErrorCode::BadSample, fmt::format("{}:{}: {}", file, line, fault->detail));
    }
    if (std::exchange(is_header, false)) continue;
    rows.emplace_back().cells = cells;
    places.push_back(piece->record.data());
  }
  if (auto written = (*writer)->write(rows); !written) {
    if (written.error().row < 0) return written;
    const auto line =
        1 + std::count(static_cast<const char*>(text->data()), places[static_cast<std::size_t>(written.error().row)], '\n');
    return base::failure(ErrorCode::BadSample, fmt::format("{}:{}: {}", file, line, written.error().message));
  }
  return transaction.commit();
}

}  // namespace piperun::embedded
