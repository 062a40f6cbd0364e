// `piperun table list|peek`: tables of stand-ins.
#include <fmt/ostream.h>

#include <algorithm>

#include "lang/value/text.h"
#include "runtime/piperun/rows.h"
#include "runtime/piperun/stores.h"

namespace piperun::cli {
namespace {

constexpr Option kListOptions[] = {{"WORDS", Takes::Many, false, "", "[FILE]"}, kStandIns, kStateDir, kParam, kJson};
constexpr Option kPeekOptions[] = {{"WORDS", Takes::Many, true, "", "TABLE [FILE]"},
                                   {"--limit", Takes::One, false, "", "how many rows (default: 10)"},
                                   kStandIns,
                                   kStateDir,
                                   kParam,
                                   kJson};

Exit list(const Arguments& arguments, World& world) {
  const auto set = open_stores(arguments, world);
  if (!set) return set.error();
  std::size_t tables = 0;
  const auto done = each_store(*set, [&](const Store& store, embedded::Inspector& inspector) -> base::Result<void> {
    const auto found = inspector.tables();
    if (!found) return std::unexpected(found.error());
    for (const embedded::StoredTable& table : *found) {
      if (arguments.has("--json"))
        fmt::print(world.out, "{{\"table\":{},\"store\":{},\"rows\":{}}}\n", bytes_json(table.name), bytes_json(store.path),
                   table.rows);
      else fmt::print(world.out, "{:<24} {} rows   {}\n", table.name, table.rows, store.path);
    }
    tables += found->size();
    return {};
  });
  if (!done) return tell(done.error(), world);
  if (tables == 0) fmt::print(world.err, "no tables; a run makes those of its sinks, and those of its tables with a `sample`\n");
  return Exit::Done;
}

bool is_boolean(const embedded::StoredTable& table, std::size_t column, const embedded::StoredValue& value) {
  return table.types[column] == "BOOLEAN" && value.kind == embedded::StoredValue::Kind::Integer;
}

const char* boolean(const embedded::StoredValue& value) { return value.text == "0" ? "false" : "true"; }

std::string shown(const embedded::StoredTable& table, std::size_t column, const embedded::StoredValue& value) {
  using Kind = embedded::StoredValue::Kind;
  if (is_boolean(table, column, value)) return boolean(value);
  switch (value.kind) {
    case Kind::Null: return "-";
    case Kind::Integer:
    case Kind::Real:
    case Kind::Text: return value.text;
    case Kind::Bytes: break;
  }
  std::string text = "base64:";
  value::append_base64(text, value.text);
  return text;
}

std::string as_json(const embedded::StoredTable& table, std::size_t column, const embedded::StoredValue& value) {
  using Kind = embedded::StoredValue::Kind;
  if (is_boolean(table, column, value)) return boolean(value);
  switch (value.kind) {
    case Kind::Null: return "null";
    case Kind::Integer:
    case Kind::Real: return value.text;
    case Kind::Text:
    case Kind::Bytes: break;
  }
  return bytes_json(value.text);
}

void print_json(const embedded::StoredTable& table, const std::vector<std::vector<embedded::StoredValue>>& rows, World& world) {
  for (const auto& row : rows) {
    std::string line = "{";
    for (std::size_t i = 0; i < row.size(); ++i)
      line += fmt::format("{}{}:{}", i == 0 ? "" : ",", bytes_json(table.columns[i]), as_json(table, i, row[i]));
    fmt::print(world.out, "{}}}\n", line);
  }
}

void print_table(const embedded::StoredTable& table, const std::vector<std::vector<embedded::StoredValue>>& rows, World& world) {
  std::vector<std::size_t> widths;
  for (const std::string& column : table.columns) widths.push_back(column.size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], std::min<std::size_t>(40, shown(table, i, row[i]).size()));
  }
  const auto cell = [&](std::size_t i, const std::string& text) {
    if (i + 1 == widths.size()) fmt::print(world.out, "{}\n", text);
    else fmt::print(world.out, "{:<{}}  ", text, widths[i]);
  };
  for (std::size_t i = 0; i < table.columns.size(); ++i) cell(i, table.columns[i]);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) cell(i, shown(table, i, row[i]));
  }
}

Exit peek(const Arguments& arguments, World& world) {
  const auto set = open_stores(arguments, world);
  if (!set) return set.error();
  const auto limit = arguments.number("--limit", 10);
  if (set->words.size() != 1 || !limit) return misuse(world, "piperun table peek TABLE [FILE] [--limit N]");
  const auto found = find_table(*set, set->words[0]);
  if (!found) return tell(found.error(), world);
  auto inspector = embedded::Inspector::open(found->store.path, embedded::Database::Access::Read);
  if (!inspector) return tell(inspector.error(), world);
  const auto tables = inspector->tables();
  if (!tables) return tell(tables.error(), world);
  const auto table = std::ranges::find(*tables, found->table, &embedded::StoredTable::name);
  if (table == tables->end())
    return tell(
        {base::ErrorCode::NoSuchTable, fmt::format("there is no table `{}` in {}", found->table, found->store.path), {}, -1},
        world);
  const auto rows = inspector->rows(found->table, *limit);
  if (!rows) return tell(rows.error(), world);
  if (arguments.has("--json")) print_json(*table, *rows, world);
  else print_table(*table, *rows, world);
  return Exit::Done;
}

}  // namespace

extern const Command kTableList, kTablePeek;
const Command kTableList = {"table list", "Tables with their number of rows.",
                            "piperun table list\npiperun table list orders.pipe", kListOptions, list};
const Command kTablePeek = {"table peek", "Rows of a table.",
                            "piperun table peek order_lines --limit 5\npiperun table peek order_lines --json", kPeekOptions,
                            peek};

}  // namespace piperun::cli
