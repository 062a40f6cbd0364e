// The door to librdkafka for everything that talks to a Kafka cluster: settings, handles that never hang, errors in our words.
#pragma once
#include <librdkafka/rdkafka.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lang/ir/program.h"
#include "runtime/base/result.h"
#include "runtime/base/steady_now.h"
#include "runtime/commit/domain.h"

namespace piperun::kafka {

// ---- Settings

using ReadSecret = std::function<std::optional<std::string>(const std::string& name)>;

// Where a cluster is and who we are there. Names in `security` and `properties` are librdkafka's.
struct ClientSettings {
  std::string name = "kafka";  // of the connection, for messages
  std::string brokers;
  std::map<std::string, std::string> security, properties;
  std::string client_id = "piperun";
};

// From the options `brokers`, `security` and `properties` of a connection. Configuration error for a property that would break the
// promise (catalog::refused_properties has them all with reasons), SecretMissing. Relative paths of certificates start at `base_dir`.
base::Result<ClientSettings> client_settings(const ir::System& system, const ReadSecret& secret, ir::Delivery delivery,
                                             const std::string& base_dir = ".");

// ---- Errors

base::ErrorCode code_of(rd_kafka_resp_err_t error);
// "while: words of the library". `detail`: what it said beyond the code.
base::Error error_of(rd_kafka_resp_err_t error, const std::string& during, const std::string& detail = {});
inline std::unexpected<base::Error> failed(rd_kafka_resp_err_t error, const std::string& during, const std::string& detail = {}) {
  return std::unexpected(error_of(error, during, detail));
}

// No answer came within the time of a request.
inline bool is_silence(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT;
}
// No answer came: with what the client heard of its connections meanwhile, which may be that it is refused.
std::unexpected<base::Error> unanswered(rd_kafka_t* handle, const std::string& during);

// ---- Ownership of what librdkafka hands out

template <auto Destroy>
struct Destroyer {
  template <typename T>
  void operator()(T* object) const {
    Destroy(object);
  }
};
using ErrorPtr = std::unique_ptr<rd_kafka_error_t, Destroyer<rd_kafka_error_destroy>>;
using MessagePtr = std::unique_ptr<rd_kafka_message_t, Destroyer<rd_kafka_message_destroy>>;
using EventPtr = std::unique_ptr<rd_kafka_event_t, Destroyer<rd_kafka_event_destroy>>;
using QueuePtr = std::unique_ptr<rd_kafka_queue_t, Destroyer<rd_kafka_queue_destroy>>;
using TopicPtr = std::unique_ptr<rd_kafka_topic_t, Destroyer<rd_kafka_topic_destroy>>;
using ConfPtr = std::unique_ptr<rd_kafka_conf_t, Destroyer<rd_kafka_conf_destroy>>;
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, Destroyer<rd_kafka_topic_partition_list_destroy>>;
using MetadataPtr = std::unique_ptr<const rd_kafka_metadata_t, Destroyer<rd_kafka_metadata_destroy>>;
using GroupMetadataPtr = std::unique_ptr<rd_kafka_consumer_group_metadata_t, Destroyer<rd_kafka_consumer_group_metadata_destroy>>;

// An offset of a partition with the text stored beside it ("": none).
struct PartitionOffset {
  commit::PartitionName partition;
  std::int64_t offset = -1;
  std::string metadata;
};
PartitionList partition_list(std::span<const PartitionOffset> offsets);
PartitionList partition_list(std::span<const commit::PartitionName> partitions);

// ---- A client

// What librdkafka's threads and callbacks tell; lives until the client is gone. Base of what consumers add.
struct ClientState {
  virtual ~ClientState() = default;
  std::string connection, brokers;  // the name in the program and the addresses, for messages; set before the client is made
  // A request of a transaction (AddPartitionsToTxn, AddOffsetsToTxn, EndTxn, TxnOffsetCommit) ended without an answer: it may still
  // take effect later (KAFKA-17754).
  std::atomic<bool> tainted = false;
  std::atomic<bool> all_brokers_down = false;

  void set_error(base::Error error);
  std::optional<base::Error> take_error();  // of the client as a whole: authentication, fatal
  bool has_error();
  void set_trouble(std::string words);
  std::string trouble();  // the last that was heard of a connection that failed; ""

  static ClientState& of(const rd_kafka_t* handle) { return *static_cast<ClientState*>(rd_kafka_opaque(handle)); }

 private:
  std::mutex mutex_;
  std::optional<base::Error> error_;
  std::string trouble_;
};

using Properties = std::vector<std::pair<std::string, std::string>>;
inline constexpr std::int64_t kDestroyDeadline = 3'000'000;  // microseconds

// Owns an rd_kafka_t. It is destroyed in a thread of its own, for that can hang (issues #4362, #4674): after the deadline it is left
// to that thread.
class Client {
 public:
  // `defaults` stand behind the user's properties, nothing overrides `promise`. A Configuration error names the setting that was not
  // taken. `prepare` may set callbacks; their opaque is `state`.
  static base::Result<Client> open(rd_kafka_type_t type, const ClientSettings& settings,
                                   std::span<const std::pair<std::string, std::string>> promise,
                                   std::unique_ptr<ClientState> state, const std::function<void(rd_kafka_conf_t*)>& prepare = {},
                                   const Properties& defaults = {});
  Client() = default;
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;
  ~Client() { destroy(kDestroyDeadline); }

  rd_kafka_t* get() const { return handle_; }
  ClientState& state() const { return *state_; }
  // False: not gone within so many microseconds; a thread goes on with it. `leave`: a consumer first leaves its group.
  bool destroy(std::int64_t deadline, bool leave = false);

 private:
  std::unique_ptr<ClientState> state_;
  rd_kafka_t* handle_ = nullptr;
};

// Milliseconds for librdkafka; not less than 1 for what is not 0.
int milliseconds(std::int64_t microseconds);
using base::steady_now;  // for deadlines

}  // namespace piperun::kafka
