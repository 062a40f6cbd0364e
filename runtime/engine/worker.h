// A worker: some partitions of one unit, one connection to its commit domain, and the executor of its protocol. The executor runs
// the step lists of ir::Protocol one step after the other; nothing else calls the commit domain.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <stop_token>
#include <vector>

#include "runtime/engine/ahead.h"
#include "runtime/engine/fetch.h"
#include "runtime/engine/hand_over.h"
#include "runtime/engine/key_expiry.h"
#include "runtime/engine/link_trim.h"
#include "runtime/engine/membership.h"
#include "runtime/engine/observer.h"
#include "runtime/engine/options.h"
#include "runtime/engine/output_end.h"
#include "runtime/engine/process.h"
#include "runtime/engine/relays.h"
#include "runtime/engine/retry.h"
#include "runtime/engine/share.h"
#include "runtime/engine/unit_end.h"

namespace piperun::engine {

enum class Progress : std::uint8_t {
  Worked,  // a batch was committed
  Idle,  // nothing to read now
  Crashed,  // the observer said so: destroy the worker, do nothing more with it
};

// Lives on one thread at a time. All references outlive it.
class Worker {
 public:
  Worker(const ir::Program& program, const ir::Unit& unit, const Options& options, std::uint32_t number,
         connectors::Connectors& connectors, base::Clock& clock, Observer& observer, std::stop_token stop);
  ~Worker();

  // Opens what the unit needs and runs `on_assign`. The first worker of a unit claims and seeds the positions of all partitions, then
  // keeps its own. Where a group shares the partitions out, each assignment runs the list. What is_passing() can be tried again.
  base::Result<Progress> assign();
  // The same behind a failure: waits between tries, until it is done, gives up or is to stop.
  base::Result<Progress> assign_after(base::Error failure);
  // Behind the `assign` of all workers: who waits for a system that is away does not answer a group.
  void join();

  // Fetches one batch and runs `batch` until it is committed, a person must act, or a stop is asked for; or answers what the group
  // has changed.
  base::Result<Progress> run_batch();

  // All that was there when this was asked first is committed, whoever reads a group's partitions, and readers are given what was
  // written. While a system fails that is not known: an outage like any other. False for who lost its partitions.
  base::Result<bool> is_at_end();
  // The same, and nothing can come any more.
  base::Result<bool> is_exhausted();
  bool is_member() const { return membership_ != nullptr; }
  bool is_open() const { return domain_ && (membership_ || !claimed_.empty()); }  // false: refused before it took anything
  static bool is_replay(
      const commit::PartitionName& partition);  // the one more partition that a unit reads: letters asked for again

  // Runs `on_stop`.
  base::Result<void> stop();

  // What the domain stores: of all partitions of the unit.
  base::Result<std::vector<commit::Position>> positions();
  base::Result<std::vector<std::pair<std::string, std::int64_t>>> rows();

 private:
  enum class Flow : std::uint8_t { Next, Reprocess };
  struct Attempt;
  struct SentLetter {
    std::uint32_t record = 0;  // of the batch
    std::size_t letter = 0;  // index into Attempt::letters
  };
  struct WrittenLetters {
    std::vector<std::uint32_t> records;  // of the batch, by row
    std::vector<std::string> texts;
    std::vector<connectors::OutputRow> rows;  // a sink may want them until it has acknowledged them
  };

  // ---- worker.cpp: lists
  base::Result<Flow> execute(const ir::Step& step, Attempt& attempt);
  base::Result<Progress> run_list(const std::vector<ir::Step>& list);
  base::Result<Progress> run_list_with_retries(const std::vector<ir::Step>& list);
  base::Result<Progress> run_range(std::size_t first, std::size_t last, std::size_t resume = 0);
  base::Result<Progress> fetch_and_run();
  base::Result<Progress> look_for_owner();
  bool wait_before_retry(const base::Error& error) { return wait_before_retry(error, retry_); }
  bool wait_before_retry(const base::Error& error, Retry& retry);
  using OwnEnd = base::Result<bool> (Intake::*)();
  base::Result<bool> has_ended(OwnEnd own_end);
  base::Result<bool> look_for_end(OwnEnd own_end);
  bool has_work_waiting() const;
  base::Result<bool> are_others_at_end();
  Intake* intake();  // null: nothing is read yet
  std::size_t sink_index(ir::SinkId sink) const;

  // ---- worker_recover.cpp: what the failure of a step means
  base::Result<std::optional<std::size_t>> recover(const base::Error& error, std::size_t failed_step, Attempt& attempt);
  base::Result<std::optional<std::size_t>> recover_from_data(const base::Error& error, std::size_t failed_step, Attempt& attempt);
  base::Result<std::optional<std::size_t>> recover_from_outage(const base::Error& error, std::size_t failed_step,
                                                               Attempt& attempt);
  base::Result<bool> set_apart_refused(const base::Error& error, const ir::Step& step, const Attempt& attempt);
  base::Result<void> await_sink(const ir::Step& step);
  base::Result<std::optional<std::size_t>> settle_commit(std::size_t failed_step, Attempt& attempt);
  base::Result<bool> was_committed(Attempt& attempt);
  base::Result<void> read_positions_again(Attempt& attempt);
  bool hold_back_letter(const base::Error& error, const ir::Step& step, const Attempt& attempt);
  bool hold_back(std::uint32_t record, ir::SinkId sink, const base::Error& error, const Attempt& attempt);
  std::optional<std::uint32_t> refused_record(const base::Error& error, const ir::Step& step, const Attempt& attempt) const;
  std::uint32_t policy_of_refused(std::uint32_t record, const base::Error& error, const ir::Step& step) const;
  bool set_apart(const base::Error& error, const ir::Step& step, const Attempt& attempt);
  void abort(Attempt& attempt);
  void give_up(const base::Error& error, Attempt& attempt);
  void take_back(Attempt& attempt);

  // ---- worker_group.cpp: what the group gives and takes
  base::Result<Progress> run_as_member();
  base::Result<Progress> answer(const MembershipChange& change);
  base::Result<Progress> take_over();
  base::Result<Progress> retake();
  base::Result<Progress> join_anew();
  base::Result<void> rejoin();
  base::Result<void> find_group_partitions();
  base::Result<void> await_manifest();
  base::Result<void> start_reading_group(std::span<const std::int64_t> from);
  void mirror_positions(const Attempt& attempt);
  void drop_partitions();

  // ---- worker_assign.cpp: the steps of `on_assign`
  base::Result<void> open();
  base::Result<void> find_partitions();
  ReadPartition make_partition(std::uint32_t source, std::uint32_t number, const connectors::Partition& partition) const;
  base::Result<void> freeze();
  base::Result<void> claim();
  base::Result<void> put_manifest();
  base::Result<void> seed_positions();
  std::vector<commit::Position> take_handed_over();
  base::Result<void> find_beginning(commit::Position& position);
  base::Result<void> read_known_topics();
  void know_topics(std::span<const commit::Position> positions);
  base::Result<void> check_marks();
  base::Result<std::int64_t> resolve(const ReadPartition& partition, const std::string& start);
  base::Result<void> start_reading();
  void start_intake(std::vector<std::int64_t> from);
  std::int64_t stop_time(std::uint32_t source) const;

  // ---- worker_steps.cpp: the steps of `batch`
  base::Result<void> fetch();
  base::Result<void> process(Attempt& attempt);
  base::Result<Flow> claim_keys(Attempt& attempt);
  base::Result<void> write(const ir::Step& step, Attempt& attempt);
  base::Result<void> write_letters(const ir::Step& step, Attempt& attempt);
  commit::Letter letter_of(std::uint32_t record) const;
  std::vector<SentLetter> letters_for(ir::SinkId sink, const Attempt& attempt) const;
  base::Result<void> put_state(Attempt& attempt);
  base::Result<void> put_part(std::size_t part, const Attempt& attempt);
  base::Result<void> commit_offsets(const ir::Step& step, Attempt& attempt);
  base::Result<void> delete_sent();
  base::Result<void> stop_for_dead_record(std::uint32_t index) const;
  base::Result<void> number_rows();
  std::vector<commit::Advance> advances(const Attempt& attempt) const;
  void advance(const Attempt& attempt);

  const ir::Program& program_;
  const ir::Unit& unit_;
  const Options& options_;
  const std::uint32_t number_;
  connectors::Connectors& connectors_;
  base::Clock& clock_;
  Observer& observer_;
  std::stop_token stop_;

  std::vector<std::int64_t> refusals_;  // by the group: monotonic microseconds of the last ones
  std::unique_ptr<Membership> membership_;  // null: the worker's partitions are its own by their numbers
  std::vector<std::unique_ptr<connectors::Table>> tables_;
  std::vector<std::unique_ptr<connectors::Source>> sources_;  // the intake reads them in its thread; none where there is a group
  Relays relays_;
  LinkTrim link_trim_;
  KeyExpiry key_expiry_;
  UnitEnd unit_end_;
  OutputEnd output_end_;
  std::unique_ptr<commit::Domain> domain_;
  std::vector<std::unique_ptr<connectors::Sink>> sinks_;  // one per Unit::sinks; some write through the domain
  HandOver hand_over_;
  std::unique_ptr<Process> process_;
  std::unique_ptr<Intake> intake_;  // null where there is a group
  Fetch fetch_;
  Ahead ahead_;

  Share share_;
  ir::StepKind last_step_ = ir::StepKind::Release;  // that was run
  std::vector<commit::Position> claimed_;  // what `claim` returned
  std::set<std::string> known_topics_;  // of which some partition has a position
  std::vector<commit::Position> stored_;  // what `read_position` returned
  bool has_unsettled_commit_ = false;  // positions were committed without waiting, and not since with
  std::vector<std::int64_t> positions_;  // per partition of the unit: the next one to commit
  std::vector<commit::Counts> unsettled_;  // per partition: fates that come after their positions (at_most_once)
  Batch batch_;
  std::map<ir::SinkId, WrittenLetters> last_letters_;  // by sink, of the last call
  Processed processed_;
  Retry retry_, end_retry_;
  bool is_end_unknown_ = false;  // an outage has kept it from being found
};

}  // namespace piperun::engine
