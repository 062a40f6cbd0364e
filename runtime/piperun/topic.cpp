// `piperun topic list|peek|put`: topics of stand-ins, also while a pipeline runs.
#include <fmt/ostream.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "lang/value/json_node.h"
#include "runtime/piperun/rows.h"
#include "runtime/piperun/stores.h"

namespace piperun::cli {
namespace {

constexpr Option kPartition = {"--partition", Takes::One, false, "", "this partition alone"};
constexpr Option kListOptions[] = {{"WORDS", Takes::Many, false, "", "[FILE]"}, kStateDir, kParam, kJson};
constexpr Option kPeekOptions[] = {{"WORDS", Takes::Many, true, "", "TOPIC [FILE]"},
                                   kPartition,
                                   {"--from", Takes::One, false, "", "first offset (default: the last ones of each partition)"},
                                   {"--limit", Takes::One, false, "", "how many (default: 10)"},
                                   {"--all", Takes::Nothing, false, "", "all records, as JSON lines"},
                                   kStateDir,
                                   kParam};
constexpr Option kPutOptions[] = {
    {"WORDS", Takes::Many, true, "", "TOPIC [FILE]; one record per line of the input"},
    kPartition,
    {"--key", Takes::One, false, "", "JSON field of each record that becomes its key"},
    {"--partitions", Takes::One, false, "", "how many, if a topic of FILE is missing and made (default: 1)"},
    {"--atomic", Takes::Nothing, false, "", "all or nothing (one transaction) instead of as they come"},
    kStateDir,
    kParam};

Exit misuse(World& world, std::string_view words) {
  fmt::print(world.err, "piperun: {}\n", words);
  return Exit::Usage;
}

// A number option; nullopt if it is none.
std::optional<std::int64_t> number(const Arguments& arguments, std::string_view name, std::int64_t fallback) {
  if (!arguments.has(name)) return fallback;
  const std::string text = arguments.text(name);
  std::int64_t result = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  return error == std::errc() && end == text.data() + text.size() && result >= 0 ? std::optional(result) : std::nullopt;
}

Exit list(const Arguments& arguments, World& world) {
  const auto set = open_stores(arguments, world);
  if (!set) return set.error();
  for (const Store& store : set->stores) {
    if (!std::filesystem::exists(store.path)) continue;
    auto inspector = embedded::Inspector::open(store.path, embedded::Database::Access::Read);
    if (!inspector) return tell(inspector.error(), world);
    const auto topics = inspector->topics();
    if (!topics) return tell(topics.error(), world);
    for (const embedded::Topic& topic : *topics) {
      for (const embedded::TopicPartition& partition : topic.partitions) {
        if (arguments.has("--json")) {
          fmt::print(world.out, "{{\"topic\":{},\"store\":{},\"partition\":{},\"begin\":{},\"end\":{}}}\n",
                     bytes_json(topic.name), bytes_json(store.path), partition.number, partition.begin, partition.end);
        } else {
          fmt::print(world.out, "{:<24} partition {:<3} {} .. {}   {}\n", topic.name, partition.number, partition.begin,
                     partition.end, store.path);
        }
      }
    }
  }
  return Exit::Done;
}

// The last `limit` records of each partition, or of the one named.
base::Result<std::vector<embedded::StoredRecord>> last_ones(embedded::Inspector& inspector, const std::string& name,
                                                            std::int32_t partition, std::int64_t limit) {
  const auto topics = inspector.topics();
  if (!topics) return std::unexpected(topics.error());
  std::vector<embedded::StoredRecord> all;
  for (const embedded::Topic& topic : *topics) {
    if (topic.name != name) continue;
    for (const embedded::TopicPartition& each : topic.partitions) {
      if (partition >= 0 && each.number != partition) continue;
      auto records = inspector.peek(name, each.number, std::max(each.begin, each.end - limit), limit);
      if (!records) return records;
      std::ranges::move(*records, std::back_inserter(all));
    }
  }
  return all;
}

Exit peek(const Arguments& arguments, World& world) {
  const auto set = open_stores(arguments, world);
  if (!set) return set.error();
  if (set->words.size() != 1) return misuse(world, "piperun topic peek TOPIC [FILE]");
  const auto limit = number(arguments, "--limit", arguments.has("--all") ? INT64_MAX : 10);
  const auto partition = number(arguments, "--partition", -1);
  const auto from = number(arguments, "--from", -1);
  if (!limit || !partition || !from) return misuse(world, "--limit, --partition and --from take a number");
  const auto found = find_topic(*set, set->words[0]);
  if (!found) return tell(found.error(), world);
  auto inspector = embedded::Inspector::open(found->store.path, embedded::Database::Access::Read);
  if (!inspector) return tell(inspector.error(), world);
  const auto only = static_cast<std::int32_t>(*partition);
  const bool is_end = *from < 0 && !arguments.has("--all");
  const auto records = is_end ? last_ones(*inspector, found->topic, only, *limit)
                              : inspector->peek(found->topic, only, std::max<std::int64_t>(*from, 0), *limit);
  if (!records) return tell(records.error(), world);
  for (const embedded::StoredRecord& record : *records) fmt::print(world.out, "{}\n", record_json(record));
  return Exit::Done;
}

// The text of a field of a JSON record.
std::optional<std::string> field_of(const std::string& line, const std::string& field) {
  value::Arena arena;
  const auto json = value::parse_json(line, arena);
  const value::JsonNode* found = json ? value::member(**json, field) : nullptr;
  if (found == nullptr) return std::nullopt;
  if (found->kind == value::JsonKind::String) return std::string(std::string_view(found->text));
  std::string text;
  value::write_json(*found, text);
  return text;
}

struct Line {
  std::string text;
  std::optional<std::string> key;
};

base::Result<void> append(embedded::Inspector& inspector, const FoundTopic& found, const std::vector<Line>& lines,
                          std::int32_t partition, std::int64_t partitions, std::int64_t now) {
  std::vector<embedded::NewRecord> records;
  for (const Line& line : lines) {
    embedded::NewRecord record;
    record.timestamp = now;
    if (line.key) record.key = *line.key;
    record.value = line.text;
    record.partition = partition;
    records.push_back(record);
  }
  return inspector.put(found.topic, records, partitions);
}

Exit put(const Arguments& arguments, World& world) {
  constexpr std::size_t kAtOnce = 1000;
  const auto set = open_stores(arguments, world);
  if (!set) return set.error();
  if (set->words.size() != 1) return misuse(world, "piperun topic put TOPIC [FILE] < records.ndjson");
  const auto partition = number(arguments, "--partition", -1);
  const auto partitions = number(arguments, "--partitions", set->compiled ? 1 : 0);
  if (!partition || !partitions) return misuse(world, "--partition and --partitions take a number");
  const auto found = find_topic(*set, set->words[0], true);
  if (!found) return tell(found.error(), world);
  auto inspector = embedded::Inspector::open(found->store.path, embedded::Database::Access::Write);
  if (!inspector) return tell(inspector.error(), world);
  std::vector<Line> lines;
  std::size_t total = 0;
  const auto write = [&]() -> base::Result<void> {
    total += lines.size();
    const auto done = append(*inspector, *found, lines, static_cast<std::int32_t>(*partition), *partitions, world.clock.now());
    lines.clear();
    return done;
  };
  for (std::string text; std::getline(world.in, text);) {
    if (text.ends_with('\r')) text.pop_back();
    if (text.empty()) continue;
    Line line{text, arguments.has("--key") ? field_of(text, arguments.text("--key")) : std::nullopt};
    lines.push_back(std::move(line));
    // What comes slowly is there at once; what comes fast is written together.
    if (arguments.has("--atomic") || (lines.size() < kAtOnce && world.in.rdbuf()->in_avail() > 0)) continue;
    if (const auto done = write(); !done) return tell(done.error(), world);
  }
  if (!lines.empty()) {
    if (const auto done = write(); !done) return tell(done.error(), world);
  }
  fmt::print(world.err, "{} records -> {}\n", total, found->topic);
  return Exit::Done;
}

}  // namespace

extern const Command kTopicList, kTopicPeek, kTopicPut;
const Command kTopicList = {"topic list", "Topics with their partitions, begin and end offsets.",
                            "piperun topic list\npiperun topic list orders.pipe", kListOptions, list};
const Command kTopicPeek = {
    "topic peek", "Records of a topic.",
    "piperun topic peek orders --partition 0 --from 100 --limit 5\npiperun topic peek orders --all > copy.ndjson", kPeekOptions,
    peek};
const Command kTopicPut = {
    "topic put", "Appends records to a topic, also while a pipeline runs.",
    "piperun topic put orders < more.ndjson\npiperun topic put orders orders.pipe --key order_id < more.ndjson", kPutOptions,
    put};

}  // namespace piperun::cli
