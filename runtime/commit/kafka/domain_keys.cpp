// Keys of a Kafka domain in the course of a batch, and the local store that is brought to the changelogs.

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>

#include "runtime/commit/kafka/admin.h"
#include "runtime/commit/kafka/groups.h"
#include "runtime/commit/kafka/kafka_domain.h"
#include "runtime/commit/kafka/key_shards.h"
#include "runtime/commit/key_times.h"

namespace piperun::kafka {

using base::Error;
using base::ErrorCode;
using base::Result;
using commit::bytes_of;
using commit::KeyClaim;
using commit::KeyEntry;
using commit::PartitionName;
using commit::times_of;

namespace {

constexpr std::size_t kPage = 20'000;           // entries in one local transaction
constexpr std::int64_t kExpiredAtOnce = 10'000;
constexpr std::int64_t kWatchEvery = 1'000'000;  // so far, in time, the stored place of a changelog may lie behind
constexpr const char* kGeneration = "piperun.generation";

// Of the owner that wrote it; 0: it was written in a transaction.
std::int64_t generation_of(const TopicRecord& record) {
  std::int64_t result = 0;
  for (const auto& [name, value] : record.headers) {
    if (name == kGeneration && value) std::from_chars(value->data(), value->data() + value->size(), result);
  }
  return result;
}

Result<void> put_aside(const std::string& path, const std::string& why) {
  spdlog::warn("the local keys are damaged and are restored from the changelog aside={}.damaged error={}", path, why);
  return embedded::KeyStore::put_aside(path);
}

// All that lies in a store lies in the changelogs, too. One of a later format is as good as damaged here.
Result<std::unique_ptr<embedded::KeyStore>> open_store(const std::string& path) {
  auto opened = embedded::KeyStore::open(path);
  if (opened || opened.error().code != ErrorCode::StoreDamaged) return opened;
  if (auto done = put_aside(path, opened.error().message); !done) return std::unexpected(done.error());
  return embedded::KeyStore::open(path);
}

// The error of a call of a store. One that is damaged is put aside, and all are opened anew by whoever asks for keys next: a store has
// those of several stages. Then the batch in hand is to be done again, for what it had claimed is forgotten.
std::unexpected<Error> after_damage(Keys& keys, Error error) {
  std::vector<std::string> damaged;
  for (const auto& [partition, store] : keys.stores) {
    if (store && store->is_damaged()) damaged.push_back(store->path());
  }
  if (damaged.empty()) return std::unexpected(std::move(error));
  keys.close();
  for (const std::string& path : damaged) {
    if (auto done = put_aside(path, error.message); !done) return std::unexpected(done.error());
  }
  error.code = ErrorCode::SystemUnavailable;
  return std::unexpected(std::move(error));
}

}  // namespace

// ---- Bringing the local store to the changelog

std::vector<PartitionName> KafkaDomain::key_partitions() const {
  std::vector<PartitionName> result = member_ != nullptr ? owned_ : claimed_;
  std::erase_if(result, [](const PartitionName& partition) { return partition.topic == Ledger::kReplay; });
  return result;
}

Result<KeyShards*> KafkaDomain::shards(const std::string& stage) {
  if (const auto known = keys_->stages.find(stage); known != keys_->stages.end()) return &known->second;
  if (settings_.state_dir.empty()) return base::failure(ErrorCode::CannotOpen, "keys need a state directory: --state-dir DIR");
  KeyShards restored;
  if (key_partitions().empty()) return &(keys_->stages[stage] = std::move(restored));
  const auto topic = find_changelog(stage);
  if (!topic) return std::unexpected(topic.error());
  auto client = handle();
  if (!client) return std::unexpected(client.error());
  const auto id = topic_id(*client, *topic);
  if (!id) return std::unexpected(id.error());
  for (const PartitionName& partition : key_partitions()) {
    const std::int32_t number = partition.number;
    if (restored.contains(number)) continue;
    auto& store = keys_->stores[number];
    if (!store) {
      const auto folder = std::filesystem::path(settings_.state_dir) / (settings_.pipeline + ".keys");
      auto opened = open_store((folder / fmt::format("{}.{}.db", settings_.unit, number)).string());
      if (!opened) return std::unexpected(opened.error());
      store = std::move(*opened);
    }
    KeyShard shard;
    shard.store = store.get();
    shard.log = {*topic, number};
    if (auto done = catch_up(stage, shard, *id); !done) return after_damage(*keys_, done.error());
    restored[number] = std::move(shard);
  }
  return &(keys_->stages[stage] = std::move(restored));
}

// What is behind the stored place. A store that is ahead of its log, or followed another one, is not believed.
Result<void> KafkaDomain::catch_up(const std::string& stage, KeyShard& shard, const std::string& log) {
  auto topics = reader();
  if (!topics) return std::unexpected(topics.error());
  const auto stored = shard.store->place(stage);
  if (!stored) return std::unexpected(stored.error());
  const auto end = (*topics)->end(shard.log);
  if (!end) return std::unexpected(end.error());
  const bool is_good = *stored && (*stored)->log == log && (*stored)->position <= *end;
  if (*stored && !is_good)
    spdlog::warn("the local keys do not belong to the changelog and are restored from it topic={} partition={}", shard.log.topic,
                 shard.log.number);
  if (!is_good) {
    if (auto wiped = shard.store->wipe(stage); !wiped) return wiped;
  }
  shard.place = is_good ? **stored : embedded::KeyStore::Place{log, TopicReader::kFromBeginning, 0};
  auto done = follow(stage, shard);
  if (done || done.error().code != ErrorCode::PositionGone) return done;
  if (auto wiped = shard.store->wipe(stage); !wiped) return wiped;
  shard.place = {log, TopicReader::kFromBeginning, 0};
  return follow(stage, shard);
}

Result<void> KafkaDomain::follow(const std::string& stage, KeyShard& shard) {
  std::vector<KeyEntry> page;
  Result<void> applied;
  const auto apply = [&](std::int64_t position) {
    shard.place.position = position;
    if (applied) applied = shard.store->apply(stage, page, shard.place);
    page.clear();
  };
  const auto next = (*reader())->read(shard.log, shard.place.position, [&](TopicRecord record) {
    const std::int64_t generation = generation_of(record);
    if (!record.key || (generation > 0 && generation < shard.place.generation)) return;  // of an owner that was replaced
    shard.place.generation = std::max(shard.place.generation, generation);
    page.push_back({std::move(*record.key), record.value ? times_of(*record.value) : KeyTimes{}});
    if (page.size() >= kPage) apply(record.offset + 1);
  });
  if (!next) return std::unexpected(next.error());
  apply(*next);
  return applied;
}

Result<void> KafkaDomain::restore_state() {
  std::set<std::string> stages(settings_.stages.begin(), settings_.stages.end());
  for (const auto& [stage, shards] : keys_->stages) stages.insert(stage);
  keys_->close();
  for (const std::string& stage : stages) {
    if (auto done = shards(stage); !done) return std::unexpected(done.error());
  }
  return {};
}

// ---- A batch

Result<std::vector<KeyEntry>> KafkaDomain::lookup_keys(const std::string& stage, std::span<const std::string> keys) {
  const auto all = shards(stage);
  if (!all) return std::unexpected(all.error());
  std::vector<KeyEntry> result;
  result.reserve(keys.size());
  for (const std::string& key : keys) {
    const std::size_t before = result.size();
    for (const auto& [partition, shard] : **all) {
      auto times = shard.times(stage, key);
      if (!times) return after_damage(*keys_, times.error());
      if (!times->empty()) result.push_back({key, std::move(*times), partition});
    }
    if (result.size() == before) result.push_back({key, {}});
  }
  return result;
}

Result<KeyShard*> KafkaDomain::shard_of(const std::string& stage, KeyShards& all, const KeyClaim& claim) {
  const auto found = claim.partition < 0 && all.size() == 1 ? all.begin() : all.find(claim.partition);
  if (found != all.end()) return &found->second;
  if (claim.partition < 0) {
    return base::failure(
        ErrorCode::ManifestConflict,
        fmt::format("keys of `{}` lie in Kafka by the partition of their records, which is not known here", stage));
  }
  return base::failure(
      ErrorCode::LostOwnership,
      fmt::format("a key of `{}` comes with partition {}, which this worker does not have", stage, claim.partition));
}

Result<bool> KafkaDomain::claim_keys(const std::string& stage, std::span<const KeyClaim> claims) {
  const auto all = shards(stage);
  if (!all) return std::unexpected(all.error());
  std::vector<std::pair<KeyShard*, const KeyClaim*>> changes;
  std::vector<OwnRecord> records;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  if (!is_open_ && member_ != nullptr && !settings_.is_transactional) {
    const auto member = membership();
    if (!member) return std::unexpected(member.error());
    headers.emplace_back(kGeneration, std::to_string(member->generation()));
  }
  for (const KeyClaim& claim : claims) {
    const auto held = find_key(stage, **all, claim.key);
    if (!held) return after_damage(*keys_, held.error());
    if (*held != claim.read) return false;
    auto shard = shard_of(stage, **all, claim);
    if (!shard) return std::unexpected(shard.error());
    changes.emplace_back(*shard, &claim);
    OwnRecord record{OwnTopic::Keys, (*shard)->log.topic, claim.key, std::nullopt, headers, (*shard)->log.number, 0};
    if (!claim.set.empty()) record.value = bytes_of(claim.set);
    records.push_back(std::move(record));
  }
  const bool is_part = is_open_;
  if (!is_part) {
    if (auto done = watch_changelogs(); !done) return std::unexpected(done.error());
  }
  if (auto done = write(records); !done) return std::unexpected(done.error());
  for (const auto& [shard, claim] : changes) (is_part ? shard->open : shard->settled)[claim->key] = claim->set;
  return true;
}

// The end of each changelog, now and then; see Shard::watched.
Result<void> KafkaDomain::watch_changelogs() {
  if (keys_->stages.empty() || clock_.monotonic() - kWatchEvery < keys_->watched_at) return {};
  auto topics = reader();
  if (!topics) return std::unexpected(topics.error());
  for (auto& [stage, shards] : keys_->stages) {
    for (auto& [partition, shard] : shards) {
      const auto end = (*topics)->end(shard.log);
      if (!end) return std::unexpected(end.error());
      shard.watched = *end;
    }
  }
  keys_->watched_at = clock_.monotonic();
  return {};
}

Result<void> KafkaDomain::apply_state() {
  for (auto& [stage, shards] : keys_->stages) {
    for (auto& [partition, shard] : shards) {
      if (shard.settled.empty() && shard.confirmed <= shard.place.position) continue;
      std::vector<KeyEntry> entries;
      entries.reserve(shard.settled.size());
      for (const auto& [key, times] : shard.settled) entries.push_back({key, times});
      embedded::KeyStore::Place place = shard.place;
      place.position = std::max(place.position, shard.confirmed);
      if (auto done = shard.store->apply(stage, entries, place); !done) return after_damage(*keys_, done.error());
      shard.place = place;
      shard.settled.clear();
    }
  }
  return {};
}

// Fenced as a batch is: an owner that was replaced must not remove what its successor has renewed.
Result<void> KafkaDomain::expire_keys(const std::string& stage, std::int64_t before, std::int32_t partition) {
  if (before == INT64_MAX) return remove_changelog(stage);
  const auto all = shards(stage);
  if (!all) return std::unexpected(all.error());
  for (auto& [number, shard] : **all) {
    if (partition >= 0 && number != partition) continue;
    for (bool is_more = true; is_more;) {
      const auto keys = shard.store->keys_before(stage, before, kExpiredAtOnce);
      if (!keys) return after_damage(*keys_, keys.error());
      is_more = std::ssize(*keys) == kExpiredAtOnce;
      std::vector<OwnRecord> records;
      std::vector<KeyEntry> gone;
      for (const std::string& key : *keys) {
        if (shard.open.contains(key) || shard.settled.contains(key)) continue;
        records.push_back({OwnTopic::Keys, shard.log.topic, key, std::nullopt, {}, shard.log.number, 0});
        gone.push_back({key, {}});
      }
      if (gone.empty()) break;
      if (auto done = write(records); !done) return done;
      if (auto done = shard.store->apply(stage, gone, shard.place); !done) return after_damage(*keys_, done.error());
    }
  }
  return {};
}

}  // namespace piperun::kafka
