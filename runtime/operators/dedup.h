// `dedup k within D` over one batch: a record is a repeat if one with the same key that did not fail was accepted before and
// their times differ by less than D. The first accepted wins; a repeat does not extend D.
#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "runtime/commit/domain.h"

namespace piperun::operators {

// Holds what the domain stores of the keys of one batch, and what the batch adds. Forgotten with the batch.
class Dedup {
 public:
  explicit Dedup(std::int64_t within) : within_(within) {}

  // What lookup_keys returned; every key that accept() is asked for must have been loaded.
  void load(std::span<const commit::KeyEntry> stored);

  // True: the record is used, and its key is claimed at that time. False: it is a repeat. `partition`: number of the record's.
  bool accept(const std::string& key, std::int64_t time, std::int32_t partition = -1);

  // What claim_keys must store, in key order; only of keys that were accepted.
  std::vector<commit::KeyClaim> claims() const;

 private:
  struct Entry {
    std::vector<std::int64_t> read;
    std::vector<std::int64_t> now;
    std::int32_t partition = -1;  // of the record that was accepted last
  };
  std::int64_t within_;
  std::map<std::string, Entry> entries_;
};

}  // namespace piperun::operators
