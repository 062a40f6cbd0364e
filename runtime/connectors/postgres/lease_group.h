// A group of one reader at a time, where a unit that reads outboxes keeps its positions in a database: whoever has the lock of the unit
// reads, the others stand by.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "runtime/commit/postgres/session.h"
#include "runtime/connectors/relayed_sources.h"

namespace piperun::postgres {

// The lock is an advisory one of a session of its own, which the server ends when nothing is heard of it for 10 s (PostgreSQL 14 and
// later), so a process that is paused or cut off does not keep it. The lock keeps processes from taking the work away from each other in
// turns; what fences is the epoch of each position, as everywhere.
class LeaseGroup final : public connectors::Group {
 public:
  static base::Result<std::unique_ptr<LeaseGroup>> open(PostgresSettings settings, const std::string& pipeline,
                                                        const std::string& unit, connectors::RelayedSources sources);

  base::Result<Polled> poll(std::int64_t wait, bool take_records, std::size_t max_records, std::size_t max_bytes) override;
  base::Result<void> read_from(std::span<const connectors::StartAt> partitions) override;
  base::Result<void> let_go() override;
  base::Result<std::vector<connectors::GroupPartition>> partitions() override { return sources_.partitions(); }
  base::Result<std::int64_t> resolve(const std::string& start, std::uint32_t partition) override {
    return sources_.resolve(start, partition);
  }
  base::Result<std::optional<std::int64_t>> next_time(const commit::PartitionName&, std::int64_t from,
                                                      std::int64_t end) override {
    return connectors::RelayedSources::next_time(from, end);
  }
  base::Result<bool> is_at_end() override;
  bool mirror(std::span<const connectors::StartAt>, bool) override { return true; }
  void close() override { session_.reset(); }

  // Of the databases of the sources, by name.
  std::map<std::string, std::string> identities() const { return sources_.identities(); }

 private:
  enum class Standing : std::uint8_t {
    Asking,  // nobody knows yet whether another one is at work
    StandingBy,  // another one is, and the engine knows
    Holding,
  };
  LeaseGroup(std::unique_ptr<Session> session, std::string name, connectors::RelayedSources sources)
      : session_(std::move(session)), name_(std::move(name)), sources_(std::move(sources)) {}
  base::Result<Change> ask();
  base::Result<bool> has_live_holder();
  bool still_holds();
  Polled told(Change change);

  std::unique_ptr<Session> session_;
  std::string name_;  // of the lock
  connectors::RelayedSources sources_;
  Standing standing_ = Standing::Asking;
  int backend_ = 0;  // that has the lock: a connection that was opened again has none
  std::int64_t ask_at_ = 0, asking_since_ = 0;  // monotonic microseconds
  bool is_waiting_ = false;  // for the answer to a change
};

}  // namespace piperun::postgres
