// A producer: idempotent, or with a transactional id the one whose transaction is the commit of a Kafka domain (KIP-98, KIP-447).
#pragma once
#include <expected>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/commit/kafka/client.h"

namespace piperun::kafka {

// What a failed call of a transaction asks for.
struct Fault {
  enum class Kind : std::uint8_t {
    Abort,  // the transaction must be aborted; the producer is retired then
    Recover,  // fatal, or nobody knows what happened: a new producer, init_transactions, committed offsets
    Fenced,  // as Recover; a producer with the same transactional id began after this one
    Again,  // nothing happened: the same call may be repeated
  };
  Kind kind = Kind::Recover;
  base::Error error;
};
template <typename T>
using Outcome = std::expected<T, Fault>;

struct ProducerSettings {
  std::string transactional_id;  // "": idempotent alone
  std::int64_t transaction_timeout = 10'000'000;  // microseconds
  std::int64_t linger = 5'000;
  std::int64_t batch_bytes =
      1'000'000;  // not more than the smallest max.message.bytes of the topics: brokers refuse whole batches
  bool is_idempotent = true;  // false only where a property `acks` that at_most_once allows forbids it
};

// The most that frames a record which is alone in its batch (KIP-98), and each header of it: brokers compare the whole with
// `max.message.bytes`.
inline constexpr std::int64_t kBatchOverhead = 61 + 21, kHeaderOverhead = 10;

struct RecordHeader {
  std::string_view name;
  std::optional<std::string_view> value;
};
struct NewRecord {
  std::optional<std::string_view> key{}, value{};  // without a value: a tombstone
  std::span<const RecordHeader> headers{};
  std::int64_t timestamp = 0;  // microseconds; 0: of now
  std::int32_t partition = -1;  // -1: by key as Java's client does it (murmur2), and without one at random
};

// A record that was not written. `tag`: as given to produce().
struct Undelivered {
  std::uint64_t tag = 0;
  std::string topic;
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
};

class Membership;

// One thread at a time.
class Producer {
 public:
  static base::Result<std::unique_ptr<Producer>> open(const ClientSettings& client, const ProducerSettings& settings);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // A topic to write to; NoSuchTopic when the cluster does not have it. Asked once, later answers come from memory. Lives as long as
  // the producer.
  base::Result<rd_kafka_topic_t*> topic(const std::string& name);
  std::int32_t partitions(const std::string& name) const;  // of a topic that topic() answered for

  // Copies the record. Waits while the memory of what is not sent is full. Oversize, ConstraintViolated: this record is refused and
  // nothing happened. Others: of the system.
  base::Result<void> produce(rd_kafka_topic_t* topic, const NewRecord& record, std::uint64_t tag = 0);
  // Waits until all that was produced is written or refused; SystemUnavailable at the deadline: what then becomes of the rest is not
  // known. A refused record is an error with Error::row = its tag if it is the only one, else row -1 (a broker refuses whole batches).
  // `refused`: behind a Data error, the tags of those that were refused, and of those that are not written because they came with one.
  base::Result<void> flush(std::int64_t deadline, std::vector<std::uint64_t>* refused = nullptr);

  // ---- Transactions

  // Ends what a predecessor with the same transactional id left open, and fences it. Retried within the deadline.
  Outcome<void> init_transactions(std::int64_t deadline);
  Outcome<void> begin();
  bool is_open() const { return is_open_; }
  // Positions of `member`'s group; may be called several times with the same offsets.
  Outcome<void> send_offsets(std::span<const PartitionOffset> offsets, const Membership& member);
  // Waits as long as it takes, or is fatal. A refused record of the transaction: Abort, with its error; Error::row is -1.
  Outcome<void> commit();
  // The producer is to be retired afterwards, whatever this says.
  Outcome<void> abort();

  // A request of a transaction may still be under way although its call is over: retire the producer before the next begin().
  bool is_tainted() const { return client_.state().tainted; }

  rd_kafka_t* handle() const { return client_.get(); }

 private:
  struct State;
  Producer(Client client, State& state) : client_(std::move(client)), state_(state) {}
  std::vector<Undelivered> take_undelivered();
  Fault fault_of(rd_kafka_error_t* error, const char* during);
  std::optional<base::Error> refusal(std::vector<std::uint64_t>* refused = nullptr);

  Client client_;
  State& state_;
  std::map<std::string, TopicPtr> topics_;
  std::map<std::string, std::int32_t> partitions_;
  bool is_open_ = false;
};

}  // namespace piperun::kafka
