// `piperun topic list|peek|put`: topics, also while a pipeline runs.
#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iostream>

#include "lang/ir/declared.h"
#include "lang/value/json_node.h"
#include "runtime/piperun/numbers.h"
#include "runtime/piperun/rows.h"
#include "runtime/piperun/stores.h"

namespace piperun::cli {
namespace {

constexpr Option kPartition = {"--partition", Takes::One, false, "", "this partition alone"};
constexpr Option kListOptions[] = {
    kOfFile,   {"--all", Takes::Nothing, false, "", "also topics of a cluster that FILE does not name"},
    kStandIns, kStateDir,
    kParam,    kJson};
constexpr Option kPeekOptions[] = {
    {"WORDS", Takes::Many, false, "", "a topic, or a source or sink of FILE, which says where it is", "TOPIC [FILE]"},
    kPartition,
    {"--from", Takes::One, false, "", "first offset (default: the last ones of each partition)"},
    {"--limit", Takes::One, false, "", "how many of each partition (default: 10)"},
    {"--all", Takes::Nothing, false, "", "all records, as JSON lines"},
    kStandIns,
    kStateDir,
    kParam};
constexpr Option kPutOptions[] = {
    {"WORDS", Takes::Many, false, "", "where the lines of the input go, each a record", "TOPIC [FILE]"},
    kPartition,
    {"--key", Takes::One, false, "", "JSON field of each record that becomes its key"},
    {"--partitions", Takes::One, false, "",
     "how many, if a topic of FILE is missing and made (default: as FILE says; of a file, 1)"},
    {"--atomic", Takes::Nothing, false, "", "all or nothing (one transaction) instead of as they come"},
    kStandIns,
    kStateDir,
    kParam};

constexpr std::int64_t kMostPartitions = 100'000;

// -1: none was named. nullopt: it is no number of a partition.
std::optional<std::int32_t> partition_number(const Arguments& arguments) {
  const auto number = arguments.number("--partition", -1);
  return number && *number < kMostPartitions ? std::optional(static_cast<std::int32_t>(*number)) : std::nullopt;
}

void print_partition(const connectors::Partition& partition, const Store& store, bool json, World& world) {
  if (json) {
    fmt::print(world.out, "{{\"topic\":{},\"store\":{},\"partition\":{},\"begin\":{},\"end\":{}}}\n", bytes_json(partition.topic),
               bytes_json(store.place), partition.number, partition.begin, partition.end);
  } else {
    fmt::print(world.out, "{:<24} partition {:<3} {} .. {}   {}\n", partition.topic, partition.number, partition.begin,
               partition.end, store.place);
  }
}

// Of a file every topic is shown; of a cluster, which belongs to many, what FILE names and what piperun keeps for it.
class TopicNames {
 public:
  explicit TopicNames(const StoreSet& set) {
    if (!set.compiled) return;
    const ir::Program& program = *set.compiled->program;
    own_prefix_ = program.id + ".";
    for (const ir::Source& source : program.sources) names_.push_back(ir::object_of(source));
    for (const ir::Sink& sink : program.sinks) names_.push_back(ir::object_of(sink));
  }
  bool is_shown(const Store& store, const std::string& topic) const {
    return !store.path.empty() || topic.starts_with(own_prefix_) || std::ranges::count(names_, topic) > 0;
  }

 private:
  std::vector<std::string> names_;
  std::string own_prefix_;
};

// A run makes topics in database files; in a cluster it makes none but its own.
void tell_no_topics(const StoreSet& set, World& world) {
  const bool has_files = std::ranges::any_of(set.stores, [](const Store& store) { return !store.path.empty(); });
  const bool has_servers = std::ranges::any_of(set.stores, [](const Store& store) { return store.path.empty(); });
  if (has_files) {
    fmt::print(
        world.err,
        "no topics; the first run makes those whose source has a `sample` or says `partitions = N`, `piperun topic put TOPIC "
        "FILE` makes any\n");
  }
  if (has_servers) {
    fmt::print(
        world.err,
        "none of the topics that FILE names is there, and no run makes them: `piperun topic put TOPIC FILE --partitions N` "
        "does; --all shows the others\n");
  }
}

Exit list(const Arguments& arguments, World& world) {
  const auto set = open_stores(arguments, world);
  if (!set) return set.error();
  const TopicNames names(*set);
  std::size_t topics = 0;
  const auto done = each_store(*set, [&](const Store& store) -> base::Result<void> {
    const auto found = store.data->topics();
    if (!found) return std::unexpected(found.error());
    for (const ListedTopic& topic : *found) {
      if (!arguments.has("--all") && !names.is_shown(store, topic.name)) continue;
      ++topics;
      for (const auto& partition : topic.partitions) print_partition(partition, store, arguments.has("--json"), world);
    }
    return {};
  });
  if (!done) return tell(done.error(), *set, world);
  if (topics == 0) tell_no_topics(*set, world);
  return Exit::Done;
}

Exit peek(const Arguments& arguments, World& world) {
  const auto limit = arguments.number("--limit", arguments.has("--all") ? INT64_MAX : 10);
  const auto partition = partition_number(arguments);
  const auto from = arguments.number("--from", -1);
  if (!limit || !partition || !from) return misuse(world, "--limit, --partition and --from take a whole number");
  const auto set = open_stores(arguments, world, "TOPIC");
  if (!set) return set.error();
  const auto found = find_topic(*set, set->words[0]);
  if (!found) return tell(found.error(), *set, world);
  const std::int64_t first = *from >= 0 ? *from : arguments.has("--all") ? 0 : -1;
  const auto records = found->store->data->peek(found->name, *partition, first, *limit);
  if (!records) return tell(records.error(), *set, world);
  for (const TopicRecord& record : *records) fmt::print(world.out, "{}\n", record_json(record));
  return Exit::Done;
}

// The text of a field of a JSON record; none if it is null. An error in words: there is no such field.
std::expected<std::optional<std::string>, std::string> field_of(const std::string& line, const std::string& field) {
  value::Arena arena;
  const auto json = value::parse_json(line, arena);
  if (!json || (*json)->kind != value::JsonKind::Object)
    return std::unexpected(fmt::format("it is no JSON object, so it has no field `{}`", field));
  const value::JsonNode* found = value::member(**json, field);
  if (found == nullptr) {
    std::vector<std::string_view> names;
    for (std::uint64_t i = 0; i < (*json)->count; ++i) names.emplace_back((*json)->names[i]);
    return std::unexpected(fmt::format("it has no field `{}`; it has {}", field, fmt::join(names, ", ")));
  }
  if (found->kind == value::JsonKind::Null) return std::nullopt;
  if (found->kind == value::JsonKind::String) return std::string(std::string_view(found->text));
  std::string text;
  value::write_json(*found, text);
  return text;
}

// Reads records from the input and appends them.
class Putter {
 public:
  Putter(const StoreSet& set, FoundTopic found, const Arguments& arguments, std::int32_t partition, World& world)
      : set_(set), found_(std::move(found)), arguments_(arguments), partition_(partition), world_(world) {}

  Exit run(std::int64_t partitions) {
    constexpr std::size_t kAtOnce = 1000;
    const bool atomic = arguments_.has("--atomic");
    for (std::string text; std::getline(world_.in, text);) {
      ++line_;
      if (text.ends_with('\r')) text.pop_back();
      if (text.empty()) continue;
      auto key = key_of(text);
      if (!key) return refuse(key.error());
      records_.push_back({std::move(*key), std::move(text), partition_});
      // What comes slowly is there at once; what comes fast is written together.
      if (atomic || (records_.size() < kAtOnce && world_.in.rdbuf()->in_avail() > 0)) continue;
      if (const auto done = write(partitions); !done) return tell(done.error(), set_, world_);
    }
    if (world_.in.bad()) {
      const std::string words = fmt::format("the input cannot be read; written so far: {}", counted(total_, "record"));
      return tell({base::ErrorCode::CannotOpen, words, {}, -1}, world_);
    }
    // Without a record, too, a topic that is missing is made or told.
    if (const auto done = write(partitions, total_ == 0); !done) return tell(done.error(), set_, world_);
    fmt::print(world_.err, "{} -> {}\n", counted(total_, "record"), found_.name);
    return Exit::Done;
  }

 private:
  std::expected<std::optional<std::string>, std::string> key_of(const std::string& text) const {
    if (!arguments_.has("--key")) return std::nullopt;
    return field_of(text, arguments_.text("--key"));
  }

  Exit refuse(const std::string& why) {
    return misuse(
        world_, fmt::format("line {}: {}", line_, why),
        total_ == 0 ? "nothing was written" : fmt::format("what came before it is written: {}", counted(total_, "record")));
  }

  base::Result<void> write(std::int64_t partitions, bool even_nothing = false) {
    if (records_.empty() && !even_nothing) return {};
    total_ += std::ssize(records_);
    const auto done = found_.store->data->put(found_.name, records_, arguments_.has("--atomic"), partitions);
    records_.clear();
    return done;
  }

  const StoreSet& set_;
  FoundTopic found_;
  const Arguments& arguments_;
  std::int32_t partition_;
  World& world_;
  std::vector<PutRecord> records_;
  std::size_t line_ = 0;
  std::int64_t total_ = 0;
};

// A topic keeps the partitions it was made with.
void tell_other_partitions(const FoundTopic& found, std::int64_t wanted, World& world) {
  const auto topics = found.store->is_there() ? found.store->data->topics() : std::vector<ListedTopic>();
  if (!topics) return;  // writing tells it
  const auto topic = std::ranges::find(*topics, found.name, &ListedTopic::name);
  if (topic == topics->end() || std::ssize(topic->partitions) == wanted) return;
  fmt::print(world.err, "{} is there already, with {}: --partitions is for a topic that is made\n", found.name,
             counted(std::ssize(topic->partitions), "partition"));
}

Exit put(const Arguments& arguments, World& world) {
  const auto partition = partition_number(arguments);
  const auto wanted = arguments.number("--partitions", 1);
  if (!partition || !wanted || *wanted < 1 || *wanted > kMostPartitions)
    return misuse(world, "--partition takes a whole number, --partitions one from 1 on");
  const auto set = open_stores(arguments, world, "TOPIC");
  if (!set) return set.error();
  const auto found = find_topic(*set, set->words[0], true);
  if (!found) return tell(found.error(), *set, world);
  if (arguments.has("--partitions")) tell_other_partitions(*found, *wanted, world);
  const std::int64_t partitions = arguments.has("--partitions") ? *wanted : found->partitions;
  return Putter(*set, *found, arguments, *partition, world).run(partitions);
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
