// What a worker has of keys in memory, between the changelog and the local store.
#include <algorithm>

#include "runtime/commit/kafka/key_shards.h"

namespace piperun::kafka {

using base::Result;

Result<KeyTimes> KeyShard::times(const std::string& stage, const std::string& key) const {
  for (const auto* changes : {&open, &settled}) {
    if (const auto found = changes->find(key); found != changes->end()) return found->second;
  }
  return store->times(stage, key);
}

void KeyShard::settle() {
  for (auto& [key, times] : open) settled[key] = std::move(times);
  open.clear();
}

void KeyShard::confirm() {
  if (watched >= 0) confirmed = watched;
  watched = -1;
}

Result<KeyTimes> find_key(const std::string& stage, const KeyShards& shards, const std::string& key) {
  KeyTimes result;
  for (const auto& [partition, shard] : shards) {
    auto times = shard.times(stage, key);
    if (!times) return times;
    result.insert(result.end(), times->begin(), times->end());
  }
  if (shards.size() < 2) return result;
  std::ranges::sort(result);
  const auto rest = std::ranges::unique(result);
  result.erase(rest.begin(), rest.end());
  return result;
}

void Keys::drop() {
  doomed.clear();
  for (auto& [stage, shards] : stages) {
    for (auto& [partition, shard] : shards) {
      shard.open.clear();
      shard.watched = -1;
    }
  }
}

void Keys::settle() {
  for (auto& [stage, shards] : stages) {
    for (auto& [partition, shard] : shards) {
      shard.settle();
      shard.confirm();
    }
  }
}

void Keys::confirm_owner() {
  for (auto& [stage, shards] : stages) {
    for (auto& [partition, shard] : shards) shard.confirm();
  }
}

void Keys::close() {
  stages.clear();
  stores.clear();
  doomed.clear();
  listing = {};
  watched_at = -kNever;
}

}  // namespace piperun::kafka
