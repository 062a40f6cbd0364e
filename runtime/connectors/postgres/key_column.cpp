#include "runtime/connectors/postgres/key_column.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

namespace piperun::postgres {

using value::Cell;
using value::TypeKind;

namespace {

constexpr int kLengthHeader = 4;  // a type modifier of varchar is its length and this
constexpr std::int64_t kServersEpoch =
    946'684'800'000'000;  // 2000-01-01, from which the server counts, in microseconds from 1970

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::string_view without_blanks(std::string_view text, int width) {
  auto excess = text.size() - static_cast<std::size_t>(std::ranges::count_if(text, continues_character));
  for (; excess > static_cast<std::size_t>(width) && text.ends_with(' '); --excess) text.remove_suffix(1);
  return text;
}

void append_uuid(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '-' || c == '{' || c == '}') continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
}

// Half away from the server's epoch, as its AdjustTimestampForTypmod rounds.
std::int64_t rounded(std::int64_t time, int digits) {
  std::int64_t step = 1;
  for (int i = digits; i < kTimeDigits; ++i) step *= 10;
  const std::int64_t since = time - kServersEpoch, half = step / 2;
  return (since >= 0 ? (since + half) / step * step : -((-since + half) / step * step)) + kServersEpoch;
}

}  // namespace

KeyColumn::Equal KeyColumn::equality(const StoredColumn& stored, const value::Type& type, bool is_deterministic) {
  if (!is_deterministic || is_one_of(stored.base, {"citext", "inet", "cidr", "macaddr", "jsonb"})) return Equal::AsTheServerSays;
  if (rounds_time(stored)) return type.kind == TypeKind::Timestamp ? Equal::Rounded : Equal::AsTheServerSays;
  if (type.kind != TypeKind::String) return Equal::AsHere;
  if (stored.base == "uuid") return Equal::AsUuid;
  const bool is_cut = stored.base == "bpchar" || (stored.base == "varchar" && stored.modifier >= kLengthHeader);
  return is_cut ? Equal::WithoutBlanks : Equal::AsHere;
}

KeyColumn::KeyColumn(const StoredColumn& stored, const Conversion& how, const value::Type& type, std::size_t number,
                     const KeyCollation* index)
    : equal_(equality(stored, type, index == nullptr ? stored.is_deterministic : index->is_deterministic)) {
  if (stored.base == "varchar") width_ = stored.modifier - kLengthHeader;
  if (rounds_time(stored)) width_ = stored.modifier;
  const std::string given = fmt::format("u.c{}", number);
  std::string sought = given, equals = "=";
  if (is_one_of(stored.base, {"citext", "bpchar"})) {  // else the server would compare them as text
    sought = fmt::format("CAST({} AS {}.{})", given, stored.schema, stored.base);
    equals = fmt::format("OPERATOR({}.=)", stored.schema);
  } else if (stored.base == "varchar" && width_ > 0) {  // what is longer is in no row, and a cast would cut it
    sought = fmt::format("CASE WHEN char_length(rtrim({0}, ' ')) <= {1} THEN left({0}, {1}) ELSE {0} END", given, width_);
  } else if (rounds_time(stored)) {
    sought = fmt::format("CAST({} AS {})", given, stored.cut_to);
  } else if (!how.cast.empty()) {
    sought = fmt::format("CAST({} AS {})", given, how.cast);
  }
  if (index != nullptr && !index->collation.empty()) sought = fmt::format("({}) COLLATE {}", sought, index->collation);
  condition_ = fmt::format("t.{} {} {}", quoted(stored.name), equals, sought);
}

Cell KeyColumn::folded(const Cell& cell, std::string& scratch) const {
  scratch.clear();
  switch (equal_) {
    case Equal::WithoutBlanks: return Cell::of(without_blanks(cell.s, width_));
    case Equal::AsUuid: append_uuid(scratch, cell.s); return Cell::of(std::string_view(scratch));
    case Equal::Rounded: return Cell::of(rounded(cell.i, width_));
    case Equal::AsHere:
    case Equal::AsTheServerSays: break;
  }
  return cell;
}

}  // namespace piperun::postgres
