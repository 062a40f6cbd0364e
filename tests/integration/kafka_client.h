// A plain client of a real broker for integration tests, written on librdkafka alone so that it shares no code with what is tested.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace piperun::integration {

// The environment variable that `servers env` prints; throws std::runtime_error with advice when it is not set.
std::string server(const char* variable);

using Settings = std::map<std::string, std::string>;

struct DestroyHandle {
  void operator()(rd_kafka_t* handle) const { rd_kafka_destroy(handle); }
};
using Handle = std::unique_ptr<rd_kafka_t, DestroyHandle>;

// `bootstrap.servers` is $KAFKA_BOOTSTRAP unless settings say otherwise. Throws std::runtime_error for a setting that is refused.
Handle make_client(rd_kafka_type_t type, const Settings& settings = {});
// A producer whose first init_transactions has succeeded.
Handle make_transactional(const std::string& id, const Settings& settings = {});

// Returns when each partition has a leader; throws std::runtime_error after 20 s.
void create_topic(const std::string& name, int partitions, const Settings& settings = {});
// That many partitions, each with a leader. Any client may ask.
bool has_leaders(rd_kafka_t* client, const std::string& name, int partitions);
// `prefix` and a number that no earlier run has used.
std::string new_name(std::string_view prefix);

// Queues one record without a key.
void produce(rd_kafka_t* producer, const std::string& topic, int partition, std::string_view value);

struct Record {
  int partition;
  std::int64_t offset;
  std::string key, value;
};
// Everything from the beginning to the end as it is now (read_committed: the last stable offset), partition by partition.
// Throws std::runtime_error if the ends are not reached in 30 s.
std::vector<Record> read_all(const std::string& topic, int partitions, const Settings& settings = {});

// Committed offset per partition, -1 where there is none. Waits for transactions that are about to move it, unless `settings` have
// isolation.level=read_uncommitted.
std::vector<std::int64_t> committed(const std::string& group, const std::string& topic, int partitions, Settings settings = {});
// The same by a client that is kept: a new one takes up to two seconds to find the group.
std::vector<std::int64_t> committed(rd_kafka_t* consumer, const std::string& topic, int partitions);

// Empty for null, else `NAME: text`; destroys the error.
std::string text_of(rd_kafka_error_t* error);

}  // namespace piperun::integration
