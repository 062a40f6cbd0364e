// One request of the admin interface and its answer, for the sources of this folder.
#pragma once
#include <utility>

#include "runtime/commit/kafka/client.h"

namespace piperun::kafka {

inline constexpr int kAdminTimeout = 15'000;  // milliseconds

inline constexpr int kAdminStep = 200;

// Hears what concerns the client as a whole. A consumer's queue belongs to the thread that reads it.
inline bool has_failed(rd_kafka_t* handle) {
  if (rd_kafka_type(handle) != RD_KAFKA_PRODUCER) return false;
  rd_kafka_poll(handle, 0);
  return ClientState::of(handle).has_error();
}

using Topics = std::unique_ptr<rd_kafka_TopicCollection_t, Destroyer<rd_kafka_TopicCollection_destroy>>;
using AdminOptions = std::unique_ptr<rd_kafka_AdminOptions_t, Destroyer<rd_kafka_AdminOptions_destroy>>;

inline AdminOptions admin_options(rd_kafka_t* handle, rd_kafka_admin_op_t operation) {
  AdminOptions result(rd_kafka_AdminOptions_new(handle, operation));
  char words[256];
  rd_kafka_AdminOptions_set_request_timeout(result.get(), kAdminTimeout, words, sizeof words);
  return result;
}

// `send(queue)` sends the request. An error of the request as a whole is an error here; those of its parts are in the event.
template <typename Send>
base::Result<EventPtr> admin_request(rd_kafka_t* handle, const std::string& during, Send send) {
  const QueuePtr queue(rd_kafka_queue_new(handle));
  send(queue.get());
  EventPtr event;
  for (int waited = 0; !event && waited < kAdminTimeout + 5000 && !has_failed(handle); waited += kAdminStep)
    event.reset(rd_kafka_queue_poll(queue.get(), kAdminStep));
  if (!event) return unanswered(handle, during);
  const auto error = rd_kafka_event_error(event.get());
  if (is_silence(error)) return unanswered(handle, during);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return failed(error, during, rd_kafka_event_error_string(event.get()));
  return event;
}

// What `read(description)` makes of the answer about one topic.
template <typename Read>
auto described(rd_kafka_t* handle, const std::string& topic, const AdminOptions& options, const std::string& during, Read read)
    -> base::Result<decltype(read(std::declval<const rd_kafka_TopicDescription_t*>()))> {
  const char* asked = topic.c_str();
  const Topics names(rd_kafka_TopicCollection_of_topic_names(&asked, 1));
  const auto event =
      admin_request(handle, during, [&](auto* queue) { rd_kafka_DescribeTopics(handle, names.get(), options.get(), queue); });
  if (!event) return std::unexpected(event.error());
  std::size_t count = 0;
  const auto** found = rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event->get()), &count);
  if (count != 1) return failed(RD_KAFKA_RESP_ERR__BAD_MSG, during);
  const rd_kafka_error_t* error = rd_kafka_TopicDescription_error(found[0]);
  if (error != nullptr && rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return failed(rd_kafka_error_code(error), during, rd_kafka_error_string(error));
  return read(found[0]);
}

}  // namespace piperun::kafka
