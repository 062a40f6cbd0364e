// Keys of a Kafka domain
#pragma once
#include "runtime/commit/kafka/kafka_domain.h"

namespace piperun::kafka {

struct KafkaDomain::Keys {
  void drop() {}
  void settle() {}
  void close() {}
  void is_owner_known() {}
};

}  // namespace piperun::kafka
