#include "runtime/connectors/file/file_table.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "lang/value/key.h"
#include "runtime/connectors/file/file_bytes.h"
#include "runtime/connectors/file/splitter.h"
#include "runtime/record/csv_delimiter.h"
#include "runtime/record/decoder.h"
#include "runtime/record/slab.h"

namespace piperun::file {

using base::ErrorCode;
using base::Result;

Result<std::unique_ptr<connectors::Table>> FileTable::open(const std::string& path, const ir::Program& program,
                                                           const ir::Table& table, base::Clock& clock) {
  std::unique_ptr<FileTable> result(new FileTable(path, program, table, clock));
  if (auto loaded = result->load(); !loaded) return std::unexpected(loaded.error());
  return result;
}

std::int64_t FileTable::modified() const {
  struct stat found{};
  if (::stat(path_.c_str(), &found) != 0) return 0;
  return micros_of(found.st_mtim);
}

Result<void> FileTable::load() {
  const std::int64_t modified_now = modified();
  auto text = read_file(path_);
  if (!text) return std::unexpected(text.error());
  const std::size_t size = text->size();
  text->append(record::kPadding, '\0');
  texts_.push_back(std::move(*text));
  const std::string_view all = std::string_view(texts_.back()).substr(0, size);

  const auto decoder = record::make_decoder(program_, table_);
  const std::vector<value::Field>& fields = program_.types[table_.type].fields;
  std::size_t width = 0;
  std::vector<std::size_t> offsets;
  for (const value::Field& field : fields) {
    offsets.push_back(width);
    width += static_cast<std::size_t>(value::cells(program_.types[field.type]));
  }
  std::unordered_map<std::string, const value::Cell*> rows;
  Splitter splitter(table_.format, record::delimiter_of(table_.options), all, true);
  const auto header = table_.options.find("header");
  bool is_header = table_.format == ir::Format::Csv && (header == table_.options.end() || header->second != "false");
  const char* counted = all.data();
  std::ptrdiff_t line = 1;
  while (const auto piece = splitter.next()) {
    line += std::count(counted, piece->record.data(), '\n');
    counted = piece->record.data();
    value::Cell* cells = memory_.cells(width);
    const auto fault = is_header ? decoder->set_header(piece->record) : decoder->decode(piece->record, memory_, cells);
    if (fault)
      return base::failure(ErrorCode::SchemaMismatch,
                           fmt::format("table {}: {}:{}: {}", table_.name, path_, line, fault->detail));
    if (std::exchange(is_header, false)) continue;
    std::string key;
    for (const int field : table_.key)
      value::encode_key(program_.types, fields[static_cast<std::size_t>(field)].type,
                        cells + offsets[static_cast<std::size_t>(field)], key);
    if (rows.emplace(std::move(key), cells).second) continue;
    return base::failure(ErrorCode::SchemaMismatch,
                         fmt::format("table {}: {}:{}: there is a record with this key before", table_.name, path_, line));
  }
  rows_ = std::move(rows);
  modified_ = modified_now;
  loaded_at_ = clock_.monotonic();
  return {};
}

Result<void> FileTable::load_again() {
  if (table_.cache <= 0 || clock_.monotonic() - loaded_at_ < table_.cache) return {};
  if (modified() != modified_) return load();
  loaded_at_ = clock_.monotonic();
  return {};
}

Result<void> FileTable::lookup(std::span<const value::Cell* const> keys, value::Arena&, std::span<const value::Cell*> rows) {
  if (auto loaded = load_again(); !loaded) return loaded;
  const std::vector<value::Field>& fields = program_.types[table_.type].fields;
  std::string bytes;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    bytes.clear();
    const value::Cell* key = keys[i];
    for (const int field : table_.key) {
      const value::TypeId type = fields[static_cast<std::size_t>(field)].type;
      value::encode_key(program_.types, type, key, bytes);
      key += value::cells(program_.types[type]);
    }
    const auto found = rows_.find(bytes);
    rows[i] = found == rows_.end() ? nullptr : found->second;
  }
  return {};
}

}  // namespace piperun::file
