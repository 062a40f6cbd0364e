// Keys of a Kafka domain: the truth is a compacted changelog per stage, written in the transaction and partitioned as the source is;
// a local store follows it and answers look-ups.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/commit/embedded/key_store.h"

namespace piperun::kafka {

using KeyTimes = std::vector<std::int64_t>;

// The keys of a stage that came with one partition of the source.
struct KeyShard {
  embedded::KeyStore* store = nullptr;
  commit::PartitionName log;
  embedded::KeyStore::Place place;  // how far the store is
  std::unordered_map<std::string, KeyTimes> open;  // of the commit to come
  std::unordered_map<std::string, KeyTimes> settled;  // committed, not in the store yet
  // Where the log ended before the records of the commit to come. Once that commit is known to be the owner's, all below is ours or
  // was aborted, and is in the store with the next apply_state.
  std::int64_t watched = -1, confirmed = -1;

  base::Result<KeyTimes> times(const std::string& stage, const std::string& key) const;
  void settle();
  void confirm();
};
using KeyShards = std::map<std::int32_t, KeyShard>;  // by partition

// A key belongs to one partition, as the program promises. Where the promise is broken, what this worker has of it counts.
base::Result<KeyTimes> find_key(const std::string& stage, const KeyShards& shards, const std::string& key);

struct Keys {
  std::map<std::int32_t, std::unique_ptr<embedded::KeyStore>> stores;  // by partition
  std::map<std::string, KeyShards> stages;
  std::vector<std::string> doomed;  // changelogs that nobody needs after the commit to come
  std::int64_t watched_at = -kNever;
  static constexpr std::int64_t kNever = 1'000'000'000'000'000;
  struct Listing {
    std::string stage;
    std::map<std::string, KeyTimes> entries;
  } listing;  // of all_keys

  void drop();  // what the commit to come was to have
  void settle();  // it is committed
  void confirm_owner();  // a commit of positions was taken: this worker has been the owner all the time
  void close();
};

}  // namespace piperun::kafka
