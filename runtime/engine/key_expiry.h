// The step `expire_keys`: keys that no record still to come can need are removed.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/engine/reader.h"
#include "runtime/engine/share.h"

namespace piperun::engine {

// A key goes 2·D behind the smallest of the newest times that its domain stores for the partitions whose records may repeat it: of all
// partitions that lead to its stage, or of those with one number where keys lie by partition. Whoever works on some of them may do it,
// for what is compared is what all have committed. A partition without a time holds all keys as long as something was read of it, or
// waits to be read; one that is read to the end that it has for ever holds none. `program` and `unit` outlive it.
class KeyExpiry {
 public:
  KeyExpiry(const ir::Program& program, const ir::Unit& unit);

  using AskEnds = std::function<base::Result<std::vector<PartitionEnd>>()>;

  // Now and then, behind a commit. `now`: a record from a clock that is years ahead must not take all keys away. `ends`: of all
  // partitions; asked for only if something depends on it.
  base::Result<void> run(commit::Domain& domain, const Share& share, std::int64_t now, const AskEnds& ends);

 private:
  struct Stage {
    std::string name;
    std::int64_t within = 0;
    std::vector<bool> reads;  // per Unit::sources: its records come to this stage
  };
  struct Look {  // at the partitions, for one run
    const std::vector<commit::Position>& positions;
    const AskEnds& ask;
    std::optional<std::vector<PartitionEnd>> ends{};
  };
  void find_sources(Stage& stage, ir::NodeId node) const;
  base::Result<void> expire(const Stage& stage, commit::Domain& domain, const Share& share, std::int64_t now, std::int32_t number,
                            Look& look);
  base::Result<std::optional<std::int64_t>> oldest_time(const Stage& stage, const Share& share, std::int32_t number,
                                                        Look& look) const;
  base::Result<const PartitionEnd*> end_of(const commit::PartitionName& partition, Look& look) const;

  const ir::Program& program_;
  const ir::Unit& unit_;
  std::vector<Stage> stages_;
  int batches_until_next_ = 0;
};

}  // namespace piperun::engine
