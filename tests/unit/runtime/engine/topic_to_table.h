// A topic, its consumer group and a table, all in this process: what an engine needs to run a unit from one to the other.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "runtime/connectors/connectors.h"
#include "tests/unit/runtime/engine/stored_positions.h"

namespace piperun::engine {

constexpr std::int64_t kSlab = 10;  // records that are handed over at once

// Topic and database. Record i of a partition says i.
struct World {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::int64_t> ends;  // per partition of the topic
  std::deque<connectors::Group::Polled> changes;  // the group has these to tell
  bool is_told = false;  // the intake has heard of one
  std::size_t slabs = 0;  // handed over
  std::map<commit::PartitionName, commit::Position> positions;
  std::vector<commit::Manifest> manifests;
  std::map<std::int32_t, std::vector<std::int64_t>> rows;  // committed: per partition the numbers
  std::map<std::int32_t, std::int64_t> mirrored;  // per partition: what the group was told last
  std::size_t letters = 0;
  std::atomic<std::int64_t> passed = 0;  // microseconds that a test lets go by
  std::int64_t counted = 0;  // rows, by the ledger
  commit::Counts fates;  // by the positions
  std::function<base::Result<void>(std::span<const std::int64_t> numbers)> on_write = [](auto) { return base::Result<void>(); };
  std::function<base::Result<void>()> on_fence = [] { return base::Result<void>(); };
  std::function<base::Result<void>()> on_commit = on_fence, on_end = on_fence, on_open = on_fence, on_count = on_fence;
  std::function<base::Result<void>()> on_others = on_fence;  // the manifests of all systems are asked for

  void tell(connectors::Group::Change change, std::vector<commit::PartitionName> partitions) {
    const std::lock_guard lock(mutex);
    changes.push_back({change, std::move(partitions), {}});
    is_told = false;
  }
  // Whether that comes true before long.
  bool await(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(5), condition);
  }
};

// The machine's, and what the test lets go by.
class WorldClock final : public base::Clock {
 public:
  explicit WorldClock(World& world) : world_(world) {}
  std::int64_t now() override { return clock_.now(); }
  std::int64_t monotonic() override { return clock_.monotonic() + world_.passed; }
  void sleep(std::int64_t microseconds) override { clock_.sleep(microseconds); }

 private:
  World& world_;
  base::SystemClock clock_;
};

struct Texts final : record::SlabOwner {
  std::deque<std::string> texts;
};

class FakeGroup final : public connectors::Group {
 public:
  explicit FakeGroup(World& world) : world_(world) {}

  base::Result<Polled> poll(std::int64_t, bool take_records, std::size_t, std::size_t) override {
    std::unique_lock lock(world_.mutex);
    if (!world_.changes.empty() && !is_waiting_) {
      is_waiting_ = true;
      Polled polled = std::move(world_.changes.front());
      world_.changes.pop_front();
      if (polled.change == Change::Assigned) assigned_ = polled.partitions;
      else taken_ = polled.change == Change::Lost ? assigned_ : polled.partitions;
      return polled;
    }
    if (is_waiting_ && !std::exchange(world_.is_told, true)) world_.changed.notify_all();
    for (std::uint32_t i = 0; take_records && !is_waiting_ && i < assigned_.size(); ++i) {
      const std::int64_t end = world_.ends[static_cast<std::size_t>(assigned_[i].number)];
      const auto next = next_.find(assigned_[i]);
      if (next == next_.end() || next->second >= end) continue;
      ++world_.slabs;
      world_.changed.notify_all();
      return Polled{Change::None, {}, slab(i, next->second, std::min(end, next->second + kSlab))};
    }
    lock.unlock();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return Polled{};
  }
  base::Result<void> read_from(std::span<const connectors::StartAt> partitions) override {
    is_waiting_ = false;
    next_.clear();
    for (const connectors::StartAt& each : partitions) next_[each.partition] = each.offset;
    return {};
  }
  base::Result<void> let_go() override {
    is_waiting_ = false;
    next_.clear();
    std::erase_if(assigned_, [&](const commit::PartitionName& each) { return std::ranges::count(taken_, each) > 0; });
    return {};
  }
  base::Result<std::vector<connectors::GroupPartition>> partitions() override {
    std::vector<connectors::GroupPartition> all;
    for (std::size_t i = 0; i < world_.ends.size(); ++i)
      all.push_back({0, {"numbers", static_cast<std::int32_t>(i), 0, world_.ends[i]}});
    return all;
  }
  base::Result<std::int64_t> resolve(const std::string&, std::uint32_t) override { return 0; }
  base::Result<bool> is_at_end() override {
    if (auto asked = world_.on_end(); !asked) return std::unexpected(asked.error());
    const std::lock_guard lock(world_.mutex);
    return world_.changes.empty() && std::ranges::all_of(next_, [&](const auto& each) {
             return each.second == world_.ends[static_cast<std::size_t>(each.first.number)];
           });
  }
  base::Result<std::optional<std::int64_t>> next_time(const commit::PartitionName&, std::int64_t, std::int64_t) override {
    return 0;
  }
  bool mirror(std::span<const connectors::StartAt> positions, bool) override {
    const std::lock_guard lock(world_.mutex);
    for (const connectors::StartAt& each : positions) world_.mirrored[each.partition.number] = each.offset;
    return true;
  }
  void close() override {}

 private:
  record::Slab slab(std::uint32_t index, std::int64_t from, std::int64_t to) {
    record::Slab slab;
    slab.partition = index;
    auto texts = std::make_unique<Texts>();
    for (std::int64_t i = from; i < to; ++i) {
      std::string& text = texts->texts.emplace_back("{\"n\":" + std::to_string(i) + "}");
      const std::size_t size = text.size();
      text.resize(size + record::kPadding);
      slab.records.push_back({i, i + 1, 0, {}, std::string_view(text).substr(0, size), {}});
    }
    next_[assigned_[index]] = to;
    slab.owner = std::move(texts);
    return slab;
  }

  World& world_;
  bool is_waiting_ = false;  // for an answer
  std::vector<commit::PartitionName> assigned_, taken_;
  std::map<commit::PartitionName, std::int64_t> next_;
};

// One transaction at a time; a position that does not continue the stored one is a batch that must not be.
class FakeDomain final : public StoredPositions {
 public:
  explicit FakeDomain(World& world) : world_(world) {}

  base::Result<std::vector<commit::Position>> claim(std::span<const commit::PartitionName> names) override {
    std::vector<commit::Position> result;
    for (const commit::PartitionName& name : names) {
      const auto [position, is_new] = world_.positions.try_emplace(name);
      if (is_new) position->second.partition = name;
      if (is_new) position->second.next_offset = -1;
      result.push_back(position->second);
    }
    return result;
  }
  void keep(std::span<const commit::PartitionName> names) override { kept_.assign(names.begin(), names.end()); }
  base::Result<std::vector<commit::Position>> read_positions(ir::StepMode) override {
    std::vector<commit::Position> result;
    for (const auto& [name, position] : world_.positions) result.push_back(position);
    return result;
  }
  base::Result<std::vector<commit::Manifest>> manifests() override { return world_.manifests; }
  base::Result<void> put_manifest(const commit::Manifest& manifest) override {
    world_.manifests = {manifest};
    return {};
  }
  base::Result<void> seed_positions(std::span<const commit::Position> positions) override {
    for (const commit::Position& each : positions) world_.positions[each.partition] = each;
    return {};
  }
  base::Result<void> begin() override {
    has_begun = true;
    written.clear();
    advances_.clear();
    return {};
  }
  void abort() override { has_begun = false; }
  base::Result<void> fence(std::span<const commit::Advance> advances) override {
    for (const commit::Advance& each : advances) {
      EXPECT_EQ(each.from, world_.positions[each.partition].next_offset);
      EXPECT_EQ(std::ranges::count(kept_, each.partition), 1);
    }
    advances_.assign(advances.begin(), advances.end());
    return world_.on_fence();
  }
  base::Result<void> commit() override {
    if (auto done = world_.on_commit(); !done) return done;
    has_begun = false;
    move(advances_);
    for (const auto& [number, row] : written) world_.rows[number].push_back(row);
    return {};
  }
  base::Result<void> commit_offsets(std::span<const commit::Advance> advances, ir::StepMode) override {
    for (const commit::Advance& each : advances) EXPECT_EQ(each.from, world_.positions[each.partition].next_offset);
    if (auto done = world_.on_commit(); !done) return done;
    move(advances);
    return {};
  }
  base::Result<std::vector<commit::Letter>> letters(bool) override { return std::vector<commit::Letter>(); }
  base::Result<void> put_letters(std::span<const commit::Letter> letters) override {
    world_.letters += letters.size();
    return {};
  }
  base::Result<void> add_rows(const std::string&, std::int64_t count) override {
    if (auto done = world_.on_count(); !done) return done;
    world_.counted += count;
    return {};
  }
  base::Result<std::vector<std::pair<std::string, std::int64_t>>> rows() override {
    return std::vector<std::pair<std::string, std::int64_t>>();
  }

  bool has_begun = false;  // a transaction
  std::vector<std::pair<std::int32_t, std::int64_t>> written;  // in it: partition, number

 private:
  void move(std::span<const commit::Advance> advances) {
    for (const commit::Advance& each : advances) {
      world_.positions[each.partition].next_offset = each.to;
      world_.fates += each.counts;
    }
  }

  World& world_;
  std::vector<commit::PartitionName> kept_;
  std::vector<commit::Advance> advances_;
};

class FakeSink final : public connectors::Sink {
 public:
  FakeSink(World& world, FakeDomain& domain) : world_(world), domain_(domain) {}
  base::Result<void> write(std::span<const connectors::OutputRow> rows) override {
    std::vector<std::int64_t> numbers;
    for (const connectors::OutputRow& row : rows) numbers.push_back(row.cells->i);
    if (auto done = world_.on_write(numbers); !done) return done;
    for (const connectors::OutputRow& row : rows) {
      if (domain_.has_begun) domain_.written.emplace_back(row.partition, row.cells->i);
      else world_.rows[row.partition].push_back(row.cells->i);
    }
    return {};
  }
  base::Result<void> await() override { return {}; }

 private:
  World& world_;
  FakeDomain& domain_;
};

class FakeConnectors final : public connectors::Connectors {
 public:
  explicit FakeConnectors(World& world) : world_(world) {}
  base::Result<std::unique_ptr<connectors::Group>> open_group(const ir::Program&, const ir::Unit&, std::uint32_t) override {
    return std::make_unique<FakeGroup>(world_);
  }
  base::Result<std::unique_ptr<commit::Domain>> open_domain(const ir::Program&, const ir::Unit&, std::uint32_t,
                                                            connectors::Group*) override {
    if (auto done = world_.on_open(); !done) return std::unexpected(done.error());
    return std::make_unique<FakeDomain>(world_);
  }
  base::Result<std::unique_ptr<commit::Domain>> open_stored(const ir::Program& program, ir::SystemId system,
                                                            const std::string&) override {
    if (auto done = world_.on_others(); !done) return std::unexpected(done.error());
    const bool is_database = system != ir::kNone && program.systems[system].kind == ir::SystemKind::Postgres;
    return is_database ? std::make_unique<FakeDomain>(world_) : nullptr;
  }
  base::Result<std::unique_ptr<connectors::Source>> open_source(const ir::Program&, const ir::Unit&, ir::SourceId) override {
    return nullptr;
  }
  base::Result<std::unique_ptr<connectors::OutboxRelay>> open_relay(const ir::Program&, const ir::Unit&, ir::SourceId) override {
    return nullptr;
  }
  base::Result<std::unique_ptr<connectors::Sink>> open_sink(const ir::Program&, const ir::Unit&, ir::SinkId,
                                                            commit::Domain& domain) override {
    return std::make_unique<FakeSink>(world_, static_cast<FakeDomain&>(domain));
  }
  base::Result<std::unique_ptr<connectors::Table>> open_table(const ir::Program&, const ir::Unit&, ir::TableId,
                                                              commit::Domain&) override {
    return nullptr;
  }
  base::Result<void> trim(const ir::Program&, ir::SystemId, std::span<const connectors::StartAt>) override { return {}; }
  base::Result<void> fill_samples(const ir::Program&, const ir::Unit&) override { return {}; }

 private:
  World& world_;
};

}  // namespace piperun::engine
