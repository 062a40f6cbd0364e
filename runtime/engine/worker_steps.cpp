// The steps of a batch, one function each.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

#include "runtime/engine/attempt.h"
#include "runtime/engine/letters.h"

namespace piperun::engine {
namespace {
constexpr int kExpireEvery = 64;  // batches between two removals of old keys
constexpr std::int64_t kTrimEvery = 60'000'000;  // microseconds between two looks at what all readers have read
}  // namespace

// ---- Positions and counts

std::vector<commit::Advance> Worker::advances(const Attempt& attempt) const {
  std::vector<commit::Advance> result;
  if (batch_.is_replay) {
    const std::size_t replay = all_.size() - 1;
    const auto count = static_cast<std::int64_t>(attempt.last - attempt.first);
    commit::Counts counts;
    for (const commit::Counts& of_partition : attempt.counts) counts += of_partition;
    result.push_back({all_[replay].name, positions_[replay], positions_[replay] + count, counts, 0});
    return result;
  }
  std::vector<std::size_t> slot(all_.size(), SIZE_MAX);
  for (std::size_t i = attempt.first; i < attempt.last; ++i) {
    const BatchRecord& record = batch_.records[i];
    if (slot[record.partition] == SIZE_MAX) {
      slot[record.partition] = result.size();
      const commit::Counts counts = attempt.counts.empty() ? commit::Counts{} : attempt.counts[record.partition];
      result.push_back({all_[record.partition].name, positions_[record.partition], 0, counts, 0, all_[record.partition].mark});
    }
    commit::Advance& advance = result[slot[record.partition]];
    advance.to = record.raw->next;
    ++advance.in_flight;
  }
  for (std::size_t end = 0; const record::Slab& slab : batch_.slabs) {  // which follow each other in `records`
    end += slab.records.size();
    if (slab.mark.empty() || end <= attempt.first || end > attempt.last) continue;
    result[slot[batch_.records[end - 1].partition]].mark = slab.mark;
  }
  if (program_.delivery != ir::Delivery::AtMostOnce) {
    for (commit::Advance& advance : result) advance.in_flight = 0;
  }
  return result;
}

// The commit of this attempt is known.
void Worker::advance(const Attempt& attempt) {
  const std::vector<commit::Advance> done = advances(attempt);
  for (const commit::Advance& advance : done) {
    const auto partition = std::ranges::find(all_, advance.partition, &ReadPartition::name);
    const auto index = static_cast<std::size_t>(partition - all_.begin());
    positions_[index] = advance.to;
    all_[index].mark = advance.mark;
    if (index < processed_.newest_time.size()) newest_time_[index] = std::max(newest_time_[index], processed_.newest_time[index]);
  }
}

base::Result<void> Worker::process(Attempt& attempt) {
  const LookupKeys lookup = [this](const std::string& stage, std::span<const std::string> keys) {
    return domain_->lookup_keys(stage, keys);
  };
  if (const auto done = process_->run(batch_, attempt.first, attempt.last, lookup, processed_); !done) return done;
  take_back(attempt);
  attempt.counts.assign(all_.size(), {});
  attempt.letters.clear();
  for (std::size_t i = attempt.first; i < attempt.last; ++i) {
    const BatchRecord& record = batch_.records[i];
    commit::Counts& counts = attempt.counts[record.partition];
    ++counts.read;
    const auto dead = batch_.dead.find(static_cast<std::uint32_t>(i));
    if (dead != batch_.dead.end()) {
      const ir::DeadLetter fate = program_.policies[dead->second.policy].dead_letter;
      if (fate == ir::DeadLetter::Stop) return stop_for_dead_record(dead->first);
      if (fate == ir::DeadLetter::Skip) {
        ++counts.skipped;
        continue;
      }
      ++counts.dead;
      attempt.letters.push_back(make_letter(program_, unit_, batch_, dead->first, all_[record.partition].name));
    } else {
      ++(record.used ? counts.used : record.late ? counts.late : record.duplicate ? counts.duplicates : counts.filtered);
    }
  }
  if (program_.delivery == ir::Delivery::AtMostOnce) {
    for (std::size_t i = 0; i < all_.size(); ++i) unsettled_[i] += attempt.counts[i];
  }
  return {};
}

namespace {

// What a stop before the end of a batch means for its records.
const char* what_becomes_of_the_batch(const ir::Program& program, const ir::Source* source) {
  if (program.delivery == ir::Delivery::AtMostOnce) return "its batch is lost: at_most_once has moved the position behind it";
  if (source != nullptr && !source->replayable)
    return "nothing of its batch is stored, and there is no position to go back to: send these lines again";
  return "the position stays";
}

}  // namespace

base::Result<void> Worker::stop_for_dead_record(std::uint32_t index) const {
  const BatchRecord& record = batch_.records[index];
  const commit::Letter letter = make_letter(program_, unit_, batch_, index, all_[record.partition].name);
  const std::uint32_t from = all_[record.partition].source;
  const ir::Source* source = from == ir::kNone ? nullptr : &program_.sources[unit_.sources[from]];
  return base::failure(base::ErrorCode::Stopped,
                       fmt::format("{}{}record {}/{}@{}: {} {}; {}. `dead_letter = keep` sets such records apart", letter.site,
                                   letter.site.empty() ? "" : ": ", letter.origin.topic, letter.origin.number, letter.offset,
                                   letter.code, letter.message, what_becomes_of_the_batch(program_, source)));
}

// Under at_most_once: the positions are committed, and what became of the batch is not known.
void Worker::lose(Attempt& attempt) {
  take_back(attempt);
  attempt.counts.assign(all_.size(), {});
  for (std::size_t i = attempt.first; i < attempt.last; ++i) {
    commit::Counts& counts = attempt.counts[batch_.records[i].partition];
    ++counts.read;
    ++counts.unknown;
  }
  for (std::size_t i = 0; i < all_.size(); ++i) unsettled_[i] += attempt.counts[i];
}

// The attempt is made again: under at_most_once its fates were noted already.
void Worker::take_back(Attempt& attempt) {
  for (std::size_t i = 0; program_.delivery == ir::Delivery::AtMostOnce && i < attempt.counts.size(); ++i) {
    unsettled_[i] -= attempt.counts[i];
  }
  attempt.counts.clear();
}

// ---- Durable steps

base::Result<Worker::Flow> Worker::claim_keys(const Attempt& attempt) {
  for (const StageClaims& stage : processed_.claims) {
    if (stage.claims.empty()) continue;
    const auto claimed = domain_->claim_keys(stage.stage, stage.claims);
    if (!claimed) return std::unexpected(claimed.error());
    if (*claimed) continue;
    if (attempt.in_transaction) domain_->abort();
    return Flow::Reprocess;
  }
  return Flow::Next;
}

base::Result<void> Worker::write(const ir::Step& step, const Attempt& attempt) {
  const auto index = static_cast<std::size_t>(std::ranges::find(unit_.sinks, step.sink) - unit_.sinks.begin());
  if (const auto letters = write_letters(step.sink, attempt); !letters) return letters;
  if (static_cast<std::size_t>(&step - unit_.protocol.batch.data()) < attempt.resume) return {};
  const SinkRows& rows = processed_.sinks[index];
  return rows.rows.empty() ? base::Result<void>() : sinks_[index]->write(rows.rows);
}

// A sink of dead letters gets each as one JSON object.
base::Result<void> Worker::write_letters(ir::SinkId sink, const Attempt& attempt) {
  std::vector<std::string> texts;
  std::vector<connectors::OutputRow> rows;
  std::vector<Failure*> sent;
  std::size_t letter = 0;
  for (auto& [record, failure] : batch_.dead) {
    if (record < attempt.first || record >= attempt.last) continue;
    const ir::ErrorPolicy& policy = program_.policies[failure.policy];
    if (policy.dead_letter == ir::DeadLetter::Skip) continue;
    if (policy.dead_letter == ir::DeadLetter::Sink && policy.dead_letter_sink == sink && !failure.letter_sent) {
      texts.push_back(letter_json(attempt.letters[letter]));
      sent.push_back(&failure);
    }
    ++letter;
  }
  for (const std::string& text : texts) {
    connectors::OutputRow row;
    row.encoded = text;
    row.timestamp = batch_.now;
    rows.push_back(row);
  }
  const auto index = static_cast<std::size_t>(std::ranges::find(unit_.sinks, sink) - unit_.sinks.begin());
  if (rows.empty()) return {};
  if (const auto written = sinks_[index]->write(rows); !written) return written;
  for (Failure* failure : sent) failure->letter_sent = program_.delivery == ir::Delivery::AtMostOnce;
  return {};
}

base::Result<void> Worker::put_state(const Attempt& attempt) {
  if (!attempt.letters.empty()) {
    if (const auto put = domain_->put_letters(attempt.letters); !put) return put;
  }
  for (std::size_t i = attempt.first; batch_.is_replay && i < attempt.last; ++i) {
    const auto dead = batch_.dead.find(static_cast<std::uint32_t>(i));
    const bool is_kept = dead != batch_.dead.end() && program_.policies[dead->second.policy].dead_letter != ir::DeadLetter::Skip;
    if (is_kept) continue;
    if (const auto removed = domain_->remove_letter(*batch_.records[i].replayed); !removed) return removed;
  }
  for (std::size_t i = 0; i < unit_.sinks.size(); ++i) {
    if (processed_.sinks[i].rows.empty()) continue;
    const auto added = domain_->add_rows(program_.sinks[unit_.sinks[i]].name, std::ssize(processed_.sinks[i].rows));
    if (!added) return added;
  }
  return {};
}

base::Result<void> Worker::commit_offsets(const ir::Step& step, Attempt& attempt) {
  std::vector<commit::Advance> wanted = advances(attempt);
  if (program_.delivery == ir::Delivery::AtMostOnce) {
    for (std::size_t i = 0; i < all_.size(); ++i) {  // what was not known when its own position was committed
      if (unsettled_[i].read == 0) continue;
      auto advance = std::ranges::find(wanted, all_[i].name, &commit::Advance::partition);
      if (advance == wanted.end())
        advance = wanted.insert(wanted.end(), {all_[i].name, positions_[i], positions_[i], {}, 0, all_[i].mark});
      advance->counts = unsettled_[i];
    }
  }
  const bool is_settling = wanted.empty() && has_unsettled_commit_ && step.mode == ir::StepMode::Sync;
  for (const std::uint32_t index : mine_) {
    if (is_settling) wanted.push_back({all_[index].name, positions_[index], positions_[index], {}, 0, all_[index].mark});
  }
  if (wanted.empty()) return {};
  if (const auto committed = domain_->commit_offsets(wanted, step.mode); !committed) return committed;
  has_unsettled_commit_ = step.mode != ir::StepMode::Sync;
  unsettled_.assign(all_.size(), {});
  advance(attempt);
  return {};
}

// 2·D behind the smallest committed time over all partitions, so that no record still to come can miss its key. Only a worker that
// has all of them knows that time, and only when each partition has shown one.
base::Result<void> Worker::expire_keys() {
  if (--batches_until_expiry_ > 0) return {};
  batches_until_expiry_ = kExpireEvery;
  if (mine_.size() + 1 != all_.size()) return {};
  std::int64_t oldest = INT64_MAX;
  for (const std::uint32_t index : mine_) oldest = std::min(oldest, newest_time_[index]);
  if (oldest == INT64_MAX || oldest == INT64_MIN) return {};
  oldest = std::min(oldest, batch_.now);  // one record from a clock that is years ahead must not take all keys away
  for (const ir::Node& node : unit_.dataflow.nodes) {
    const auto* dedup = std::get_if<ir::Dedup>(&node.op);
    if (!dedup || dedup->within > INT64_MAX / 4) continue;
    if (const auto expired = domain_->expire_keys(dedup->name, oldest - 2 * dedup->within); !expired) return expired;
  }
  return {};
}

// Internal topics lose what every reader has committed. What fails here is done the next time.
void Worker::trim() {
  if (!is_first_ || clock_.monotonic() < trim_at_) return;
  trim_at_ = clock_.monotonic() + kTrimEvery;
  for (const ir::Link& link : program_.links) {
    if (std::ranges::count(unit_.sinks, link.sink) == 0) continue;
    if (const auto trimmed = trim(link); !trimmed)
      spdlog::warn("internal topic not trimmed topic={} error={}", link.topic, trimmed.error().message);
  }
}

base::Result<void> Worker::trim(const ir::Link& link) {
  std::map<commit::PartitionName, std::pair<std::size_t, std::int64_t>> least;  // readers that have a position, and the smallest
  std::size_t readers = 0;
  for (const ir::Unit& reader : program_.units) {
    if (std::ranges::count(reader.sources, link.source) == 0) continue;
    ++readers;
    const auto domain = connectors_.open_stored(program_, reader.domain, reader.name);
    if (!domain) return std::unexpected(domain.error());
    if (!*domain) return {};
    const auto positions = (*domain)->read_positions(ir::StepMode::Plain);
    if (!positions) return std::unexpected(positions.error());
    for (const commit::Position& position : *positions) {
      if (position.partition.topic != link.topic || position.next_offset < 0) continue;
      auto& [count, offset] = least.try_emplace(position.partition, 0, INT64_MAX).first->second;
      ++count;
      offset = std::min(offset, position.next_offset);
    }
  }
  std::vector<connectors::StartAt> below;
  for (const auto& [partition, of_readers] : least) {
    if (of_readers.first == readers) below.push_back({partition, of_readers.second});
  }
  return below.empty() ? base::Result<void>() : connectors_.trim(program_, link.system, below);
}

base::Result<void> Worker::stop() {
  intake_.reset();
  group_intake_ = nullptr;
  batch_ = Batch{};
  if (group_ && mine_.empty()) return {};
  const auto stopped = run_list(unit_.protocol.on_stop);
  if (!stopped) return std::unexpected(stopped.error());
  return {};
}

base::Result<std::vector<commit::Position>> Worker::positions() { return domain_->read_positions(ir::StepMode::Plain); }

base::Result<std::vector<std::pair<std::string, std::int64_t>>> Worker::rows() { return domain_->rows(); }

}  // namespace piperun::engine
