#include "runtime/engine/engine.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "runtime/engine/worker.h"

namespace piperun::engine {
namespace {

bool contains(const std::vector<std::uint32_t>& list, std::uint32_t item) { return std::ranges::find(list, item) != list.end(); }

// A unit's workers, and whether it has come to its end.
struct RunningUnit {
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::size_t> upstream;  // units that write what this one reads
  std::atomic<std::size_t> unfinished{0};  // workers
  std::size_t assigned = 0;  // workers
  bool is_late = false;  // not assigned with the others, but in a thread of its own
  std::optional<base::Error> away;  // why the next worker could not be assigned
};

class Run {
 public:
  Run(const ir::Program& program, connectors::Connectors& connectors, base::Clock& clock, Observer& observer,
      const Options& options, std::stop_token stop)
      : program_(program),
        connectors_(connectors),
        clock_(clock),
        observer_(observer),
        options_(options),
        units_(program.units.size()) {
    forward_.emplace(stop, [this] { stop_.request_stop(); });
  }

  RunResult go() {
    create_workers();
    if (assign_all()) {
      if (options_.inline_intake) run_inline();
      else run_threads();
    }
    if (!result_.crashed) stop_workers();
    for (const RunningUnit& unit : units_) {
      if (unit.away) fail(*unit.away);
    }
    return std::move(result_);
  }

 private:
  void create_workers() {
    for (std::size_t i = 0; i < units_.size(); ++i) {
      const ir::Unit& unit = program_.units[i];
      for (std::uint32_t number = 0; number < options_.workers; ++number) {
        units_[i].workers.push_back(
            std::make_unique<Worker>(program_, unit, options_, number, connectors_, clock_, observer_, stop_.get_token()));
      }
      units_[i].unfinished = options_.workers;
      for (std::size_t other = 0; other < units_.size(); ++other) {
        if (other != i && writes_for(program_.units[other], unit)) units_[i].upstream.push_back(other);
      }
    }
  }

  bool writes_for(const ir::Unit& writer, const ir::Unit& reader) const {
    return std::ranges::any_of(program_.links, [&](const ir::Link& link) {
      return contains(writer.sinks, link.sink) && contains(reader.sources, link.source);
    });
  }

  // One after the other: the first worker of a unit writes the manifest and seeds the positions of all partitions. A unit whose system
  // is away keeps waiting who reads what it writes, and nobody else.
  bool assign_all() {
    for (RunningUnit& unit : units_) {
      unit.is_late = waits_for_upstream(unit);
      if (unit.is_late || assign(unit)) continue;
      if (!unit.away) return false;
      unit.is_late = true;
      if (options_.inline_intake && !assign_late(unit)) return false;
    }
    return true;
  }

  bool waits_for_upstream(const RunningUnit& unit) const {
    return std::ranges::any_of(unit.upstream, [this](std::size_t i) { return units_[i].is_late; });
  }

  // Those of its workers that are not yet. False: a system is away, as `away` says, or the run has ended.
  bool assign(RunningUnit& unit) {
    for (; unit.assigned < unit.workers.size(); ++unit.assigned) {
      Worker& worker = *unit.workers[unit.assigned];
      auto assigned = unit.away ? worker.assign_after(*unit.away) : worker.assign();
      if (!assigned && unit.is_late && !unit.away) assigned = worker.assign_after(assigned.error());
      unit.away.reset();
      if (!assigned && is_passing(assigned.error())) unit.away = assigned.error();
      else if (!assigned) fail(assigned.error());
      else if (*assigned == Progress::Crashed) crash();
      if (!assigned || *assigned == Progress::Crashed) return false;
    }
    return true;
  }

  // However long that takes. False: the run has ended.
  bool assign_late(RunningUnit& unit) {
    {
      std::unique_lock lock(mutex_);
      if (!one_more_.wait(lock, stop_.get_token(), [&] { return !waits_for_upstream(unit); })) return false;
    }
    if (!assign(unit)) {
      if (unit.away && !stop_.stop_requested()) fail(*unit.away);
      return false;
    }
    const std::lock_guard lock(mutex_);
    unit.is_late = false;
    one_more_.notify_all();
    return true;
  }

  // True: this worker is done for good.
  bool work(RunningUnit& unit, Worker& worker, bool& was_idle) {
    const auto progress = worker.run_batch();
    if (!progress) {
      if (!stop_.stop_requested()) fail(progress.error());
      return true;
    }
    if (*progress == Progress::Crashed) {
      crash();
      return true;
    }
    was_idle = *progress == Progress::Idle;
    return was_idle && is_done(unit, worker);
  }

  bool is_done(const RunningUnit& unit, Worker& worker) {
    const bool upstream_done = std::ranges::all_of(unit.upstream, [&](std::size_t i) { return units_[i].unfinished == 0; });
    if (!upstream_done) return false;
    const auto done = options_.drain ? worker.is_at_end() : worker.is_exhausted();
    if (!done && !stop_.stop_requested()) fail(done.error());
    return done && *done;
  }

  void run_inline() {
    for (RunningUnit& unit : units_) {
      for (const auto& worker : unit.workers) worker->join();
    }
    for (bool moved = true; moved && !stop_.stop_requested();) {
      moved = false;
      for (RunningUnit& unit : units_) {
        for (const auto& worker : unit.workers) {
          bool was_idle = false;
          while (!was_idle && !stop_.stop_requested()) {
            if (work(unit, *worker, was_idle)) break;
            moved |= !was_idle;
          }
        }
      }
    }
  }

  void run_threads() {
    std::vector<std::jthread> threads;
    for (RunningUnit& unit : units_) threads.emplace_back([this, &unit] { run_unit(unit); });
  }

  void run_unit(RunningUnit& unit) {
    if (unit.is_late && !assign_late(unit)) return;
    for (const auto& worker : unit.workers) worker->join();
    std::vector<std::jthread> threads;
    for (const auto& worker : unit.workers) {
      threads.emplace_back([this, &unit, &worker] {
        for (bool was_idle = false; !stop_.stop_requested() && !work(unit, *worker, was_idle);) {}
        --unit.unfinished;
        attend(*worker);
      });
    }
  }

  // Who is done stays in its group and answers it until all are done: the others must not wait for a member that says nothing.
  void attend(Worker& worker) {
    const auto is_over = [this] {
      return std::ranges::all_of(units_, [](const RunningUnit& unit) { return unit.unfinished == 0; });
    };
    while (worker.is_member() && !stop_.stop_requested() && !is_over()) {
      if (const auto progress = worker.run_batch(); !progress) return fail(progress.error());
    }
  }

  // What a worker cannot finish, the next start will: an error here is told only if there was none before.
  void stop_workers() {
    for (std::size_t i = 0; i < units_.size(); ++i) {
      for (const auto& worker : units_[i].workers) {
        if (!worker->is_open()) continue;
        if (!result_.error) {
          if (const auto stopped = worker->stop(); !stopped) fail(stopped.error());
        }
      }
      if (!units_[i].workers.front()->is_open()) continue;
      auto ledger = read_ledger(program_.units[i].name, *units_[i].workers.front());
      if (ledger) result_.ledgers.push_back(std::move(*ledger));
      else fail(ledger.error());
    }
  }

  static base::Result<UnitLedger> read_ledger(const std::string& name, Worker& worker) {
    auto positions = worker.positions();
    if (!positions) return std::unexpected(positions.error());
    auto rows = worker.rows();
    if (!rows) return std::unexpected(rows.error());
    UnitLedger ledger{name, {}, {}, {}, std::move(*rows)};
    for (commit::Position& position : *positions) {
      if (Worker::is_replay(position.partition)) {
        ledger.replayed += position.counts;
        continue;
      }
      ledger.counts += position.counts;
      ledger.positions.push_back(std::move(position));
    }
    return ledger;
  }

  void crash() {
    const std::lock_guard lock(mutex_);
    result_.crashed = true;
    stop_.request_stop();
  }

  void fail(const base::Error& error) {
    const std::lock_guard lock(mutex_);
    if (!result_.error) result_.error = error;
    stop_.request_stop();
  }

  const ir::Program& program_;
  connectors::Connectors& connectors_;
  base::Clock& clock_;
  Observer& observer_;
  const Options& options_;
  std::stop_source stop_;
  std::optional<std::stop_callback<std::function<void()>>> forward_;
  std::vector<RunningUnit> units_;
  std::mutex mutex_;  // of what follows, and of `is_late`
  std::condition_variable_any one_more_;  // is not late any more
  RunResult result_;
};

}  // namespace

RunResult run(const ir::Program& program, connectors::Connectors& connectors, base::Clock& clock, Observer& observer,
              const Options& options, std::stop_token stop) {
  return Run(program, connectors, clock, observer, options, std::move(stop)).go();
}

}  // namespace piperun::engine
