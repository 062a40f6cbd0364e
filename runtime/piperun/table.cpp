// `piperun table list|peek`: what is in tables.
#include <fmt/ostream.h>

#include <algorithm>

#include "lang/value/text.h"
#include "runtime/piperun/numbers.h"
#include "runtime/piperun/rows.h"
#include "runtime/piperun/stores.h"

namespace piperun::cli {
namespace {

constexpr Option kListOptions[] = {kOfFile, kStandIns, kStateDir, kParam, kJson};
constexpr Option kPeekOptions[] = {
    {"WORDS", Takes::Many, false, "", "a table, or a table or sink of FILE, which says where it is", "TABLE [FILE]"},
    {"--limit", Takes::One, false, "", "how many rows (default: 10)"},
    kStandIns,
    kStateDir,
    kParam,
    kJson};

Exit list(const Arguments& arguments, World& world) {
  const auto set = open_stores(arguments, world);
  if (!set) return set.error();
  std::size_t tables = 0;
  const auto done = each_store(*set, [&](const Store& store) -> base::Result<void> {
    const auto found = store.data->tables();
    if (!found) return std::unexpected(found.error());
    for (const ListedTable& table : *found) {
      if (arguments.has("--json"))
        fmt::print(world.out, "{{\"table\":{},\"store\":{},\"rows\":{}}}\n", bytes_json(table.name), bytes_json(store.place),
                   table.rows);
      else fmt::print(world.out, "{:<24} {}   {}\n", table.name, counted(table.rows, "row"), store.place);
    }
    tables += found->size();
    return {};
  });
  if (!done) return tell(done.error(), *set, world);
  if (tables == 0) fmt::print(world.err, "no tables; a run makes those of its sinks, and those of its tables with a `sample`\n");
  return Exit::Done;
}

std::string shown(const TableValue& value) {
  using Kind = TableValue::Kind;
  switch (value.kind) {
    case Kind::Null: return "-";
    case Kind::Number:
    case Kind::Bool:
    case Kind::Text:
    case Kind::Json: return value.text;
    case Kind::Bytes: break;
  }
  std::string text = "base64:";
  value::append_base64(text, value.text);
  return text;
}

// JSON has no NaN and no infinity: they are texts.
bool is_json_number(const std::string& text) { return text.find_first_of("NI") == std::string::npos; }

std::string as_json(const TableValue& value) {
  using Kind = TableValue::Kind;
  switch (value.kind) {
    case Kind::Null: return "null";
    case Kind::Number: return is_json_number(value.text) ? value.text : bytes_json(value.text);
    case Kind::Bool:
    case Kind::Json: return value.text;
    case Kind::Text:
    case Kind::Bytes: break;
  }
  return bytes_json(value.text);
}

void print_json(const TableRows& table, World& world) {
  for (const auto& row : table.rows) {
    std::string line = "{";
    for (std::size_t i = 0; i < row.size(); ++i)
      line += fmt::format("{}{}:{}", i == 0 ? "" : ",", bytes_json(table.columns[i]), as_json(row[i]));
    fmt::print(world.out, "{}}}\n", line);
  }
}

void print_table(const TableRows& table, World& world) {
  const auto& [columns, rows] = table;
  std::vector<std::size_t> widths;
  for (const std::string& column : columns) widths.push_back(column.size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], std::min<std::size_t>(40, shown(row[i]).size()));
  }
  const auto cell = [&](std::size_t i, const std::string& text) {
    if (i + 1 == widths.size()) fmt::print(world.out, "{}\n", text);
    else fmt::print(world.out, "{:<{}}  ", text, widths[i]);
  };
  for (std::size_t i = 0; i < columns.size(); ++i) cell(i, columns[i]);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) cell(i, shown(row[i]));
  }
}

Exit peek(const Arguments& arguments, World& world) {
  const auto limit = arguments.number("--limit", 10);
  if (!limit) return misuse(world, "--limit takes a whole number");
  const auto set = open_stores(arguments, world, "TABLE");
  if (!set) return set.error();
  const auto found = find_table(*set, set->words[0]);
  if (!found) return tell(found.error(), *set, world);
  const auto rows = found->store->data->rows(found->name, *limit);
  if (!rows) return tell(rows.error(), *set, world);
  if (arguments.has("--json")) print_json(*rows, world);
  else print_table(*rows, world);
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
