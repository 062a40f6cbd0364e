#include "runtime/commit/kafka/own_topics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "runtime/base/random.h"

namespace piperun::kafka {

std::string manifests_topic(const std::string& pipeline) { return fmt::format("{}.manifests", pipeline); }
std::string letters_topic(const std::string& pipeline) { return fmt::format("{}.dead-letters", pipeline); }
std::string replay_topic(const std::string& pipeline, const std::string& unit) {
  return fmt::format("{}.{}.replay", pipeline, unit);
}
// What a topic cannot be called is left out, and a number tells such names apart.
std::string progress_topic(const std::string& pipeline, const std::string& unit, const std::string& outbox) {
  std::string name = outbox;
  std::ranges::replace_if(name, [](unsigned char c) { return std::isalnum(c) == 0 && c != '_' && c != '.' && c != '-'; }, '_');
  if (name != outbox) name += fmt::format("-{:08x}", static_cast<std::uint32_t>(base::fnv1a(outbox)));
  return fmt::format("{}.{}.{}.progress", pipeline, unit, name);
}
std::string keys_topic(const std::string& pipeline, const std::string& unit, const std::string& stage) {
  return fmt::format("{}.{}.{}.keys", pipeline, unit, stage);
}

bool is_compacted(OwnTopic kind) { return kind != OwnTopic::Replay; }

const std::map<std::string, std::string>& configuration(OwnTopic kind) {
  static const std::map<std::string, std::string> compacted = {{"cleanup.policy", "compact"}, {"retention.ms", "-1"}};
  static const std::map<std::string, std::string> kept = {
      {"cleanup.policy", "delete"}, {"retention.ms", "-1"}, {"retention.bytes", "-1"}};
  return is_compacted(kind) ? compacted : kept;
}

}  // namespace piperun::kafka
