#include "runtime/commit/embedded/embedded_domain.h"
#include "runtime/commit/embedded/header_bytes.h"

namespace piperun::embedded {

using base::Result;
using commit::Letter;

namespace {

constexpr const char* kPut =
    "INSERT INTO piperun_dead_letters (pipeline, unit, topic, partition, \"offset\", element, flow, next_offset, timestamp, key, "
    "value, headers, "
    "code, message, sqlstate, site, attempts, first_failure, last_failure, replays, replay_asked, kept) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22) "
    "ON CONFLICT DO UPDATE SET flow = excluded.flow, code = excluded.code, message = excluded.message, sqlstate = "
    "excluded.sqlstate, "
    "site = excluded.site, attempts = excluded.attempts, last_failure = excluded.last_failure, replays = max(replays, "
    "excluded.replays), "
    "replay_asked = excluded.replay_asked";

constexpr const char* kSelect =
    "SELECT topic, partition, \"offset\", element, flow, next_offset, timestamp, key, value, headers, code, message, sqlstate, "
    "site, attempts, "
    "first_failure, last_failure, replays, replay_asked, kept FROM piperun_dead_letters "
    "WHERE pipeline = ?1 AND unit = ?2 AND replay_asked >= ?3 ORDER BY topic, partition, \"offset\", element";

std::optional<std::string_view> view_of(const std::optional<std::string>& text) {
  return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

Letter letter_of(const Query& row, const std::string& unit) {
  Letter result;
  result.unit = unit;
  result.origin = {row.text(0), static_cast<std::int32_t>(row.integer(1))};
  result.offset = row.integer(2);
  result.element = row.integer(3);
  result.flow = row.text(4);
  result.next_offset = row.integer(5);
  result.timestamp = row.integer(6);
  result.key = row.optional_bytes(7);
  result.value = row.optional_bytes(8);
  each_header(row.bytes(9), [&](std::string_view name, const std::optional<std::string_view>& value) {
    result.headers.emplace_back(std::string(name), value ? std::optional<std::string>(*value) : std::nullopt);
  });
  result.code = row.text(10);
  result.message = row.text(11);
  result.sqlstate = row.text(12);
  result.site = row.text(13);
  result.attempts = row.integer(14);
  result.first_failure = row.integer(15);
  result.last_failure = row.integer(16);
  result.replays = row.integer(17);
  result.replay_asked = row.integer(18) != 0;
  result.kept = commit::kept_of(row.text(19));
  return result;
}

}  // namespace

Result<void> EmbeddedDomain::put_letters(std::span<const Letter> letters) {
  Transaction transaction(*database_);
  if (auto begun = transaction.begin(); !begun) return begun;
  if (auto owner = check_owner(); !owner) return owner;
  {
    Query query = database_->query(kPut);
    std::string headers;
    for (const Letter& letter : letters) {
      headers.clear();
      for (const auto& [name, value] : letter.headers) append_header(headers, name, view_of(value));
      query.bind(1, pipeline_).bind(2, unit_).bind(3, letter.origin.topic).bind(4, std::int64_t{letter.origin.number});
      query.bind(5, letter.offset)
          .bind(6, letter.element)
          .bind(7, letter.flow)
          .bind(8, letter.next_offset)
          .bind(9, letter.timestamp);
      query.bind_bytes(10, view_of(letter.key)).bind_bytes(11, view_of(letter.value)).bind_bytes(12, headers);
      query.bind(13, letter.code)
          .bind(14, letter.message)
          .bind(15, letter.sqlstate)
          .bind(16, letter.site)
          .bind(17, letter.attempts);
      query.bind(18, letter.first_failure)
          .bind(19, letter.last_failure)
          .bind(20, letter.replays)
          .bind(21, std::int64_t{letter.replay_asked})
          .bind(22, name_of(letter.kept));
      if (auto put = query.run(); !put) return std::unexpected(put.error());
    }
  }
  return transaction.commit();
}

Result<std::vector<Letter>> EmbeddedDomain::letters(bool only_asked) {
  Query query = database_->query(kSelect);
  query.bind(1, pipeline_).bind(2, unit_).bind(3, std::int64_t{only_asked});
  std::vector<Letter> result;
  for (;;) {
    auto row = query.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return result;
    result.push_back(letter_of(query, unit_));
  }
}

Result<void> EmbeddedDomain::change_letter(std::string_view sql, const Letter& letter) {
  Transaction transaction(*database_);
  if (auto begun = transaction.begin(); !begun) return begun;
  if (auto owner = check_owner(); !owner) return owner;
  auto done = database_->query(sql)
                  .bind(1, pipeline_)
                  .bind(2, unit_)
                  .bind(3, letter.origin.topic)
                  .bind(4, std::int64_t{letter.origin.number})
                  .bind(5, letter.offset)
                  .bind(6, letter.element)
                  .run();
  if (!done) return std::unexpected(done.error());
  return transaction.commit();
}

Result<void> EmbeddedDomain::remove_letter(const Letter& letter) {
  return change_letter(
      "DELETE FROM piperun_dead_letters WHERE pipeline = ?1 AND unit = ?2 AND topic = ?3 AND partition = ?4 AND \"offset\" = ?5 "
      "AND element = ?6",
      letter);
}

// Asking twice before the unit came to it is one replay.
Result<void> EmbeddedDomain::ask_replay(const Letter& letter) {
  return change_letter(
      "UPDATE piperun_dead_letters SET replay_asked = 1, replays = replays + 1 WHERE pipeline = ?1 AND unit = ?2 AND topic = ?3 "
      "AND partition = ?4 AND \"offset\" = ?5 AND element = ?6 AND replay_asked = 0",
      letter);
}

}  // namespace piperun::embedded
