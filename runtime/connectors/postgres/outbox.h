// An outbox table as a stream: what was written into it in transactions of others, each row under a number without gaps.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/commit/postgres/session.h"
#include "runtime/connectors/source.h"

namespace piperun::postgres {

// Ids of a sequence become visible out of order, so a cursor by id loses rows. Numbers are given here instead, in transactions that
// take turns at the relay's row, to rows that are visible: a number below the next one never appears later.
//
// The table has `id` (unique, ascending as it is written) and `number bigint`, which the writer leaves null; an index on each. Relays are
// told apart by epochs. Used by one thread.
class Outbox {
 public:
  struct State {
    std::int64_t epoch = 0;
    std::int64_t next = 0;  // number of the row that comes next
    std::int64_t sent = 0;  // numbers below it are gone
  };
  struct Row {
    std::int64_t number = 0;
    std::string value;  // a JSON object of the columns, but `id` and `number`
  };

  // NoSuchTable, SchemaMismatch. Makes our schema if it is missing.
  static base::Result<std::unique_ptr<Outbox>> open(PostgresSettings settings, std::string table, std::string pipeline,
                                                    std::string unit);

  // epoch + 1: what an earlier relay numbers or deletes from now on fails with LostOwnership.
  base::Result<State> claim();
  base::Result<State> state();  // (fenced)
  // (fenced) Numbers at most `limit` rows in the order of their ids; returns how many. Atomic, so that it may be repeated.
  base::Result<std::int64_t> number_rows(std::int64_t limit);
  // Numbered rows from `from` on, in order. PositionGone: rows below `sent` are asked for, or more was sent than there are numbers, for the
  // database went back in time.
  base::Result<std::vector<Row>> read(std::int64_t from, std::int64_t limit);
  // (fenced) Rows with smaller numbers are sent; they are deleted.
  base::Result<void> delete_sent(std::int64_t below);

  const std::string& table() const { return table_; }

 private:
  Outbox(std::unique_ptr<Session> session, std::string table, std::string quoted, std::string pipeline, std::string unit)
      : session_(std::move(session)),
        table_(std::move(table)),
        quoted_(std::move(quoted)),
        pipeline_(std::move(pipeline)),
        unit_(std::move(unit)) {}
  base::Result<State> locked_state();
  Parameters names() const;
  base::Error lost(const std::string& owner) const;

  std::unique_ptr<Session> session_;
  std::string table_, quoted_, pipeline_, unit_;
  std::int64_t epoch_ = 0;
};

// The same as a source with one partition. A read that finds nothing numbers what has come.
class OutboxSource final : public connectors::Source {
 public:
  static constexpr std::int64_t kMostNumbered = 1'000;
  static constexpr std::int64_t kPollEvery = 20'000;

  // Claims the outbox.
  static base::Result<std::unique_ptr<OutboxSource>> open(std::unique_ptr<Outbox> outbox, base::Clock& clock);

  base::Result<std::vector<connectors::Partition>> partitions() override;
  base::Result<std::int64_t> resolve(const std::string& start, std::uint32_t partition) override;
  base::Result<record::Slab> read(std::uint32_t partition, std::int64_t position, std::size_t max_records,
                                  std::size_t max_bytes) override;
  bool is_finite() const override { return false; }
  void wait(std::int64_t microseconds) override;

  Outbox& outbox() { return *outbox_; }

 private:
  OutboxSource(std::unique_ptr<Outbox> outbox, base::Clock& clock) : outbox_(std::move(outbox)), clock_(clock) {}

  std::unique_ptr<Outbox> outbox_;
  base::Clock& clock_;
};

}  // namespace piperun::postgres
