// The steps of a batch, one function each.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "runtime/engine/attempt.h"
#include "runtime/engine/letters.h"

namespace piperun::engine {

base::Result<void> Worker::number_rows() {
  std::vector<Relays::Reading> readings;
  for (const std::uint32_t index : share_.mine) {
    const auto stored = std::ranges::find(claimed_, share_.all[index].name, &commit::Position::partition);
    const bool has_sent = stored != claimed_.end() && stored->counts.read > 0;
    readings.push_back({share_.all[index].source, has_sent ? stored->next_offset : 0});
  }
  return relays_.number_rows(readings);
}

// ---- Positions and counts

std::vector<commit::Advance> Worker::advances(const Attempt& attempt) const {
  std::vector<commit::Advance> result;
  if (batch_.is_replay) {
    const std::size_t replay = share_.replay();
    const auto count = static_cast<std::int64_t>(attempt.last - attempt.first);
    commit::Counts counts;
    for (const commit::Counts& of_partition : attempt.counts) counts += of_partition;
    result.push_back({share_.all[replay].name, positions_[replay], positions_[replay] + count, counts, 0});
    return result;
  }
  std::vector<std::size_t> slot(share_.all.size(), SIZE_MAX);
  std::size_t begin = 0;
  for (const record::Slab& slab : batch_.slabs) {  // each of one partition; one behind the other in `records`
    const std::size_t end = begin + slab.records.size();
    const std::size_t first = std::max(begin, attempt.first), last = std::min(end, attempt.last);
    begin = end;
    if (first >= last) continue;
    const std::uint32_t partition = batch_.records[first].partition;
    if (slot[partition] == SIZE_MAX) {
      slot[partition] = result.size();
      commit::Advance advance;
      advance.partition = share_.all[partition].name;
      advance.from = positions_[partition];
      advance.mark = share_.all[partition].mark;
      if (!attempt.counts.empty()) {  // it was processed
        advance.counts = attempt.counts[partition];
        advance.newest_time = processed_.newest_time[partition];
      }
      result.push_back(std::move(advance));
    }
    commit::Advance& advance = result[slot[partition]];
    advance.to = batch_.records[last - 1].raw->next;
    advance.in_flight += static_cast<std::int64_t>(last - first);
    if (!slab.mark.empty() && last == end) advance.mark = slab.mark;
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
    const std::size_t index = share_.index_of(advance.partition);
    positions_[index] = advance.to;
    share_.all[index].mark = advance.mark;
  }
}

base::Result<void> Worker::fetch() {
  last_letters_.clear();
  return ahead_.has_begun() ? ahead_.take(batch_, processed_) : fetch_.run(*intake(), *domain_, share_, batch_);
}

base::Result<void> Worker::process(Attempt& attempt) {
  attempt.begun = clock_.monotonic();
  const LookupKeys lookup = [this](const std::string& stage, std::span<const std::string> keys) {
    return domain_->lookup_keys(stage, keys);
  };
  if (!batch_.is_processed) {
    ahead_.wait();
    if (const auto done = process_->run(batch_, attempt.first, attempt.last, lookup, processed_); !done) return done;
  }
  ahead_.start(fetch_, *intake(), share_, *process_);
  take_back(attempt);
  attempt.counts.assign(share_.all.size(), {});
  attempt.letters.clear();
  attempt.parts_put = 0;
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
      attempt.letters.push_back(letter_of(dead->first));
    } else {
      ++(record.used ? counts.used : record.late ? counts.late : record.duplicate ? counts.duplicates : counts.filtered);
    }
  }
  if (program_.delivery == ir::Delivery::AtMostOnce) {
    for (std::size_t i = 0; i < share_.all.size(); ++i) unsettled_[i] += attempt.counts[i];
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
  const commit::Letter letter = letter_of(index);
  const std::uint32_t from = share_.all[record.partition].source;
  const ir::Source* source = from == ir::kNone ? nullptr : &program_.sources[unit_.sources[from]];
  return base::failure(base::ErrorCode::Stopped,
                       fmt::format("{}{}record {}/{}@{}: {} {}; {}. `dead_letter = keep` sets such records apart", letter.site,
                                   letter.site.empty() ? "" : ": ", letter.origin.topic, letter.origin.number, letter.offset,
                                   letter.code, letter.message, what_becomes_of_the_batch(program_, source)));
}

// ---- Durable steps

base::Result<Worker::Flow> Worker::claim_keys(Attempt& attempt) {
  for (const StageClaims& stage : processed_.claims) {
    if (stage.claims.empty()) continue;
    const auto claimed = domain_->claim_keys(stage.stage, stage.claims);
    if (!claimed) return std::unexpected(claimed.error());
    if (*claimed) continue;
    abort(attempt);
    return Flow::Reprocess;
  }
  return Flow::Next;
}

base::Result<void> Worker::write(const ir::Step& step, Attempt& attempt) {
  const auto index = sink_index(step.sink);
  if (const auto letters = write_letters(step, attempt); !letters) return letters;
  if (static_cast<std::size_t>(&step - unit_.protocol.batch.data()) < attempt.resume) return {};
  const SinkRows& rows = processed_.sinks[index];
  if (rows.rows.empty()) return {};
  last_letters_.erase(step.sink);
  return sinks_[index]->write(rows.rows);
}

// A sink of dead letters gets each as one JSON object. One that it refuses stays in the store alone; where nothing is undone with it, the
// others follow at once.
base::Result<void> Worker::write_letters(const ir::Step& step, Attempt& attempt) {
  std::vector<SentLetter> sent = letters_for(step.sink, attempt);
  std::erase_if(sent, [&](const SentLetter& each) { return batch_.dead.at(each.record).letter_sent; });
  std::vector<std::string> texts;
  for (const SentLetter& each : sent) texts.push_back(letter_json(attempt.letters[each.letter]));
  std::vector<connectors::OutputRow> rows(sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    rows[i].timestamp = batch_.now;
    rows[i].partition = share_.all[batch_.records[sent[i].record].partition].name.number;
    rows[i].encoded = texts[i];
  }
  while (!rows.empty()) {
    const auto written = sinks_[sink_index(step.sink)]->write(rows);
    if (written) break;
    const bool is_data = base::traits(written.error().code).error_class == base::ErrorClass::Data;
    const auto row = static_cast<std::size_t>(written.error().row);
    if (!is_data || attempt.in_transaction || row >= rows.size()) return written;
    if (hold_back(sent[row].record, step.sink, written.error(), attempt))
      attempt.letters[sent[row].letter] = letter_of(sent[row].record);
    sent.erase(sent.begin() + written.error().row);
    rows.erase(rows.begin() + written.error().row);
  }
  if (sent.empty()) return {};
  WrittenLetters& last = last_letters_[step.sink];
  last = {{}, std::move(texts), std::move(rows)};
  for (const SentLetter& each : sent) {
    last.records.push_back(each.record);
    batch_.dead.at(each.record).letter_sent = program_.delivery == ir::Delivery::AtMostOnce;
  }
  return {};
}

commit::Letter Worker::letter_of(std::uint32_t record) const {
  return make_letter(program_, unit_, batch_, record, share_.all[batch_.records[record].partition].name);
}

// Those of this attempt that `sink` has, or is to be given.
std::vector<Worker::SentLetter> Worker::letters_for(ir::SinkId sink, const Attempt& attempt) const {
  std::vector<SentLetter> result;
  std::size_t letter = 0;
  for (const auto& [record, failure] : batch_.dead) {
    if (record < attempt.first || record >= attempt.last) continue;
    const ir::ErrorPolicy& policy = program_.policies[failure.policy];
    if (policy.dead_letter == ir::DeadLetter::Skip) continue;
    const bool is_theirs = policy.dead_letter == ir::DeadLetter::Sink && policy.dead_letter_sink == sink;
    if (is_theirs && !failure.letter_refused) result.push_back({record, letter});
    ++letter;
  }
  return result;
}

base::Result<void> Worker::put_state(Attempt& attempt) {
  for (const std::size_t parts = 1 + unit_.sinks.size(); attempt.parts_put < parts; ++attempt.parts_put) {
    if (const auto put = put_part(attempt.parts_put, attempt); !put) return put;
  }
  return {};
}

// 0: letters; behind it the count of rows of each sink.
base::Result<void> Worker::put_part(std::size_t part, const Attempt& attempt) {
  if (part > 0) {
    const ir::SinkId sink = unit_.sinks[part - 1];
    const std::int64_t rows = std::ssize(processed_.sinks[part - 1].rows) + std::ssize(letters_for(sink, attempt));
    return rows == 0 ? base::Result<void>() : domain_->add_rows(program_.sinks[sink].name, rows);
  }
  if (!attempt.letters.empty()) {
    if (const auto put = domain_->put_letters(attempt.letters); !put) return put;
  }
  for (std::size_t i = attempt.first; batch_.is_replay && i < attempt.last; ++i) {
    const auto dead = batch_.dead.find(static_cast<std::uint32_t>(i));
    const bool is_kept = dead != batch_.dead.end() && program_.policies[dead->second.policy].dead_letter != ir::DeadLetter::Skip;
    if (is_kept) continue;
    if (const auto removed = domain_->remove_letter(*batch_.records[i].replayed); !removed) return removed;
  }
  return {};
}

base::Result<void> Worker::commit_offsets(const ir::Step& step, Attempt& attempt) {
  std::vector<commit::Advance> wanted = advances(attempt);
  if (program_.delivery == ir::Delivery::AtMostOnce) {
    for (std::size_t i = 0; i < share_.all.size(); ++i) {  // what was not known when its own position was committed
      if (unsettled_[i].read == 0) continue;
      auto advance = std::ranges::find(wanted, share_.all[i].name, &commit::Advance::partition);
      if (advance == wanted.end())
        advance = wanted.insert(wanted.end(), {share_.all[i].name, positions_[i], positions_[i], {}, 0, share_.all[i].mark});
      advance->counts = unsettled_[i];
    }
  }
  const bool is_settling = wanted.empty() && has_unsettled_commit_ && step.mode == ir::StepMode::Sync;
  for (const std::uint32_t index : share_.mine) {
    if (is_settling)
      wanted.push_back({share_.all[index].name, positions_[index], positions_[index], {}, 0, share_.all[index].mark});
  }
  if (wanted.empty()) return {};
  if (const auto committed = domain_->commit_offsets(wanted, step.mode); !committed) return committed;
  has_unsettled_commit_ = step.mode != ir::StepMode::Sync;
  unsettled_.assign(share_.all.size(), {});
  advance(attempt);
  return {};
}

base::Result<void> Worker::delete_sent() {
  for (const std::uint32_t index : share_.mine) {
    if (const auto deleted = relays_.delete_sent(share_.all[index].source, positions_[index]); !deleted) return deleted;
  }
  return {};
}

base::Result<void> Worker::stop() {
  ahead_.drop();
  if (membership_) membership_->stop_polling();
  intake_.reset();
  batch_ = Batch{};
  if (membership_ && share_.mine.empty()) {
    domain_->release();  // what a failed fence has left claimed
    return {};
  }
  const auto stopped = run_list(unit_.protocol.on_stop);
  if (!stopped) return std::unexpected(stopped.error());
  return {};
}

base::Result<std::vector<commit::Position>> Worker::positions() { return domain_->read_positions(ir::StepMode::Plain); }

base::Result<std::vector<std::pair<std::string, std::int64_t>>> Worker::rows() { return domain_->rows(); }

}  // namespace piperun::engine
