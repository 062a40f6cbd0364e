#include "runtime/piperun/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "runtime/piperun/numbers.h"
#include "runtime/record/encoder.h"

namespace piperun::cli {
namespace {

std::string sum(const commit::Counts& counts) {
  std::string text;
  for (const CountClass& each : kCountClasses) {
    if (counts.*each.count == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : " + ", each.name, with_commas(counts.*each.count));
  }
  return fmt::format("read {}{}{}", with_commas(counts.read), text.empty() ? "" : " = ", text);
}

std::string list(const commit::Counts& counts) {
  std::string text = fmt::format("read {}", counts.read);
  for (const CountClass& each : kCountClasses) {
    if (counts.*each.count != 0) text += fmt::format(", {} {}", each.name, counts.*each.count);
  }
  return text;
}

std::string quoted(std::string_view text) {
  std::string out;
  record::write_json_string(text, out);
  return out;
}

std::string members(const commit::Counts& counts) {
  std::string text = fmt::format("\"read\":{}", counts.read);
  for (const CountClass& each : kCountClasses) text += fmt::format(",\"{}\":{}", each.name, counts.*each.count);
  return text;
}

}  // namespace

std::string ledger_table(const std::vector<engine::UnitLedger>& ledgers) {
  std::size_t width = 0;
  for (const engine::UnitLedger& ledger : ledgers) {
    width = std::max(width, ledger.unit.size());
    for (const auto& [sink, rows] : ledger.rows) width = std::max(width, sink.size() + 3);
  }
  std::string text;
  for (const engine::UnitLedger& ledger : ledgers) {
    text += fmt::format("{:<{}}  {}\n", ledger.unit, width, sum(ledger.counts));
    if (ledger.replayed.read != 0) text += fmt::format("{:<{}}  {}\n", "   replayed", width, sum(ledger.replayed));
    for (const auto& [sink, rows] : ledger.rows) text += fmt::format("-> {:<{}}  {}\n", sink, width - 3, counted(rows, "row"));
  }
  return text;
}

std::string ledger_json(const std::vector<engine::UnitLedger>& ledgers) {
  std::string text;
  for (const engine::UnitLedger& ledger : ledgers) {
    text += fmt::format("{{\"unit\":{},{},\"replayed\":{{{}}},\"sinks\":{{", quoted(ledger.unit), members(ledger.counts),
                        members(ledger.replayed));
    const char* comma = "";
    for (const auto& [sink, rows] : ledger.rows) text += fmt::format("{}{}:{}", std::exchange(comma, ","), quoted(sink), rows);
    text += "},\"positions\":[";
    comma = "";
    for (const commit::Position& position : ledger.positions) {
      text += fmt::format("{}{{\"topic\":{},\"partition\":{},\"next_offset\":{}}}", std::exchange(comma, ","),
                          quoted(position.partition.topic), position.partition.number, position.next_offset);
    }
    text += "]}\n";
  }
  return text;
}

std::vector<std::string> ledger_lines(const std::vector<engine::UnitLedger>& ledgers) {
  std::vector<std::string> lines;
  for (const engine::UnitLedger& ledger : ledgers) {
    lines.push_back(fmt::format("{}: {}", ledger.unit, list(ledger.counts)));
    if (ledger.replayed.read != 0) lines.push_back(fmt::format("{} replays: {}", ledger.unit, list(ledger.replayed)));
  }
  for (const engine::UnitLedger& ledger : ledgers) {
    for (const auto& [sink, rows] : ledger.rows) lines.push_back(fmt::format("{}: rows {}", sink, rows));
  }
  return lines;
}

}  // namespace piperun::cli
