// Topics that piperun itself keeps in a cluster: their names, and how each is made when it is written first.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace piperun::kafka {

enum class OwnTopic : std::uint8_t {
  Manifests,  // of a pipeline; by unit
  Letters,    // of a pipeline; by letter_key
  Replay,     // of a unit: marks, each naming a letter
  Keys,       // of a stage: changelog; partitioned as the source is
};

std::string manifests_topic(const std::string& pipeline);
std::string letters_topic(const std::string& pipeline);
std::string replay_topic(const std::string& pipeline, const std::string& unit);
// Stands for an outbox in the group of a unit, whose offsets of it are numbers of rows. No record is ever in it.
std::string progress_topic(const std::string& pipeline, const std::string& unit, const std::string& outbox);
std::string keys_topic(const std::string& pipeline, const std::string& unit, const std::string& stage);

bool is_compacted(OwnTopic kind);
// Of the topic when it is made. Nothing in it may expire by itself.
const std::map<std::string, std::string>& configuration(OwnTopic kind);

struct OwnRecord {
  OwnTopic kind = OwnTopic::Letters;
  std::string topic;
  std::string key;
  std::optional<std::string> value{};  // none: removes what the key had
  std::vector<std::pair<std::string, std::optional<std::string>>> headers{};
  std::int32_t partition = 0;
  std::int32_t partitions = 1;  // when the topic has to be made; 0: it is never made here, for it was there before
};

}  // namespace piperun::kafka
