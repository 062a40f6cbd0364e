#include "runtime/connectors/embedded/topic_source.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "lang/value/time.h"
#include "runtime/commit/embedded/header_bytes.h"
#include "runtime/commit/embedded/schema.h"

namespace piperun::embedded {

using base::ErrorCode;
using base::Result;

namespace {

struct Bytes final : record::SlabOwner {
  std::string bytes;
};

// Where a record's parts lie, until the buffer has its final place.
struct Parts {
  std::size_t begin;
  std::ptrdiff_t key, value;  // sizes; -1: none
  std::size_t headers;
};

constexpr std::int64_t kPollEvery = 2'000;

}  // namespace

Result<std::unique_ptr<connectors::Source>> TopicSource::open(const std::string& path, const std::string& topic,
                                                              base::Clock& clock) {
  if (!std::filesystem::exists(path))
    return base::failure(ErrorCode::NoSuchTopic,
                         fmt::format("there is no topic `{}` in {}, which is not there yet", topic, path));
  auto database = Database::open(path, Database::Access::Read);
  if (!database) return std::unexpected(database.error());
  std::unique_ptr<TopicSource> result(new TopicSource(std::move(*database), topic, clock));
  auto found = result->topic();
  if (!found) return std::unexpected(found.error());
  result->known_ = std::move(found->partitions);
  return result;
}

Result<Topic> TopicSource::topic() {
  auto found = find_topic(*database_, topic_);
  if (!found) return std::unexpected(found.error());
  if (*found) return std::move(**found);
  return base::failure(ErrorCode::NoSuchTopic, fmt::format("there is no topic `{}` in {}", topic_, database_->path()));
}

Result<std::vector<connectors::Partition>> TopicSource::partitions() {
  auto found = topic();
  if (!found) return std::unexpected(found.error());
  known_ = std::move(found->partitions);
  std::vector<connectors::Partition> result;
  for (const TopicPartition& partition : known_) result.push_back({topic_, partition.number, partition.begin, partition.end});
  return result;
}

Result<TopicPartition> TopicSource::bounds(std::uint32_t partition) {
  Query query = database_->query("SELECT begin_offset, end_offset FROM piperun_partitions WHERE id = ?1");
  TopicPartition result = known_.at(partition);
  auto row = query.bind(1, result.id).step();
  if (!row) return std::unexpected(row.error());
  if (!*row)
    return base::failure(ErrorCode::PositionGone, fmt::format("partition {} of topic `{}` was removed", result.number, topic_));
  result.begin = query.integer(0);
  result.end = query.integer(1);
  return result;
}

Result<std::int64_t> TopicSource::resolve(const std::string& start, std::uint32_t partition) {
  auto found = bounds(partition);
  if (!found) return std::unexpected(found.error());
  if (start == "earliest") return found->begin;
  if (start == "latest") return found->end;
  const auto time = value::parse_timestamp(start);
  if (!time)
    return base::failure(ErrorCode::PositionGone,
                         fmt::format("topic `{}` has no position yet and `start` is `{}`", topic_, start));
  Query query = database_->query("SELECT min(id) FROM piperun_records WHERE id BETWEEN ?1 AND ?2 AND timestamp >= ?3");
  const std::int64_t first = found->id << kOffsetBits;
  auto row = query.bind(1, first + found->begin).bind(2, first + found->end - 1).bind(3, *time).step();
  if (!row) return std::unexpected(row.error());
  return query.is_null(0) ? found->end : query.integer(0) - first;
}

Result<record::Slab> TopicSource::read(std::uint32_t partition, std::int64_t position, std::size_t max_records,
                                       std::size_t max_bytes) {
  record::Slab slab;
  slab.partition = partition;
  if (auto version = database_->data_version()) seen_version_ = *version;
  auto found = bounds(partition);
  if (!found) return std::unexpected(found.error());
  if (position < found->begin || position > found->end) {
    return base::failure(ErrorCode::PositionGone,
                         fmt::format("partition {} of topic `{}` has the offsets {} to {}, and the position is {}", found->number,
                                     topic_, found->begin, found->end, position));
  }
  if (position == found->end) return slab;
  const std::int64_t first = found->id << kOffsetBits;
  auto owner = std::make_unique<Bytes>();
  std::vector<Parts> parts;
  Query query = database_->query(
      "SELECT id, timestamp, key, value, headers FROM piperun_records WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3");
  query.bind(1, first + position).bind(2, first + found->end - 1).bind(3, static_cast<std::int64_t>(max_records));
  while (owner->bytes.size() < max_bytes || parts.empty()) {
    auto row = query.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) break;
    record::RawRecord record;
    record.offset = query.integer(0) - first;
    record.next = record.offset + 1;
    record.timestamp = query.integer(1);
    const auto key = query.is_null(2) ? std::string_view{} : query.bytes(2);
    parts.push_back({owner->bytes.size(), query.is_null(2) ? -1 : static_cast<std::ptrdiff_t>(key.size()),
                     query.is_null(3) ? -1 : static_cast<std::ptrdiff_t>(query.bytes(3).size()), query.bytes(4).size()});
    owner->bytes.append(query.bytes(2)).append(query.bytes(3)).append(query.bytes(4));
    slab.records.push_back(std::move(record));
  }
  owner->bytes.append(record::kPadding, '\0');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto key_size = static_cast<std::size_t>(std::max<std::ptrdiff_t>(parts[i].key, 0));
    const auto value_size = static_cast<std::size_t>(std::max<std::ptrdiff_t>(parts[i].value, 0));
    const std::string_view all = std::string_view(owner->bytes).substr(parts[i].begin, key_size + value_size + parts[i].headers);
    if (parts[i].key >= 0) slab.records[i].key = all.substr(0, key_size);
    if (parts[i].value >= 0) slab.records[i].value = all.substr(key_size, value_size);
    each_header(all.substr(key_size + value_size), [&](std::string_view name, const std::optional<std::string_view>& value) {
      slab.records[i].headers.push_back({name, value});
    });
  }
  slab.owner = std::move(owner);
  return slab;
}

void TopicSource::wait(std::int64_t microseconds) {
  const std::int64_t until = clock_.monotonic() + microseconds;
  while (clock_.monotonic() < until) {
    const auto version = database_->data_version();
    if (!version) return;
    if (*version != std::exchange(seen_version_, *version)) return;
    clock_.sleep(std::min(kPollEvery, until - clock_.monotonic()));
  }
}

}  // namespace piperun::embedded
