// `dedup k within D` over one batch: a record is a repeat if one with the same key that did not fail was accepted before and
// their times differ by less than D. The first accepted wins; a repeat does not extend D.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/commit/domain.h"

namespace piperun::operators {

// Holds what the domain stores of the keys of one batch, and what the batch adds. Forgotten with the batch.
class Dedup {
 public:
  explicit Dedup(std::int64_t within) : within_(within) {}

  // A record that was accepted, as far as it is known.
  struct Accepted {
    std::int64_t time = 0;
    std::int32_t partition = -1;  // number; -1: not known
  };

  // What lookup_keys returned; every key that accept() is asked for must have been loaded.
  void load(std::span<const commit::KeyEntry> stored);

  // True: the record is used, and its key is claimed at that time. False: it is a repeat. `partition`: number of the record's.
  bool accept(const std::string& key, std::int64_t time, std::int32_t partition = -1);

  // What the repeat that accept() was asked for last repeats, if that is known to have come with another partition.
  const std::optional<Accepted>& elsewhere() const { return elsewhere_; }

  // What claim_keys must store, in key order; only of keys that were accepted.
  std::vector<commit::KeyClaim> claims() const;

 private:
  struct Entry {
    std::vector<std::int64_t> read;
    std::vector<Accepted> now;  // by time
    std::int32_t partition = -1;  // of the record that was accepted last
  };
  bool repeats(const Accepted& one, std::int64_t time, std::int32_t partition);

  std::optional<Accepted> elsewhere_;
  std::int64_t within_;
  std::map<std::string, Entry> entries_;
};

}  // namespace piperun::operators
