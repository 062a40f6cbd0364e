// Changelogs as a whole: keys that go to another stage, to another domain, or away.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <utility>

#include "runtime/commit/kafka/admin.h"
#include "runtime/commit/kafka/groups.h"
#include "runtime/commit/kafka/kafka_domain.h"
#include "runtime/commit/kafka/key_shards.h"
#include "runtime/commit/key_times.h"

namespace piperun::kafka {

using base::ErrorCode;
using base::Result;
using commit::KeyEntry;

// The last record of each key of each partition; nullopt: there is no such changelog.
Result<std::optional<std::vector<std::map<std::string, std::string>>>> KafkaDomain::read_changelog(const std::string& topic) {
  auto client = handle();
  auto topics = reader();
  if (!client || !topics) return std::unexpected(!client ? client.error() : topics.error());
  const auto described = describe_topic(*client, topic);
  if (!described && described.error().code == ErrorCode::NoSuchTopic) return std::nullopt;
  if (!described) return std::unexpected(described.error());
  if (auto checked = check_keeps_keys(*client, topic); !checked) return std::unexpected(checked.error());
  std::vector<std::map<std::string, std::string>> result(static_cast<std::size_t>(described->partitions));
  for (std::int32_t partition = 0; partition < described->partitions; ++partition) {
    auto& entries = result[static_cast<std::size_t>(partition)];
    const auto read = (*topics)->read({topic, partition}, TopicReader::kFromBeginning, [&](TopicRecord record) {
      if (!record.key) return;
      if (record.value) entries[*record.key] = std::move(*record.value);
      else entries.erase(*record.key);
    });
    if (!read) return std::unexpected(read.error());
  }
  return result;
}

Result<std::vector<KeyEntry>> KafkaDomain::all_keys(const std::string& stage, const std::string& after, std::int64_t limit) {
  Keys::Listing& listing = keys_->listing;
  if (after.empty() || listing.stage != stage) {
    listing = {stage, {}};
    auto partitions = read_changelog(keys_topic(settings_.pipeline, settings_.unit, stage));
    if (!partitions) return std::unexpected(partitions.error());
    if (!*partitions) {
      if (auto checked = check_never_read(keys_topic(settings_.pipeline, settings_.unit, stage)); !checked)
        return std::unexpected(checked.error());
      return std::vector<KeyEntry>{};
    }
    for (auto& partition : **partitions) {
      for (auto& [key, bytes] : partition) listing.entries[key] = commit::times_of(bytes);
    }
  }
  std::vector<KeyEntry> result;
  for (auto entry = after.empty() ? listing.entries.begin() : listing.entries.upper_bound(after);
       entry != listing.entries.end() && std::ssize(result) < limit; ++entry) {
    result.push_back({entry->first, entry->second});
  }
  return result;
}

Result<void> KafkaDomain::rename_stage(const std::string& from, const std::string& to) {
  auto partitions = read_changelog(keys_topic(settings_.pipeline, settings_.unit, from));
  if (!partitions) return std::unexpected(partitions.error());
  if (!*partitions) return check_never_read(keys_topic(settings_.pipeline, settings_.unit, from));
  const std::string topic = keys_topic(settings_.pipeline, settings_.unit, to);
  std::vector<OwnRecord> records;
  for (std::size_t number = 0; number < (*partitions)->size(); ++number) {
    for (auto& [key, value] : (**partitions)[number]) {
      records.push_back({OwnTopic::Keys,
                         topic,
                         key,
                         std::move(value),
                         {},
                         static_cast<std::int32_t>(number),
                         static_cast<std::int32_t>((*partitions)->size())});
    }
  }
  if (auto done = write(records); !done) return done;
  keys_->stages.erase(to);
  return remove_changelog(from);
}

// With the open commit, or at once.
Result<void> KafkaDomain::remove_changelog(const std::string& stage) {
  keys_->stages.erase(stage);
  keys_->doomed.push_back(keys_topic(settings_.pipeline, settings_.unit, stage));
  return is_open_ ? Result<void>() : remove_doomed();
}

// Of a stage that the unit has no more it harms nobody when it cannot be removed now. A person forgets keys of stages that stay.
Result<void> KafkaDomain::remove_doomed() {
  Result<void> result;
  for (const std::string& topic : std::exchange(keys_->doomed, {})) {
    const bool stays = member_ == nullptr || std::ranges::any_of(settings_.stages, [&](const std::string& stage) {
                         return keys_topic(settings_.pipeline, settings_.unit, stage) == topic;
                       });
    auto client = handle();
    auto done = client ? delete_topic(*client, topic) : Result<void>(std::unexpected(client.error()));
    if (done && stays) done = remake_changelog(topic);
    if (done) continue;
    spdlog::warn("a changelog is left behind, or not made anew topic={} error={}", topic, done.error().message);
    if (stays) result = done;
  }
  return result;
}

}  // namespace piperun::kafka
