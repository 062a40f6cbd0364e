#include "runtime/commit/kafka/offset_metadata.h"

#include <fmt/format.h>

#include <charconv>

namespace piperun::kafka {

namespace {

constexpr std::string_view kFormat = "piperun/1";
constexpr std::string_view kRows = "rows.";

struct Field {
  std::string_view name;
  std::int64_t commit::Counts::* count;
};
constexpr Field kFields[] = {
    {"read", &commit::Counts::read},         {"used", &commit::Counts::used},
    {"filtered", &commit::Counts::filtered}, {"duplicates", &commit::Counts::duplicates},
    {"late", &commit::Counts::late},         {"skipped", &commit::Counts::skipped},
    {"dead", &commit::Counts::dead},         {"unknown", &commit::Counts::unknown},
};

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

std::string escaped(std::string_view name) {
  std::string result;
  for (const char c : name) {
    if (is_plain(c)) result += c;
    else result += fmt::format("%{:02x}", static_cast<unsigned char>(c));
  }
  return result;
}

std::string unescaped(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const bool is_escape = text[i] == '%' && i + 2 < text.size() &&
                           std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr == text.data() + i + 3;
    result += is_escape ? static_cast<char>(byte) : text[i];
    if (is_escape) i += 2;
  }
  return result;
}

void set_field(OffsetMetadata& into, std::string_view name, std::int64_t value) {
  if (name == "in_flight") into.in_flight = value;
  if (name == "at") into.at = value;
  if (name == "time") into.time = value;
  if (name == "none") into.is_none = value != 0;
  if (name.starts_with(kRows)) into.rows[unescaped(name.substr(kRows.size()))] = value;
  for (const Field& field : kFields) {
    if (name == field.name) into.counts.*field.count = value;
  }
}

}  // namespace

bool operator==(const OffsetMetadata& a, const OffsetMetadata& b) {
  for (const Field& field : kFields) {
    if (a.counts.*field.count != b.counts.*field.count) return false;
  }
  return a.is_none == b.is_none && a.in_flight == b.in_flight && a.at == b.at && a.time == b.time && a.topic_id == b.topic_id &&
         a.database == b.database && a.rows == b.rows;
}

base::Result<std::string> OffsetMetadata::text() const {
  std::string result(kFormat);
  const auto add = [&](std::string_view name, std::int64_t value) {
    if (value != 0) result += fmt::format(" {}={}", name, value);
  };
  for (const Field& field : kFields) add(field.name, counts.*field.count);
  add("none", is_none);
  add("in_flight", in_flight);
  add("at", at);
  if (time) result += fmt::format(" time={}", *time);
  if (!topic_id.empty()) result += fmt::format(" topic={}", topic_id);
  if (!database.empty()) result += fmt::format(" in={}", database);
  for (const auto& [sink, count] : rows) add(std::string(kRows) + escaped(sink), count);
  if (result.size() <= kLimit) return result;
  return base::failure(
      base::ErrorCode::StoreDamaged,
      fmt::format("the ledger of a partition does not fit beside its offset: {} bytes of at most {}; the unit has "
                  "{} sinks, whose names lie there",
                  result.size(), kLimit, rows.size()));
}

bool OffsetMetadata::is_ours(std::string_view text) { return text.starts_with(kFormat); }

OffsetMetadata OffsetMetadata::parse(std::string_view text) {
  OffsetMetadata result;
  if (!is_ours(text)) return result;
  text.remove_prefix(kFormat.size());
  while (!text.empty()) {
    text.remove_prefix(1);
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) continue;
    if (word.substr(0, equals) == "topic") result.topic_id = word.substr(equals + 1);
    if (word.substr(0, equals) == "in") result.database = word.substr(equals + 1);
    std::int64_t value = 0;
    std::from_chars(word.data() + equals + 1, word.data() + word.size(), value);
    set_field(result, word.substr(0, equals), value);
  }
  return result;
}

}  // namespace piperun::kafka
