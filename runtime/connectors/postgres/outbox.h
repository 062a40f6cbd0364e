// An outbox table as a stream: what was written into it in transactions of others, each row under a number without gaps.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/commit/postgres/session.h"
#include "runtime/connectors/outbox.h"
#include "runtime/connectors/sink.h"
#include "runtime/connectors/source.h"

namespace piperun::postgres {

// Ids of a sequence become visible out of order, so a cursor by id loses rows. Numbers are given here instead, in transactions that
// take turns at the outbox's row of piperun.relays, to rows that are visible: a number below the next one never appears later.
//
// The table has `id` (unique, ascending as it is written) and `number bigint`, which the writer leaves null; an index on each. Several
// relays may read one outbox; each has a row of its own, whose epoch tells its owners apart. Used by one thread.
class Outbox final : public connectors::OutboxRelay {
 public:
  struct State {
    std::int64_t first = 0;  // numbers below it are gone
    std::int64_t next = 0;  // the next number to be given
    std::int64_t waiting = 0;  // rows without a number
  };
  struct Row {
    std::int64_t number = 0;
    std::string value;  // a JSON object of the columns but `number`; of a table of ours the bytes in `value`
  };

  // NoSuchTable, SchemaMismatch. Makes our schema if it is missing. From now on no row goes that this relay has not sent.
  static base::Result<std::unique_ptr<Outbox>> open(PostgresSettings settings, std::string table, std::string pipeline,
                                                    std::string unit);
  // A table of ours, in our schema: made if it is missing.
  static base::Result<std::unique_ptr<Outbox>> open_own(PostgresSettings settings, std::string name, std::string pipeline,
                                                        std::string unit);

  base::Result<void> claim() override;
  base::Result<void> number_rows(std::int64_t limit, std::int64_t sent_to = 0) override;
  base::Result<void> delete_sent(std::int64_t below) override;
  base::Result<bool> is_held_elsewhere() override;
  base::Result<void> keep_from(std::int64_t position) override;
  base::Result<void> leave() override;

  base::Result<State> state();
  // Numbered rows from `from` on, in order. PositionGone: rows that are gone are asked for, or more was sent than there are numbers, for
  // the database went back in time.
  base::Result<std::vector<Row>> read(std::int64_t from, std::int64_t limit);

  const std::string& table() const { return table_; }  // as the program names it
  const std::string& database() const { return database_; }  // commit/database_identity.h
  // `database`: that positions belong to. PositionGone when this is another one.
  base::Result<void> check(const std::string& database) const;

 private:
  Outbox(std::unique_ptr<Session> session, std::string table, std::string pipeline, std::string unit)
      : session_(std::move(session)), table_(std::move(table)), pipeline_(std::move(pipeline)), unit_(std::move(unit)) {}
  static base::Result<std::unique_ptr<Outbox>> entered(std::unique_ptr<Outbox> outbox);
  base::Result<void> enter();
  base::Result<void> delete_unwanted();
  base::Result<void> lock_relay();
  base::Result<std::int64_t> lock_counter();
  Parameters names() const;
  base::Error lost(const std::string& owner) const;

  std::unique_ptr<Session> session_;
  std::string table_, pipeline_, unit_;
  std::string database_;
  std::string quoted_;  // the table
  std::string outbox_;  // the table's name among all outboxes of the database
  std::string value_;  // what of a row is its value
  std::int64_t epoch_ = 0;
};

// The table of ours that is called `name`, quoted, and what makes it: id, number, value.
std::string own_outbox_table(const std::string& name);
base::Result<void> make_own_outbox(Session& session, const std::string& name);

// Appends encoded records to a table of ours, in the open transaction of a session.
class OutboxSink final : public connectors::Sink {
 public:
  // Makes the table if it is missing. `session` must outlive the sink.
  static base::Result<std::unique_ptr<connectors::Sink>> open(Session& session, const std::string& name);
  base::Result<void> write(std::span<const connectors::OutputRow> rows) override;
  base::Result<void> await() override { return {}; }

 private:
  OutboxSink(Session& session, std::string insert) : session_(session), insert_(std::move(insert)) {}
  Session& session_;
  std::string insert_;
};

// The same as a source with one partition: what has its number can be read.
class OutboxSource final : public connectors::Source {
 public:
  static constexpr std::int64_t kMostRead = 1'000;
  static constexpr std::int64_t kPollEvery = 20'000;  // microseconds

  OutboxSource(std::unique_ptr<Outbox> outbox, base::Clock& clock) : outbox_(std::move(outbox)), clock_(clock) {}

  base::Result<std::vector<connectors::Partition>> partitions() override;
  base::Result<std::int64_t> resolve(const std::string& start, std::uint32_t partition) override;
  base::Result<record::Slab> read(std::uint32_t partition, std::int64_t position, std::size_t max_records,
                                  std::size_t max_bytes) override;
  base::Result<void> check(std::uint32_t, const std::string& mark) override { return outbox_->check(mark); }
  std::string identity() const override { return outbox_->database(); }
  bool is_finite() const override { return false; }
  void wait(std::int64_t microseconds) override;

 private:
  std::unique_ptr<Outbox> outbox_;
  base::Clock& clock_;
};

}  // namespace piperun::postgres
