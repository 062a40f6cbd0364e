#include "runtime/connectors/postgres/outbox.h"

#include <fmt/core.h>

#include <algorithm>

#include "runtime/base/random.h"
#include "runtime/commit/database_identity.h"
#include "runtime/commit/postgres/identity.h"
#include "runtime/commit/postgres/schema.h"
#include "runtime/connectors/postgres/outbox_table.h"

namespace piperun::postgres {

using base::ErrorCode;
using base::Result;

namespace {

constexpr std::size_t kLongestName = 63;

// In piperun.relays the row of no pipeline counts the numbers of an outbox: the next one, and the first that is still there.
constexpr const char* kLockCounter =
    "SELECT next_batch, sent FROM piperun.relays WHERE pipeline = '' AND unit = '' AND outbox = $1 FOR UPDATE";

}  // namespace

Result<std::unique_ptr<Outbox>> Outbox::open(PostgresSettings settings, std::string table, std::string pipeline,
                                             std::string unit) {
  if (settings.purpose.empty()) settings.purpose = unit;
  auto session = Session::open(std::move(settings));
  if (!session) return std::unexpected(session.error());
  if (auto made = make_schema(**session); !made) return std::unexpected(made.error());
  auto stored = describe(**session, table);
  if (!stored) return std::unexpected(stored.error());
  if (auto fits = check_outbox(*stored, table, (*session)->address()); !fits) return std::unexpected(fits.error());
  auto name = (*session)->query(
      "SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "WHERE c.oid = to_regclass($1)",
      Parameters().text(stored->table));
  if (!name) return std::unexpected(name.error());
  std::unique_ptr<Outbox> outbox(new Outbox(std::move(*session), std::move(table), std::move(pipeline), std::move(unit)));
  outbox->quoted_ = stored->table;
  outbox->outbox_ = name->text(0, 0);
  outbox->value_ = "convert_to((to_jsonb(o) - 'number')::text, 'UTF8')";
  return entered(std::move(outbox));
}

Result<std::unique_ptr<Outbox>> Outbox::entered(std::unique_ptr<Outbox> outbox) {
  auto database = database_identity(*outbox->session_);
  if (!database) return std::unexpected(database.error());
  outbox->database_ = std::move(*database);
  if (auto done = outbox->enter(); !done) return std::unexpected(done.error());
  return outbox;
}

std::string own_outbox_table(const std::string& name) {
  std::string table = "." + name;  // never the name of a table of our schema
  if (table.size() > kLongestName) {
    const std::string ending = fmt::format(".{:016x}", base::fnv1a(table));
    table = table.substr(0, kLongestName - ending.size()) + ending;
  }
  return "piperun." + quoted(table);
}

Result<void> make_own_outbox(Session& session, const std::string& name) {
  if (auto made = make_schema(session); !made) return made;
  Transaction transaction(session);
  if (auto begun = transaction.begin(); !begun) return begun;
  auto locked = session.query("SELECT pg_advisory_xact_lock($1)", Parameters().integer(kCreationLock));
  if (!locked) return std::unexpected(locked.error());
  auto made =
      session.query(fmt::format("CREATE TABLE IF NOT EXISTS {} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
                                "number bigint UNIQUE, value bytea NOT NULL)",
                                own_outbox_table(name)));
  if (!made) return std::unexpected(made.error());
  return transaction.commit();
}

Result<std::unique_ptr<Outbox>> Outbox::open_own(PostgresSettings settings, std::string name, std::string pipeline,
                                                 std::string unit) {
  if (settings.purpose.empty()) settings.purpose = unit;
  auto session = Session::open(std::move(settings));
  if (!session) return std::unexpected(session.error());
  if (auto made = make_own_outbox(**session, name); !made) return std::unexpected(made.error());
  std::unique_ptr<Outbox> outbox(new Outbox(std::move(*session), std::move(name), std::move(pipeline), std::move(unit)));
  outbox->quoted_ = outbox->outbox_ = own_outbox_table(outbox->table_);
  outbox->value_ = "value";
  return entered(std::move(outbox));
}

Parameters Outbox::names() const { return Parameters().text(pipeline_).text(unit_).text(outbox_); }

// Under the counter's lock, so that nothing is deleted meanwhile which this relay might still want.
Result<void> Outbox::enter() {
  auto counter = session_->query(
      fmt::format("INSERT INTO piperun.relays (pipeline, unit, outbox, epoch, next_batch, sent) SELECT '', '', $1, 0, "
                  "coalesce(max(number) + 1, 0), coalesce(min(number), 0) FROM {} ON CONFLICT DO NOTHING",
                  quoted_),
      Parameters().text(outbox_));
  if (!counter) return std::unexpected(counter.error());
  Transaction transaction(*session_);
  if (auto begun = transaction.begin(); !begun) return begun;
  auto known = session_->query("SELECT 1 FROM piperun.relays WHERE pipeline = $1 AND unit = $2 AND outbox = $3", names());
  if (!known) return std::unexpected(known.error());
  if (known->size() > 0) return transaction.commit();
  auto first = session_->query(kLockCounter, Parameters().text(outbox_));
  if (!first) return std::unexpected(first.error());
  auto entered = session_->query(
      "INSERT INTO piperun.relays (pipeline, unit, outbox, epoch, next_batch, sent) VALUES ($1, $2, $3, 0, 0, $4::int8) "
      "ON CONFLICT DO NOTHING",
      names().integer(first->integer(0, 1)));
  if (!entered) return std::unexpected(entered.error());
  return transaction.commit();
}

Result<void> Outbox::claim() {
  if (auto entered = enter(); !entered) return entered;
  auto rows = session_->query(
      "UPDATE piperun.relays SET epoch = epoch + 1, owner = $4 WHERE pipeline = $1 AND unit = $2 AND outbox = $3 RETURNING epoch",
      names().text(application_name(session_->settings().purpose)));
  if (!rows) return std::unexpected(rows.error());
  if (rows->size() == 0) return std::unexpected(lost(""));
  epoch_ = rows->integer(0, 0);
  return {};
}

// An owner is a process: its connections carry its name.
Result<bool> Outbox::is_held_elsewhere() {
  auto rows = session_->query(
      "SELECT DISTINCT r.owner FROM piperun.relays r JOIN pg_catalog.pg_stat_activity a ON a.application_name = r.owner "
      "WHERE r.pipeline = $1 AND r.unit = $2 AND r.outbox = $3 AND r.owner <> ''",
      names());
  if (!rows) return std::unexpected(rows.error());
  return rows->size() > 0 && process_of(rows->text(0, 0)) != process_of(application_name({}));
}

Result<void> Outbox::lock_relay() {
  auto rows = session_->query(
      "SELECT epoch, owner FROM piperun.relays WHERE pipeline = $1 AND unit = $2 AND outbox = $3 FOR UPDATE", names());
  if (!rows) return std::unexpected(rows.error());
  if (rows->size() == 0) return std::unexpected(lost(""));
  if (rows->integer(0, 0) != epoch_) return std::unexpected(lost(rows->text(0, 1)));
  return {};
}

// Returns the next number. Makes relays, and their transactions, take turns.
Result<std::int64_t> Outbox::lock_counter() {
  auto rows = session_->query(kLockCounter, Parameters().text(outbox_));
  if (!rows) return std::unexpected(rows.error());
  if (rows->size() == 0) return std::unexpected(lost(""));
  return rows->integer(0, 0);
}

Result<Outbox::State> Outbox::state() {
  auto rows = session_->query(fmt::format("SELECT sent, next_batch, (SELECT count(*) FROM {} WHERE number IS NULL) "
                                          "FROM piperun.relays WHERE pipeline = '' AND unit = '' AND outbox = $1",
                                          quoted_),
                              Parameters().text(outbox_));
  if (!rows) return std::unexpected(rows.error());
  if (rows->size() == 0) return std::unexpected(lost(""));
  return State{rows->integer(0, 0), rows->integer(0, 1), rows->integer(0, 2)};
}

Result<void> Outbox::number_rows(std::int64_t limit, std::int64_t sent_to) {
  Transaction transaction(*session_);
  if (auto begun = transaction.begin(); !begun) return begun;
  if (auto owned = lock_relay(); !owned) return owned;
  const auto next = lock_counter();
  if (!next) return std::unexpected(next.error());
  if (*next < sent_to) {  // before new rows get the numbers of those that were sent
    return base::failure(
        ErrorCode::PositionGone,
        fmt::format("outbox `{}` of {}: the rows before {} were sent, and it has the numbers to {}: the database "
                    "went back in time behind what was sent; `offsets reset` says where to go on",
                    table_, session_->address(), sent_to, *next));
  }
  auto numbered = session_->query(
      fmt::format("WITH picked AS (SELECT id FROM {0} WHERE number IS NULL ORDER BY id LIMIT $1::int8 FOR UPDATE), "
                  "ordered AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM picked) "
                  "UPDATE {0} o SET number = $2::int8 + ordered.place FROM ordered WHERE o.id = ordered.id",
                  quoted_),
      Parameters().integer(limit).integer(*next));
  if (!numbered) return std::unexpected(numbered.error());
  if (numbered->changed() > 0) {
    auto moved = session_->query(
        "UPDATE piperun.relays SET next_batch = next_batch + $2::int8 WHERE pipeline = '' AND unit = '' AND outbox = $1",
        Parameters().text(outbox_).integer(numbered->changed()));
    if (!moved) return std::unexpected(moved.error());
  }
  return transaction.commit();
}

Result<std::vector<Outbox::Row>> Outbox::read(std::int64_t from, std::int64_t limit) {
  auto known = session_->query("SELECT sent, next_batch FROM piperun.relays WHERE pipeline = '' AND unit = '' AND outbox = $1",
                               Parameters().text(outbox_));
  if (!known) return std::unexpected(known.error());
  if (known->size() == 0) return std::unexpected(lost(""));
  const std::int64_t first = known->integer(0, 0), next = known->integer(0, 1);
  if (from > next) {  // a start behind all that is there counts what waits for its number, too
    const auto now_there = state();
    if (!now_there) return std::unexpected(now_there.error());
    if (from <= now_there->next + now_there->waiting) return std::vector<Row>();
  }
  if (from < first || from > next) {
    return base::failure(
        ErrorCode::PositionGone,
        fmt::format("outbox `{}` of {}: position {} is asked for, and it has the numbers {} to {}{}", table_, session_->address(),
                    from, first, next, from > next ? ": the database went back in time behind what was sent" : ""));
  }
  if (from == next) return std::vector<Row>();
  auto rows = session_->query(
      fmt::format("SELECT number, {} FROM {} o WHERE number >= $1::int8 ORDER BY number LIMIT $2::int8", value_, quoted_),
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
    result.push_back({number, rows->bytes(i, 1)});
  }
  return result;
}

Result<void> Outbox::delete_sent(std::int64_t below) {
  Transaction transaction(*session_);
  if (auto begun = transaction.begin(); !begun) return begun;
  if (auto owned = lock_relay(); !owned) return owned;
  if (const auto next = lock_counter(); !next) return std::unexpected(next.error());
  auto moved = session_->query(
      "UPDATE piperun.relays SET sent = greatest(sent, $4::int8) WHERE pipeline = $1 AND unit = $2 AND outbox = $3",
      names().integer(below));
  if (!moved) return std::unexpected(moved.error());
  if (auto deleted = delete_unwanted(); !deleted) return deleted;
  return transaction.commit();
}

// Under the counter's lock: rows that every relay has sent. Where there is no relay all stay.
Result<void> Outbox::delete_unwanted() {
  auto first = session_->query(
      "UPDATE piperun.relays SET sent = greatest(sent, (SELECT min(r.sent) FROM piperun.relays r WHERE r.outbox = $1 AND "
      "r.pipeline <> '')) WHERE pipeline = '' AND unit = '' AND outbox = $1 RETURNING sent",
      Parameters().text(outbox_));
  if (!first) return std::unexpected(first.error());
  auto removed =
      session_->query(fmt::format("DELETE FROM {} WHERE number < $1::int8", quoted_), Parameters().integer(first->integer(0, 0)));
  if (!removed) return std::unexpected(removed.error());
  return {};
}

Result<void> Outbox::keep_from(std::int64_t position) {
  Transaction transaction(*session_);
  if (auto begun = transaction.begin(); !begun) return begun;
  if (auto owned = lock_relay(); !owned) return owned;
  auto counter = session_->query(kLockCounter, Parameters().text(outbox_));
  if (!counter) return std::unexpected(counter.error());
  if (counter->size() == 0) return std::unexpected(lost(""));
  if (const std::int64_t first = counter->integer(0, 1); position < first) {
    return base::failure(ErrorCode::PositionGone,
                         fmt::format("outbox `{}` of {}: position {} is asked for, and the rows before {} were sent and are gone",
                                     table_, session_->address(), position, first));
  }
  auto moved = session_->query("UPDATE piperun.relays SET sent = $4::int8 WHERE pipeline = $1 AND unit = $2 AND outbox = $3",
                               names().integer(position));
  if (!moved) return std::unexpected(moved.error());
  return transaction.commit();
}

Result<void> Outbox::leave() {
  Transaction transaction(*session_);
  if (auto begun = transaction.begin(); !begun) return begun;
  if (auto owned = lock_relay(); !owned) return owned;
  if (const auto next = lock_counter(); !next) return std::unexpected(next.error());
  auto left = session_->query("DELETE FROM piperun.relays WHERE pipeline = $1 AND unit = $2 AND outbox = $3", names());
  if (!left) return std::unexpected(left.error());
  if (auto deleted = delete_unwanted(); !deleted) return deleted;
  return transaction.commit();
}

Result<void> Outbox::check(const std::string& database) const {
  if (commit::is_same_database(database, database_)) return {};
  return base::failure(ErrorCode::PositionGone,
                       fmt::format("outbox `{}` of {}: its position is one of {}, and this is {}; {}", table_,
                                   session_->address(), database, database_, commit::kOtherDatabase));
}

base::Error Outbox::lost(const std::string& owner) const {
  return {ErrorCode::LostOwnership,
          fmt::format("{} of {}: the outbox `{}` is not this worker's any more: {}", unit_, pipeline_, table_,
                      owner.empty() ? std::string("it was never claimed") : fmt::format("`{}` has claimed it", owner)),
          {},
          -1};
}

// ---- OutboxSink

Result<std::unique_ptr<connectors::Sink>> OutboxSink::open(Session& session, const std::string& name) {
  if (auto made = make_own_outbox(session, name); !made) return std::unexpected(made.error());
  return std::unique_ptr<connectors::Sink>(
      new OutboxSink(session, fmt::format("INSERT INTO {} (value) SELECT u.value FROM unnest($1::bytea[]) WITH ORDINALITY "
                                          "u(value, place) ORDER BY u.place",
                                          own_outbox_table(name))));
}

// In the order of the rows: ids ascend as they are written.
Result<void> OutboxSink::write(std::span<const connectors::OutputRow> rows) {
  Array values(Wire::Bytes);
  for (const connectors::OutputRow& row : rows) values.text(row.encoded.value_or(std::string_view{}));
  auto written = session_.query(insert_, Parameters().array(values));
  if (!written) return std::unexpected(written.error());
  return {};
}

// ---- OutboxSource

namespace {

struct Bytes final : record::SlabOwner {
  std::string bytes;
};

}  // namespace

// What waits for a number is there already: a drain goes on until it is sent.
Result<std::vector<connectors::Partition>> OutboxSource::partitions() {
  auto state = outbox_->state();
  if (!state) return std::unexpected(state.error());
  return std::vector{connectors::Partition{outbox_->table(), 0, state->first, state->next + state->waiting}};
}

Result<std::int64_t> OutboxSource::resolve(const std::string& start, std::uint32_t) {
  auto state = outbox_->state();
  if (!state) return std::unexpected(state.error());
  if (start == "earliest") return state->first;
  if (start == "latest") return state->next + state->waiting;
  return base::failure(
      ErrorCode::PositionGone,
      fmt::format("outbox `{}`: a position by time ({}) is asked for, and its rows have no time; it can begin at `earliest` or "
                  "`latest`, and `offsets reset --to` knows `offset N` and `shift N` besides",
                  outbox_->table(), start));
}

Result<record::Slab> OutboxSource::read(std::uint32_t partition, std::int64_t position, std::size_t max_records,
                                        std::size_t max_bytes) {
  const auto limit = static_cast<std::int64_t>(std::min<std::size_t>(max_records, static_cast<std::size_t>(kMostRead)));
  auto rows = outbox_->read(position, limit);
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
  slab.mark = outbox_->database();
  return slab;
}

void OutboxSource::wait(std::int64_t microseconds) { clock_.sleep(std::min(microseconds, kPollEvery)); }

}  // namespace piperun::postgres
