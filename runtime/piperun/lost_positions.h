// Positions of a unit that a consumer group held and holds no more: they expired, or went with their topic.
#pragma once
#include <set>
#include <string>

#include "runtime/piperun/stores.h"

namespace piperun::cli {

// The topics of a cluster that a unit reads and has read before, where a group holds its positions; else, and without a FILE, none.
base::Result<std::set<std::string>> topics_in_group(const StoreSet& set, const StoredUnit& unit);

// Of these the ones of which no partition has a position. No run goes on there (P2008); a partition that lacks one beside others is new.
base::Result<std::set<std::string>> lost_topics(const StoreSet& set, const StoredUnit& unit);

}  // namespace piperun::cli
