// Dead letters and the marks that ask for them again.
#include <algorithm>

#include "runtime/commit/postgres/errors.h"
#include "runtime/commit/postgres/postgres_domain.h"

namespace piperun::postgres {

using base::Result;
using commit::Letter;

namespace {

// Headers travel as the text of an array, for arrays of arrays of different lengths there are none.
constexpr const char* kPut =
    "INSERT INTO piperun.dead_letters AS d (pipeline, unit, topic, partition, \"offset\", element, flow, next_offset, timestamp, "
    "key, "
    "value, header_names, header_values, code, message, sqlstate, site, attempts, first_failure, last_failure, replays, "
    "replay_asked, kept) "
    "SELECT $1, $2, w.topic, w.partition, w.at, w.element, w.flow, w.next_offset, w.timestamp, w.key, w.value, w.names::bytea[], "
    "w.header_values::bytea[], w.code, w.message, w.sqlstate, w.site, w.attempts, w.first_failure, w.last_failure, w.replays, "
    "w.asked, w.kept "
    "FROM unnest($3::text[], $4::int8[], $5::int8[], $6::int8[], $7::text[], $8::int8[], $9::int8[], $10::bytea[], $11::bytea[], "
    "$12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::int8[], $19::int8[], $20::int8[], "
    "$21::int8[], "
    "$22::bool[], $23::text[]) w(topic, partition, at, element, flow, next_offset, timestamp, key, value, names, header_values, "
    "code, "
    "message, "
    "sqlstate, site, attempts, first_failure, last_failure, replays, asked, kept) "
    "ON CONFLICT (pipeline, unit, topic, partition, \"offset\", element) DO UPDATE SET flow = excluded.flow, code = "
    "excluded.code, "
    "message = excluded.message, sqlstate = excluded.sqlstate, site = excluded.site, attempts = excluded.attempts, "
    "last_failure = excluded.last_failure, replays = greatest(d.replays, excluded.replays), replay_asked = excluded.replay_asked";

// Each header as its name and value, one behind the other in one array.
constexpr const char* kSelect =
    "SELECT topic, partition, \"offset\", element, flow, next_offset, timestamp, key, value, code, message, sqlstate, site, "
    "attempts, "
    "first_failure, last_failure, replays, replay_asked, kept, cardinality(header_names) FROM piperun.dead_letters "
    "WHERE pipeline = $1 AND unit = $2 AND (replay_asked OR NOT $3::bool) ORDER BY topic, partition, \"offset\", element";
constexpr const char* kSelectHeaders =
    "SELECT topic, partition, \"offset\", element, h.name, h.value FROM piperun.dead_letters d, "
    "unnest(d.header_names, d.header_values) WITH ORDINALITY h(name, value, number) "
    "WHERE pipeline = $1 AND unit = $2 AND (replay_asked OR NOT $3::bool) ORDER BY topic, partition, \"offset\", element, "
    "h.number";

constexpr const char* kOne =
    " WHERE pipeline = $1 AND unit = $2 AND topic = $3 AND partition = $4::int8 AND \"offset\" = $5::int8 AND element = $6::int8";

std::optional<std::string_view> view_of(const std::optional<std::string>& text) {
  return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

Letter letter_of(const Rows& rows, std::size_t i, const std::string& unit) {
  Letter result;
  result.unit = unit;
  result.origin = {rows.text(i, 0), static_cast<std::int32_t>(rows.integer(i, 1))};
  result.offset = rows.integer(i, 2);
  result.element = rows.integer(i, 3);
  result.flow = rows.text(i, 4);
  result.next_offset = rows.integer(i, 5);
  result.timestamp = rows.integer(i, 6);
  result.key = rows.optional_bytes(i, 7);
  result.value = rows.optional_bytes(i, 8);
  result.code = rows.text(i, 9);
  result.message = rows.text(i, 10);
  result.sqlstate = rows.text(i, 11);
  result.site = rows.text(i, 12);
  result.attempts = rows.integer(i, 13);
  result.first_failure = rows.integer(i, 14);
  result.last_failure = rows.integer(i, 15);
  result.replays = rows.integer(i, 16);
  result.replay_asked = rows.boolean(i, 17);
  result.kept = commit::kept_of(rows.view(i, 18));
  return result;
}

std::string header_names(const Letter& letter) {
  std::vector<std::optional<std::string>> names;
  for (const auto& [name, value] : letter.headers) names.emplace_back(hex(name));
  return array_literal(names);
}

std::string header_values(const Letter& letter) {
  std::vector<std::optional<std::string>> values;
  for (const auto& [name, value] : letter.headers) values.push_back(value ? std::optional(hex(*value)) : std::nullopt);
  return array_literal(values);
}

// One array per column, in the order of kPut.
class LetterColumns {
 public:
  explicit LetterColumns(std::span<const Letter* const> letters) : letters_(letters) {}

  void number(auto get) {
    Array array = integers(letters_, get);
    parameters.array(array);
  }
  void text(auto get) {
    Array array = texts(letters_, [&](const Letter* letter) { return storable(get(letter)); });
    parameters.array(array);
  }
  void bytes(auto get) {
    Array array = byte_strings(letters_, get);
    parameters.array(array);
  }

  Parameters parameters;

 private:
  std::span<const Letter* const> letters_;
};

}  // namespace

Result<void> PostgresDomain::put_letters(std::span<const Letter> letters) {
  if (letters.empty()) return {};
  // A letter that comes twice in one call: the later one counts, as it would in calls of their own.
  std::map<std::tuple<std::string, std::int32_t, std::int64_t, std::int64_t>, const Letter*> latest;
  for (const Letter& letter : letters)
    latest[{letter.origin.topic, letter.origin.number, letter.offset, letter.element}] = &letter;
  std::vector<const Letter*> ordered;
  for (const auto& [origin, letter] : latest) ordered.push_back(letter);
  LetterColumns columns(ordered);
  columns.parameters.text(pipeline_).text(unit_);
  columns.text([](const Letter* letter) { return letter->origin.topic; });
  columns.number([](const Letter* letter) { return std::int64_t{letter->origin.number}; });
  columns.number([](const Letter* letter) { return letter->offset; });
  columns.number([](const Letter* letter) { return letter->element; });
  columns.text([](const Letter* letter) { return letter->flow; });
  columns.number([](const Letter* letter) { return letter->next_offset; });
  columns.number([](const Letter* letter) { return letter->timestamp; });
  columns.bytes([](const Letter* letter) { return view_of(letter->key); });
  columns.bytes([](const Letter* letter) { return view_of(letter->value); });
  columns.text([](const Letter* letter) { return header_names(*letter); });
  columns.text([](const Letter* letter) { return header_values(*letter); });
  columns.text([](const Letter* letter) { return letter->code; });
  columns.text([](const Letter* letter) { return letter->message; });
  columns.text([](const Letter* letter) { return letter->sqlstate; });
  columns.text([](const Letter* letter) { return letter->site; });
  columns.number([](const Letter* letter) { return letter->attempts; });
  columns.number([](const Letter* letter) { return letter->first_failure; });
  columns.number([](const Letter* letter) { return letter->last_failure; });
  columns.number([](const Letter* letter) { return letter->replays; });
  Array asked(Wire::Bool);
  for (const Letter* letter : ordered) asked.boolean(letter->replay_asked);
  columns.parameters.array(asked);
  columns.text([](const Letter* letter) { return name_of(letter->kept); });
  return change_owned(kPut, columns.parameters);
}

Result<std::vector<Letter>> PostgresDomain::letters(bool only_asked) {
  const Parameters parameters = Parameters().text(pipeline_).text(unit_).text(only_asked ? "t" : "f");
  auto rows = session_->query(kSelect, parameters);
  if (!rows) return std::unexpected(rows.error());
  std::vector<Letter> result;
  bool has_headers = false;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    result.push_back(letter_of(*rows, i, unit_));
    has_headers = has_headers || rows->integer(i, 19) > 0;
  }
  if (!has_headers) return result;
  auto headers = session_->query(kSelectHeaders, parameters);
  if (!headers) return std::unexpected(headers.error());
  auto letter = result.begin();
  for (std::size_t i = 0; i < headers->size(); ++i) {
    const auto is_of = [&](const Letter& each) {
      return each.origin.topic == headers->view(i, 0) && each.origin.number == headers->integer(i, 1) &&
             each.offset == headers->integer(i, 2) && each.element == headers->integer(i, 3);
    };
    const auto found = std::find_if(letter, result.end(), is_of);
    if (found == result.end()) continue;  // written since the first question
    letter = found;
    letter->headers.emplace_back(headers->bytes(i, 4), headers->optional_bytes(i, 5));
  }
  return result;
}

Result<void> PostgresDomain::change_letter(const std::string& sql, const Letter& letter) {
  return change_owned(sql + kOne, Parameters()
                                      .text(pipeline_)
                                      .text(unit_)
                                      .text(letter.origin.topic)
                                      .integer(letter.origin.number)
                                      .integer(letter.offset)
                                      .integer(letter.element));
}

Result<void> PostgresDomain::remove_letter(const Letter& letter) {
  return change_letter("DELETE FROM piperun.dead_letters", letter);
}

// Asking twice before the unit came to it is one replay.
Result<void> PostgresDomain::ask_replay(const Letter& letter) {
  return change_letter(
      "UPDATE piperun.dead_letters SET replays = replays + CASE WHEN replay_asked THEN 0 ELSE 1 END, replay_asked = true",
      letter);
}

}  // namespace piperun::postgres
