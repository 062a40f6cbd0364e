// The changelogs of the keys: made before the manifest that has their stage, so that one that is missing later was lost.

#include <fmt/format.h>

#include <algorithm>

#include "runtime/commit/kafka/admin.h"
#include "runtime/commit/kafka/groups.h"
#include "runtime/commit/kafka/kafka_domain.h"
#include "runtime/commit/kafka/key_shards.h"

namespace piperun::kafka {

using base::Error;
using base::ErrorCode;
using base::Result;
using commit::PartitionName;

namespace {

constexpr std::int64_t kRemovedWithin = 5'000'000, kLookEvery = 200'000;  // a changelog that is removed to be made anew

}  // namespace

// The changelog has the partitions of the source.
Result<KafkaDomain::KeySource> KafkaDomain::key_source(const std::string& stage) {
  auto client = handle();
  if (!client) return std::unexpected(client.error());
  KeySource result;
  for (const PartitionName& partition : key_partitions()) {
    if (partition.topic == result.topic) continue;
    const auto described = describe_topic(*client, ledger_.stored_name(partition).topic);
    if (!described) return std::unexpected(described.error());
    if (!result.topic.empty() && described->partitions != result.partitions) {
      return base::failure(
          ErrorCode::ManifestConflict,
          fmt::format("{} and {} have different numbers of partitions, so records with the same key of `{}` come to "
                      "different workers",
                      result.topic, partition.topic, stage));
    }
    result = {partition.topic, described->partitions};
  }
  return result;
}

Result<void> KafkaDomain::make_changelog(rd_kafka_t* client, const std::string& topic, const KeySource& source) {
  return create_internal_topic(client, {topic, source.partitions, true}, ledger_.stored_name({source.topic, 0}).topic);
}

// Before a manifest is stored that has these stages. So a changelog that is missing later was lost, whoever looks.
Result<void> KafkaDomain::make_changelogs() {
  if (member_ == nullptr || key_partitions().empty()) return {};
  auto client = handle();
  if (!client) return std::unexpected(client.error());
  for (const std::string& stage : settings_.stages) {
    const std::string topic = keys_topic(settings_.pipeline, settings_.unit, stage);
    if (std::ranges::count(keys_->doomed, topic) > 0) continue;  // made anew when it is gone
    const auto found = describe_topic(*client, topic);
    if (found) continue;
    if (found.error().code != ErrorCode::NoSuchTopic) return std::unexpected(found.error());
    const auto source = key_source(stage);
    if (!source) return std::unexpected(source.error());
    if (auto made = make_changelog(*client, topic, *source); !made) return made;
  }
  return {};
}

// Its keys are forgotten, and it is removed; the stage goes on with another one, which has the partitions that the source has now. By
// clients of their own: one that has known the old topic may crash over the new one (librdkafka's issue 4964).
Result<void> KafkaDomain::remake_changelog(const std::string& topic) {
  const auto old = open_admin(settings_.client);
  if (!old) return std::unexpected(old.error());
  const std::int64_t until = clock_.monotonic() + kRemovedWithin;
  for (;; clock_.sleep(kLookEvery)) {
    const auto found = describe_topic(old->get(), topic);
    if (!found && found.error().code == ErrorCode::NoSuchTopic) break;
    if (!found) return std::unexpected(found.error());
    if (clock_.monotonic() > until)
      return base::failure(ErrorCode::SystemUnavailable, fmt::format("the topic {} is still there", topic));
  }
  const auto source = key_source(topic);
  if (!source) return std::unexpected(source.error());
  if (source->topic.empty()) return {};
  const auto fresh = open_admin(settings_.client);
  return fresh ? make_changelog(fresh->get(), topic, *source) : Result<void>(std::unexpected(fresh.error()));
}

// Keys of records that were read may be needed yet.
Result<bool> KafkaDomain::has_read() {
  const auto positions = read_positions(ir::StepMode::Plain);
  if (!positions) return std::unexpected(positions.error());
  return std::ranges::any_of(*positions, [](const commit::Position& each) { return each.counts.read + each.in_flight > 0; });
}

std::unexpected<Error> KafkaDomain::lost_changelog(const std::string& topic, const std::string& what) const {
  return base::failure(
      ErrorCode::StoreDamaged,
      fmt::format("the topic {} {}: it had the keys of records that the unit {} has read, and without them their repeats get "
                  "through; bring it back, or accept that: `piperun offsets reset FILE --unit {} --to \"shift 0\" --state clear` "
                  "goes on without keys, `piperun offsets delete FILE --unit {}` begins anew",
                  topic, what, settings_.unit, settings_.unit, settings_.unit));
}

// One broker does not know it; where there are several, it may be the one that has not heard of it yet.
std::unexpected<Error> KafkaDomain::missing_changelog(const std::string& topic) {
  auto client = handle();
  if (!client) return std::unexpected(client.error());
  const auto found = find_topic(*client, topic);
  if (!found && found.error().code == ErrorCode::NoSuchTopic) return lost_changelog(topic);
  if (!found) return std::unexpected(found.error());
  return base::failure(ErrorCode::SystemUnavailable, fmt::format("a broker has not heard of the topic {} yet", topic));
}

// Without its changelog a stage has no keys yet, or has lost them.
Result<void> KafkaDomain::check_never_read(const std::string& topic) {
  const auto is_lost = has_read();
  if (!is_lost) return std::unexpected(is_lost.error());
  return *is_lost ? Result<void>(lost_changelog(topic)) : Result<void>();
}

// A broker with auto.create.topics.enable makes a topic that was deleted again, with settings of its own, as soon as a producer asks for it:
// not one of ours. (Where its log.cleanup.policy is `compact`, this does not see it.) Not everybody may ask for a topic's settings.
Result<void> KafkaDomain::check_keeps_keys(rd_kafka_t* client, const std::string& topic) {
  const auto policy = cleanup_policy(client, topic);
  if (!policy && base::traits(policy.error().code).error_class == base::ErrorClass::Transient)
    return std::unexpected(policy.error());
  if (!policy || policy->empty() || policy->find("compact") != std::string::npos) return {};
  const std::string what = fmt::format(
      "was made anew by others, its cleanup.policy is `{}` (if it was only altered: set it to `compact` again)", *policy);
  const auto is_lost = has_read();
  if (!is_lost) return std::unexpected(is_lost.error());
  if (*is_lost) return lost_changelog(topic, what);
  return base::failure(
      ErrorCode::CannotOpen,
      fmt::format("the topic {} {}: it would lose keys; delete it, and it is made as it has to be", topic, what));
}

Result<std::string> KafkaDomain::find_changelog(const std::string& stage) {
  auto client = handle();
  if (!client) return std::unexpected(client.error());
  const std::string topic = keys_topic(settings_.pipeline, settings_.unit, stage);
  const auto source = key_source(stage);
  if (!source) return std::unexpected(source.error());
  auto found = describe_topic(*client, topic);
  if (!found && found.error().code == ErrorCode::NoSuchTopic) {
    const auto is_lost = has_read();
    if (!is_lost) return std::unexpected(is_lost.error());
    // A broker may not have heard of it yet, or who has forgotten its keys is about to make it anew.
    for (const std::int64_t until = clock_.monotonic() + kRemovedWithin; *is_lost && !found && clock_.monotonic() < until;) {
      clock_.sleep(kLookEvery);
      found = describe_topic(*client, topic);
      if (!found && found.error().code != ErrorCode::NoSuchTopic) return std::unexpected(found.error());
    }
    if (*is_lost && !found) return lost_changelog(topic);
    if (!found) {
      if (auto made = make_changelog(*client, topic, *source); !made) return std::unexpected(made.error());
      found = describe_topic(*client, topic);
    }
    if (!found && found.error().code == ErrorCode::NoSuchTopic) found.error().code = ErrorCode::SystemUnavailable;
  }
  if (!found) return std::unexpected(found.error());
  if (auto checked = check_keeps_keys(*client, topic); !checked) return std::unexpected(checked.error());
  if (found->partitions != source->partitions) {
    return base::failure(ErrorCode::ManifestConflict,
                         fmt::format("the source has {} partitions now, and keys of `{}` are stored for {}: a key may come with "
                                     "another partition than before",
                                     source->partitions, stage, found->partitions));
  }
  return topic;
}

}  // namespace piperun::kafka
