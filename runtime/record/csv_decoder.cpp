#include "runtime/record/csv_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "runtime/record/json_utf8.h"
#include "runtime/record/slab.h"
#include "runtime/record/utf8_fault.h"

namespace piperun::record {
namespace {

using base::ErrorCode;
using value::Cell;
using value::TypeKind;

DecodeFault invalid(std::string_view what, std::size_t byte) {
  return {ErrorCode::InvalidCsv, fmt::format("invalid CSV at byte {}: {}", byte + 1, what)};
}

std::string_view in_unquoted(char c) {
  return c == '"'    ? "a quote in a field without quotes"
         : c == '\r' ? "a carriage return without a line feed, in a field without quotes"
                     : "a line end in a field without quotes";
}

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// A copy without the doubling of quotes. `raw` is what stands between the outer quotes.
std::string_view undouble(std::string_view raw, value::Arena& arena) {
  char* const text = arena.chars(raw.size());
  char* to = text;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    *to++ = raw[i];
    if (raw[i] == '"') ++i;
  }
  return {text, static_cast<std::size_t>(to - text)};
}

}  // namespace

CsvDecoder::CsvDecoder(RecordPlan plan, ir::ExtraFields extra, char delimiter)
    : plan_(std::move(plan)), json_(extra), extra_(extra), delimiter_(delimiter) {
  set_header({});
}

std::optional<DecodeFault> CsvDecoder::set_header(std::string_view line) {
  if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  line = without_line_end(line);
  value::Arena arena;
  if (!is_utf8(line)) return utf8_fault(line);
  if (auto fault = split(line, arena); fault && !line.empty()) return fault;
  std::vector<std::string> names;
  if (line.empty()) {
    for (const FieldPlan& field : plan_.fields) names.push_back(field.name);
  } else {
    for (const Piece& piece : pieces_) names.emplace_back(piece.text);
  }
  columns_ = names.size();
  sources_.assign(plan_.fields.size(), -1);
  undeclared_.assign(names.size(), {});
  for (std::size_t i = 0; i < names.size(); ++i) {
    const int field = plan_.find(names[i]);
    if (field < 0) {
      if (std::ranges::find(undeclared_, names[i]) == undeclared_.end()) undeclared_[i] = names[i];
    } else if (int& source = sources_[static_cast<std::size_t>(field)]; source < 0) {  // the first of duplicate names counts
      source = static_cast<int>(i);
    }
  }
  return std::nullopt;
}

std::optional<DecodeFault> CsvDecoder::decode(std::string_view value, value::Arena& arena, Cell* out) {
  const std::string_view line = without_line_end(value);
  if (!is_utf8(line)) return utf8_fault(line);
  if (auto fault = split(line, arena)) return fault;
  if (pieces_.size() != columns_)
    return DecodeFault{ErrorCode::InvalidCsv, fmt::format("{} columns where the header has {}", pieces_.size(), columns_)};
  for (std::size_t i = 0; i < plan_.fields.size(); ++i) {
    const FieldPlan& declared = plan_.fields[i];
    const Piece piece = sources_[i] < 0 ? Piece{} : pieces_[static_cast<std::size_t>(sources_[i])];
    if (sources_[i] < 0 && !declared.absent) return field_fault(declared, ErrorCode::MissingField, "no column of this name");
    Cell unread[2];
    if (auto fault = field(declared, piece, arena, declared.cell != kUnread ? out + declared.cell : unread)) return fault;
  }
  if (extra_ == ir::ExtraFields::Error) {
    const auto extra = std::ranges::find_if(undeclared_, [](const std::string& name) { return !name.empty(); });
    if (extra != undeclared_.end()) return DecodeFault{ErrorCode::ExtraField, fmt::format("`{}`: not declared", *extra)};
  }
  if (plan_.extra_cell != kUnread) out[plan_.extra_cell] = Cell::of(kept_columns(arena));
  return std::nullopt;
}

// Into `pieces_`.
CsvDecoder::Fault CsvDecoder::split(std::string_view line, value::Arena& arena) {
  const char ends[] = {delimiter_, '"', '\r', '\n'};
  pieces_.clear();
  for (std::size_t i = 0;;) {
    if (i < line.size() && line[i] == '"') {
      const std::size_t from = ++i;
      bool doubled = false;
      for (;; ++i) {
        i = line.find('"', i);
        if (i == std::string_view::npos) return invalid("a quote is not closed", from - 1);
        if (i + 1 == line.size() || line[i + 1] != '"') break;
        doubled = true;
        ++i;
      }
      const std::string_view raw = line.substr(from, i - from);
      pieces_.push_back({doubled ? undouble(raw, arena) : raw, true});
      if (++i < line.size() && line[i] != delimiter_) return invalid("something follows a closing quote", i);
    } else {
      const std::size_t from = i;
      i = std::min(line.find_first_of({ends, sizeof ends}, i), line.size());
      if (i < line.size() && line[i] != delimiter_) return invalid(in_unquoted(line[i]), i);
      pieces_.push_back({line.substr(from, i - from), false});
    }
    if (i == line.size()) return std::nullopt;
    ++i;
  }
}

CsvDecoder::Fault CsvDecoder::field(const FieldPlan& field, Piece piece, value::Arena& arena, Cell* out) {
  if (!piece.text.empty() || piece.quoted || (field.value.kind == TypeKind::String && !field.absent)) {
    if (field.value.nullable) *out++ = Cell::of(false);
    return typed(field, piece.text, arena, out);
  }
  if (!field.absent) return field_fault(field, ErrorCode::MissingField, "empty");
  std::copy_n(field.absent->begin(), field.value.cells(), out);
  return std::nullopt;
}

CsvDecoder::Fault CsvDecoder::typed(const FieldPlan& field, std::string_view text, value::Arena& arena, Cell* out) {
  const ValuePlan& plan = field.value;
  const bool is_nested =
      plan.kind == TypeKind::List || plan.kind == TypeKind::Map || plan.kind == TypeKind::Record || plan.kind == TypeKind::Json;
  if (!is_nested) return scalar_from_text(field, text, arena, out);
  char* const padded = arena.chars(text.size() + kPadding);
  std::memset(std::copy(text.begin(), text.end(), padded), 0, kPadding);
  Cell both[2];
  auto fault = json_.read_text({padded, text.size()}, plan, arena, both);
  if (fault) return field_fault(field, fault->code, fault->detail);
  std::copy_n(both + (plan.nullable ? 1 : 0), 1, out);
  if (plan.nullable) out[-1] = both[0];
  return std::nullopt;
}

// An object with strings.
const value::JsonNode* CsvDecoder::kept_columns(value::Arena& arena) const {
  const auto count =
      static_cast<std::size_t>(std::ranges::count_if(undeclared_, [](const std::string& name) { return !name.empty(); }));
  auto* const nodes = static_cast<value::JsonNode*>(arena.allocate((count + 1) * sizeof(value::JsonNode)));
  auto* const names = static_cast<value::Text*>(arena.allocate(count * sizeof(value::Text)));
  std::size_t n = 0;
  for (std::size_t i = 0; i < undeclared_.size(); ++i) {
    if (undeclared_[i].empty()) continue;
    names[n] = arena.copy(undeclared_[i]);
    nodes[n++] = {.kind = value::JsonKind::String, .text = {pieces_[i].text.data(), pieces_[i].text.size()}};
  }
  nodes[count] = {.kind = value::JsonKind::Object, .children = nodes, .names = names, .count = count};
  return nodes + count;
}

}  // namespace piperun::record
