// From messages of the client to the records of a slab.
#pragma once
#include <span>

#include "runtime/commit/kafka/client.h"
#include "runtime/record/slab.h"

namespace piperun::kafka {

// Copies: one block of memory for all of them, with the padding that decoders need behind it. The messages may go afterwards.
record::Slab slab_of(std::span<rd_kafka_message_t* const> messages, std::uint32_t partition);

// When it was made, microseconds since 1970; 0: the broker does not say.
std::int64_t time_of(const rd_kafka_message_t& message);

}  // namespace piperun::kafka
