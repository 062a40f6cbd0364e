#include "runtime/connectors/embedded/topics.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "runtime/commit/embedded/schema.h"

namespace piperun::embedded {

using base::ErrorCode;
using base::Result;

std::uint32_t murmur2(std::string_view key) {  // Austin Appleby's, with the seed of Kafka's clients
  constexpr std::uint32_t kMix = 0x5bd1e995;
  auto hash = 0x9747b28cU ^ static_cast<std::uint32_t>(key.size());
  while (key.size() >= 4) {
    std::uint32_t word;
    std::memcpy(&word, key.data(), 4);
    word *= kMix;
    word ^= word >> 24;
    word *= kMix;
    hash = hash * kMix ^ word;
    key.remove_prefix(4);
  }
  for (std::size_t i = key.size(); i-- > 0;) {
    hash ^= static_cast<std::uint32_t>(static_cast<unsigned char>(key[i])) << (8 * i);
    if (i == 0) hash *= kMix;
  }
  hash ^= hash >> 13;
  hash *= kMix;
  return hash ^ (hash >> 15);
}

Result<std::vector<Topic>> list_topics(Database& database) {
  Query query = database.query(
      "SELECT t.name, p.id, p.number, p.begin_offset, p.end_offset FROM piperun_topics t "
      "JOIN piperun_partitions p ON p.topic = t.id ORDER BY t.name, p.number");
  std::vector<Topic> result;
  for (;;) {
    auto row = query.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return result;
    if (result.empty() || result.back().name != query.bytes(0)) result.push_back({query.text(0), {}});
    result.back().partitions.push_back(
        {query.integer(1), static_cast<std::int32_t>(query.integer(2)), query.integer(3), query.integer(4)});
  }
}

Result<std::optional<Topic>> find_topic(Database& database, const std::string& name) {
  Query query = database.query(
      "SELECT p.id, p.number, p.begin_offset, p.end_offset FROM piperun_topics t "
      "JOIN piperun_partitions p ON p.topic = t.id WHERE t.name = ?1 ORDER BY p.number");
  query.bind(1, name);
  Topic result{name, {}};
  for (;;) {
    auto row = query.step();
    if (!row) return std::unexpected(row.error());
    if (!*row) break;
    result.partitions.push_back(
        {query.integer(0), static_cast<std::int32_t>(query.integer(1)), query.integer(2), query.integer(3)});
  }
  if (result.partitions.empty()) return std::nullopt;
  return result;
}

Result<Topic> make_topic(Database& database, const std::string& name, std::int64_t partitions) {
  Transaction transaction(database);
  if (auto begun = transaction.begin(); !begun) return std::unexpected(begun.error());
  auto found = find_topic(database, name);
  if (!found) return std::unexpected(found.error());
  if (*found) return std::move(**found);
  if (partitions < 1 || partitions > 10'000) {
    return base::failure(ErrorCode::CannotOpen,
                         fmt::format("topic `{}`: {} partitions; 1 to 10000 are possible", name, partitions));
  }
  auto made =
      database.query("INSERT INTO piperun_topics (name, partitions) VALUES (?1, ?2)").bind(1, name).bind(2, partitions).run();
  if (!made) return std::unexpected(made.error());
  for (std::int64_t number = 0; number < partitions; ++number) {
    auto added =
        database.query("INSERT INTO piperun_partitions (topic, number) SELECT id, ?2 FROM piperun_topics WHERE name = ?1")
            .bind(1, name)
            .bind(2, number)
            .run();
    if (!added) return std::unexpected(added.error());
  }
  found = find_topic(database, name);
  if (!found) return std::unexpected(found.error());
  if (auto done = transaction.commit(); !done) return std::unexpected(done.error());
  return std::move(**found);
}

namespace {

Result<void> insert(Query& query, TopicPartition& partition, const NewRecord& record) {
  query.bind(1, (partition.id << kOffsetBits) + partition.end).bind(2, record.timestamp);
  query.bind_bytes(3, record.key).bind_bytes(4, record.value);
  if (record.headers.empty()) query.bind_null(5);
  else query.bind_bytes(5, record.headers);
  auto done = query.run();
  if (!done) return std::unexpected(done.error());
  ++partition.end;
  return {};
}

}  // namespace

Result<void> append_records(Database& database, const std::string& topic, std::span<const NewRecord> records) {
  Transaction transaction(database);
  if (auto begun = transaction.begin(); !begun) return begun;
  auto found = find_topic(database, topic);
  if (!found) return std::unexpected(found.error());
  if (!*found) return base::failure(ErrorCode::NoSuchTopic, fmt::format("there is no topic `{}` in {}", topic, database.path()));
  std::vector<TopicPartition>& partitions = (*found)->partitions;
  std::uint64_t turn = 0;
  for (const TopicPartition& partition : partitions) turn += static_cast<std::uint64_t>(partition.end);
  {
    Query query = database.query("INSERT INTO piperun_records (id, timestamp, key, value, headers) VALUES (?1, ?2, ?3, ?4, ?5)");
    for (std::size_t i = 0; i < records.size(); ++i) {
      const NewRecord& record = records[i];
      std::size_t number = record.key ? (murmur2(*record.key) & 0x7fffffffU) % partitions.size() : (turn + i) % partitions.size();
      if (record.partition >= 0) number = static_cast<std::size_t>(record.partition);
      auto done = number < partitions.size() ? insert(query, partitions[number], record)
                                             : base::failure(ErrorCode::NoSuchTopic,
                                                             fmt::format("topic `{}` has {} partitions, there is no partition {}",
                                                                         topic, partitions.size(), number));
      if (!done) {
        done.error().row = static_cast<std::int64_t>(i);
        return done;
      }
    }
  }
  for (const TopicPartition& partition : partitions) {
    auto moved = database.query("UPDATE piperun_partitions SET end_offset = ?2 WHERE id = ?1 AND end_offset <> ?2")
                     .bind(1, partition.id)
                     .bind(2, partition.end)
                     .run();
    if (!moved) return std::unexpected(moved.error());
  }
  return transaction.commit();
}

Result<void> trim_partition(Database& database, const std::string& topic, std::int32_t number, std::int64_t offset) {
  Transaction transaction(database);
  if (auto begun = transaction.begin(); !begun) return begun;
  auto found = find_topic(database, topic);
  if (!found) return std::unexpected(found.error());
  if (!*found || number < 0 || static_cast<std::size_t>(number) >= (*found)->partitions.size()) return {};
  const TopicPartition& partition = (*found)->partitions[static_cast<std::size_t>(number)];
  const std::int64_t begin = std::min(offset, partition.end);
  if (begin <= partition.begin) return {};
  const std::int64_t first = partition.id << kOffsetBits;
  auto removed = database.query("DELETE FROM piperun_records WHERE id BETWEEN ?1 AND ?2")
                     .bind(1, first + partition.begin)
                     .bind(2, first + begin - 1)
                     .run();
  if (!removed) return std::unexpected(removed.error());
  auto moved =
      database.query("UPDATE piperun_partitions SET begin_offset = ?2 WHERE id = ?1").bind(1, partition.id).bind(2, begin).run();
  if (!moved) return std::unexpected(moved.error());
  return transaction.commit();
}

}  // namespace piperun::embedded
