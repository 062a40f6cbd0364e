// Keeps the client of a group member going, and hears what concerns all of it.
#pragma once
#include "runtime/commit/kafka/consumer.h"

namespace piperun::kafka {

// For the thread that polls.
class MemberService {
 public:
  // Lets the client call back. An error: the cluster refuses the member, or no broker has answered for a while.
  base::Result<void> serve(Consumer& consumer);

 private:
  base::Result<void> check_cluster(Consumer& consumer);

  std::int64_t down_since_ = 0;
};

}  // namespace piperun::kafka
