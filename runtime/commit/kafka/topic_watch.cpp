#include "runtime/commit/kafka/topic_watch.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "runtime/commit/kafka/admin_request.h"

namespace piperun::kafka {
namespace {

constexpr std::int64_t kEvery = 5'000'000;
constexpr std::int64_t kToldEvery = 60'000'000;
constexpr int kPatience = 2'000;  // milliseconds

}  // namespace

base::Result<void> TopicWatch::look(std::int64_t now) {
  if (!answers_) {
    if (now >= next_) ask();
    return {};
  }
  return take_answer(now, 0);
}

base::Result<void> TopicWatch::check(std::int64_t now) {
  ask();
  return take_answer(now, kPatience);
}

// `patience`: milliseconds.
base::Result<void> TopicWatch::take_answer(std::int64_t now, int patience) {
  const EventPtr answer(rd_kafka_queue_poll(answers_.get(), patience));
  if (!answer) return {};
  answers_.reset();
  next_ = now + kEvery;
  if (rd_kafka_event_error(answer.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) return {};  // a broker that is away is told elsewhere
  std::size_t count = 0;
  const auto** found = rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(answer.get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    if (auto compared = compare(*found[i], now); !compared) return compared;
  }
  return {};
}

void TopicWatch::ask() {
  std::vector<const char*> asked;
  for (const std::string& topic : topics_) asked.push_back(topic.c_str());
  const Topics topics(rd_kafka_TopicCollection_of_topic_names(asked.data(), asked.size()));
  const AdminOptions options = admin_options(handle_, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
  answers_.reset(rd_kafka_queue_new(handle_));
  rd_kafka_DescribeTopics(handle_, topics.get(), options.get(), answers_.get());
}

base::Result<void> TopicWatch::compare(const rd_kafka_TopicDescription_t& topic, std::int64_t now) {
  const std::string name = rd_kafka_TopicDescription_name(&topic);
  if (const rd_kafka_error_t* error = rd_kafka_TopicDescription_error(&topic);
      error != nullptr && rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    std::int64_t& next_word = next_words_[name];
    if (now >= next_word)
      spdlog::warn("the topic that is read cannot be seen topic={} error={}", name, rd_kafka_error_string(error));
    if (now >= next_word) next_word = now + kToldEvery;
    return {};
  }
  const std::string id = rd_kafka_Uuid_base64str(rd_kafka_TopicDescription_topic_id(&topic));
  const auto [known, is_new] = ids_.try_emplace(name, id);
  if (is_new || known->second == id) return {};
  return base::failure(
      base::ErrorCode::PositionGone,
      fmt::format("the topic {} was made anew while it was read: it has the id {}, and had {}; of the new one, what lies "
                  "behind the old positions may have been read and written for some seconds; `offsets reset` says where to go on",
                  name, id, known->second));
}

}  // namespace piperun::kafka
