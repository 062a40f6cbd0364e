// Manifests of a Kafka domain, and a unit that gives all it has to one elsewhere.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "runtime/commit/kafka/admin.h"
#include "runtime/commit/kafka/groups.h"
#include "runtime/commit/kafka/kafka_domain.h"
#include "runtime/commit/kafka/letter_record.h"

namespace piperun::kafka {

using base::ErrorCode;
using base::Result;
using commit::Manifest;

namespace {

constexpr const char* kMoved = "piperun.moved";

}  // namespace

Result<std::vector<Manifest>> KafkaDomain::manifests() {
  auto topics = reader();
  if (!topics) return std::unexpected(topics.error());
  std::map<std::string, Manifest> found;
  const commit::PartitionName place{manifests_topic(settings_.pipeline), 0};
  const auto read = (*topics)->read(place, TopicReader::kFromBeginning, [&](const TopicRecord& record) {
    if (!record.key) return;
    if (!record.value) {
      found.erase(*record.key);
      return;
    }
    const bool moved = std::ranges::any_of(record.headers, [](const auto& header) { return header.first == kMoved; });
    found[*record.key] = {*record.key, *record.value, moved};
  });
  if (!read && read.error().code != ErrorCode::NoSuchTopic) return std::unexpected(read.error());
  std::vector<Manifest> result;
  for (auto& [unit, manifest] : found) result.push_back(std::move(manifest));
  return result;
}

Result<void> KafkaDomain::put_manifest(const Manifest& manifest) {
  if (auto made = make_changelogs(); !made) return made;
  OwnRecord record{OwnTopic::Manifests, manifests_topic(settings_.pipeline), manifest.unit, manifest.text};
  if (manifest.moved) record.headers.emplace_back(kMoved, "1");
  return write(std::span(&record, 1));
}

Result<void> KafkaDomain::check_idle() {
  auto client = handle();
  if (!client) return std::unexpected(client.error());
  const auto found = describe_group(*client, group_);
  if (!found) return std::unexpected(found.error());
  if (found->members.empty()) return {};
  return base::failure(ErrorCode::LostOwnership,
                       fmt::format("the group {} cannot be taken over: {} on {} is at work in it; stop it first", group_,
                                   found->members.front().client, found->members.front().host));
}

Result<void> KafkaDomain::remove_manifest() {
  const OwnRecord record{OwnTopic::Manifests, manifests_topic(settings_.pipeline), settings_.unit, std::nullopt};
  return write(std::span(&record, 1));
}

// Whoever joins after the manifest is written finds it marked and stops; who joined before it is seen by the second look. A worker
// that was paused all the while is no member any more, so its commit is refused.
Result<void> KafkaDomain::freeze(const Manifest& manifest) {
  if (auto idle = check_idle(); !idle) return idle;
  if (auto put = put_manifest(manifest); !put) return put;
  return check_idle();
}

// The topics go last: who repeats this after a crash finds what is left by their names.
Result<void> KafkaDomain::retire() {
  auto client = handle();
  if (!client) return std::unexpected(client.error());
  auto left = delete_group_offsets(*client, group_);
  if (!left) return std::unexpected(left.error());
  if (!left->empty()) {  // this process is a member and reads them: their offsets stay, as none
    OffsetMetadata none;
    none.is_none = true;
    for (PartitionOffset& each : *left) each = {each.partition, 0, *none.text()};
    if (auto done = commit_waiting(*left); !done) return done;
  }
  const auto letters = stored_letters();
  if (!letters) return std::unexpected(letters.error());
  for (const commit::Letter& letter : *letters) {
    if (auto done = remove_letter(letter); !done) return done;
  }
  const auto all = list_topics(*client);
  if (!all) return std::unexpected(all.error());
  const std::string prefix = group_ + ".";
  for (const TopicDescription& topic : *all) {
    const std::string& name = topic.name;
    if (name != replay_topic_ && !(name.starts_with(prefix) && name.ends_with(".keys"))) continue;
    if (auto done = delete_topic(*client, name); !done) return done;
  }
  ledger_.forget();
  forget_changes();
  return {};
}

}  // namespace piperun::kafka
