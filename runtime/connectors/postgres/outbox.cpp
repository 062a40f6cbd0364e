#include "runtime/connectors/postgres/outbox.h"

#include <fmt/core.h>

#include <algorithm>

#include "runtime/commit/postgres/schema.h"
#include "runtime/connectors/postgres/table_columns.h"

namespace piperun::postgres {

using base::ErrorCode;
using base::Result;

namespace {

struct Bytes final : record::SlabOwner {
  std::string bytes;
};

Outbox::State state_of(const Rows& rows) { return {rows.integer(0, 0), rows.integer(0, 1), rows.integer(0, 2)}; }

}  // namespace

Result<std::unique_ptr<Outbox>> Outbox::open(PostgresSettings settings, std::string table, std::string pipeline,
                                             std::string unit) {
  if (settings.purpose.empty()) settings.purpose = unit;
  auto session = Session::open(std::move(settings));
  if (!session) return std::unexpected(session.error());
  if (auto made = make_schema(**session); !made) return std::unexpected(made.error());
  auto stored = describe(**session, table);
  if (!stored) return std::unexpected(stored.error());
  for (const char* name : {"id", "number"}) {
    const auto column = std::ranges::find(stored->columns, name, &StoredColumn::name);
    if (column != stored->columns.end() && column->base == "int8") continue;
    return base::failure(
        ErrorCode::SchemaMismatch,
        fmt::format("table `{}` of {} cannot be an outbox: it needs `id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY` "
                    "and `number bigint UNIQUE`, which the writer leaves null; `{}` is {}",
                    table, (*session)->address(), name, column == stored->columns.end() ? "missing" : column->declared));
  }
  return std::unique_ptr<Outbox>(
      new Outbox(std::move(*session), std::move(table), stored->table, std::move(pipeline), std::move(unit)));
}

Parameters Outbox::names() const { return Parameters().text(pipeline_).text(unit_).text(table_); }

Result<Outbox::State> Outbox::claim() {
  auto rows = session_->query(
      "INSERT INTO piperun.relays AS r (pipeline, unit, outbox, epoch, next_batch, sent, owner) VALUES ($1, $2, $3, 1, 0, 0, $4) "
      "ON CONFLICT (pipeline, unit, outbox) DO UPDATE SET epoch = r.epoch + 1, owner = excluded.owner "
      "RETURNING epoch, next_batch, sent",
      names().text(application_name(session_->settings().purpose)));
  if (!rows) return std::unexpected(rows.error());
  epoch_ = rows->integer(0, 0);
  return state_of(*rows);
}

// Its row lock makes relays, and their transactions, take turns.
Result<Outbox::State> Outbox::locked_state() {
  auto rows = session_->query(
      "SELECT epoch, next_batch, sent, owner FROM piperun.relays WHERE pipeline = $1 AND unit = $2 AND outbox = $3 FOR UPDATE",
      names());
  if (!rows) return std::unexpected(rows.error());
  if (rows->size() == 0) return std::unexpected(lost(""));
  if (rows->integer(0, 0) != epoch_) return std::unexpected(lost(rows->text(0, 3)));
  return state_of(*rows);
}

Result<Outbox::State> Outbox::state() { return locked_state(); }

Result<std::int64_t> Outbox::number_rows(std::int64_t limit) {
  Transaction transaction(*session_);
  if (auto begun = transaction.begin(); !begun) return std::unexpected(begun.error());
  auto state = locked_state();
  if (!state) return std::unexpected(state.error());
  auto numbered = session_->query(
      fmt::format("WITH picked AS (SELECT id FROM {0} WHERE number IS NULL ORDER BY id LIMIT $1::int8 FOR UPDATE), "
                  "ordered AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM picked) "
                  "UPDATE {0} o SET number = $2::int8 + ordered.place FROM ordered WHERE o.id = ordered.id",
                  quoted_),
      Parameters().integer(limit).integer(state->next));
  if (!numbered) return std::unexpected(numbered.error());
  auto moved = session_->query(
      "UPDATE piperun.relays SET next_batch = next_batch + $4::int8 WHERE pipeline = $1 AND unit = $2 AND outbox = $3",
      names().integer(numbered->changed()));
  if (!moved) return std::unexpected(moved.error());
  if (auto done = transaction.commit(); !done) return std::unexpected(done.error());
  return numbered->changed();
}

Result<std::vector<Outbox::Row>> Outbox::read(std::int64_t from, std::int64_t limit) {
  auto known = session_->query(
      "SELECT epoch, next_batch, sent FROM piperun.relays WHERE pipeline = $1 AND unit = $2 AND outbox = $3", names());
  if (!known) return std::unexpected(known.error());
  if (known->size() == 0) return std::unexpected(lost(""));
  const State state = state_of(*known);
  if (from < state.sent || from > state.next) {
    return base::failure(ErrorCode::PositionGone,
                         fmt::format("outbox `{}` of {}: position {} is asked for, and it has the numbers {} to {}{}", table_,
                                     session_->address(), from, state.sent, state.next,
                                     from > state.next ? ": the database went back in time behind what was sent" : ""));
  }
  auto rows = session_->query(fmt::format("SELECT number, (to_jsonb(o) - 'id' - 'number')::text FROM {} o "
                                          "WHERE number >= $1::int8 ORDER BY number LIMIT $2::int8",
                                          quoted_),
                              Parameters().integer(from).integer(limit));
  if (!rows) return std::unexpected(rows.error());
  std::vector<Row> result;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const std::int64_t number = rows->integer(i, 0);
    if (number != from + static_cast<std::int64_t>(i)) {
      return base::failure(ErrorCode::PositionGone,
                           fmt::format("outbox `{}` of {}: row {} is gone, somebody else deleted it", table_, session_->address(),
                                       from + static_cast<std::int64_t>(i)));
    }
    result.push_back({number, rows->text(i, 1)});
  }
  return result;
}

Result<void> Outbox::delete_sent(std::int64_t below) {
  Transaction transaction(*session_);
  if (auto begun = transaction.begin(); !begun) return begun;
  auto state = locked_state();
  if (!state) return std::unexpected(state.error());
  auto moved = session_->query(
      "UPDATE piperun.relays SET sent = greatest(sent, $4::int8) WHERE pipeline = $1 AND unit = $2 AND outbox = $3",
      names().integer(below));
  if (!moved) return std::unexpected(moved.error());
  auto removed = session_->query(fmt::format("DELETE FROM {} WHERE number < $1::int8", quoted_), Parameters().integer(below));
  if (!removed) return std::unexpected(removed.error());
  return transaction.commit();
}

base::Error Outbox::lost(const std::string& owner) const {
  return {ErrorCode::LostOwnership,
          fmt::format("{} of {}: the outbox `{}` is not this worker's any more: {}", unit_, pipeline_, table_,
                      owner.empty() ? std::string("it was never claimed") : fmt::format("`{}` has claimed it", owner)),
          {},
          -1};
}

// ---- OutboxSource

Result<std::unique_ptr<OutboxSource>> OutboxSource::open(std::unique_ptr<Outbox> outbox, base::Clock& clock) {
  if (auto claimed = outbox->claim(); !claimed) return std::unexpected(claimed.error());
  return std::unique_ptr<OutboxSource>(new OutboxSource(std::move(outbox), clock));
}

// What is there now has its numbers, so that a drain knows where to stop.
Result<std::vector<connectors::Partition>> OutboxSource::partitions() {
  for (;;) {
    auto numbered = outbox_->number_rows(kMostNumbered);
    if (!numbered) return std::unexpected(numbered.error());
    if (*numbered < kMostNumbered) break;
  }
  auto state = outbox_->state();
  if (!state) return std::unexpected(state.error());
  return std::vector{connectors::Partition{outbox_->table(), 0, state->sent, state->next}};
}

Result<std::int64_t> OutboxSource::resolve(const std::string& start, std::uint32_t) {
  auto state = outbox_->state();
  if (!state) return std::unexpected(state.error());
  if (start == "earliest") return state->sent;
  if (start == "latest") return state->next;
  return base::failure(ErrorCode::PositionGone,
                       fmt::format("outbox `{}` starts at `earliest` or `latest`: its rows have no time", outbox_->table()));
}

Result<record::Slab> OutboxSource::read(std::uint32_t partition, std::int64_t position, std::size_t max_records,
                                        std::size_t max_bytes) {
  const auto limit = static_cast<std::int64_t>(std::min<std::size_t>(max_records, static_cast<std::size_t>(kMostNumbered)));
  auto rows = outbox_->read(position, limit);
  if (rows && rows->empty()) {
    auto numbered = outbox_->number_rows(kMostNumbered);
    if (!numbered) return std::unexpected(numbered.error());
    if (*numbered > 0) rows = outbox_->read(position, limit);
  }
  if (!rows) return std::unexpected(rows.error());
  auto bytes = std::make_unique<Bytes>();
  std::vector<std::pair<std::size_t, std::size_t>> places;
  for (const Outbox::Row& row : *rows) {
    if (!places.empty() && bytes->bytes.size() + row.value.size() > max_bytes) break;
    places.emplace_back(bytes->bytes.size(), row.value.size());
    bytes->bytes += row.value;
  }
  bytes->bytes.append(record::kPadding, '\0');
  record::Slab slab;
  slab.partition = partition;
  for (std::size_t i = 0; i < places.size(); ++i) {
    record::RawRecord& record = slab.records.emplace_back();
    record.offset = (*rows)[i].number;
    record.next = record.offset + 1;
    record.timestamp = clock_.now();
    record.value = std::string_view(bytes->bytes).substr(places[i].first, places[i].second);
  }
  slab.owner = std::move(bytes);
  return slab;
}

void OutboxSource::wait(std::int64_t microseconds) { clock_.sleep(std::min(microseconds, kPollEvery)); }

}  // namespace piperun::postgres
