// `piperun offsets reset`: a unit goes on reading elsewhere.
#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "lang/ir/declared.h"
#include "lang/plan/manifest.h"
#include "lang/value/time.h"
#include "runtime/piperun/at_work.h"
#include "runtime/piperun/bounds.h"
#include "runtime/piperun/ended_run.h"
#include "runtime/piperun/lost_positions.h"
#include "runtime/piperun/numbers.h"
#include "runtime/piperun/outbox_relays.h"
#include "runtime/piperun/read_again.h"
#include "runtime/piperun/stores.h"

namespace piperun::cli {
namespace {

constexpr Option kOptions[] = {
    kOfFile,
    {"--to", Takes::Phrase, true,
     "offset= datetime= shift=", "earliest | latest | offset N | datetime T | shift N (N may be negative)"},
    {"--unit", Takes::One, false, "", "of this unit (default: the only one)"},
    {"--topic", Takes::One, false, "", "this topic alone, or that of a source of FILE"},
    {"--partition", Takes::One, false, "", "this partition alone"},
    {"--state", Takes::One, false, "keep clear", "what becomes of the keys of `dedup`; must be said if there are any"},
    {"--dry-run", Takes::Nothing, false, "", "say what would be done"},
    kAs,
    kStandIns,
    kStateDir,
    kParam,
};

// Where a partition shall go on.
struct Target {
  enum class Kind : std::uint8_t { Start, Offset, Shift } kind = Kind::Start;
  std::string start;       // Start: earliest, latest or a time
  std::int64_t number = 0;
};

std::optional<Target> parse_target(const std::string& text) {
  if (text == "earliest" || text == "latest") return Target{Target::Kind::Start, text, 0};
  const std::size_t blank = text.find(' ');
  if (blank == std::string::npos) return std::nullopt;
  const std::string word = text.substr(0, blank), rest = text.substr(blank + 1);
  if (word == "datetime")
    return value::parse_timestamp(rest) ? std::optional(Target{Target::Kind::Start, rest, 0}) : std::nullopt;
  std::int64_t number = 0;
  const char* begin = rest.data() + (rest.starts_with('+') ? 1 : 0);
  const auto [end, error] = std::from_chars(begin, rest.data() + rest.size(), number);
  if (error != std::errc() || end != rest.data() + rest.size()) return std::nullopt;
  if (word == "offset" && number >= 0) return Target{Target::Kind::Offset, {}, number};
  if (word == "shift") return Target{Target::Kind::Shift, {}, number};
  return std::nullopt;
}

base::Result<std::int64_t> resolve(const Target& target, const UnitBounds::Found& found, std::int64_t now_at) {
  const connectors::Partition& partition = found.partition;
  switch (target.kind) {
    case Target::Kind::Start: return found.resolve(target.start);
    case Target::Kind::Shift: return std::clamp(now_at + target.number, partition.begin, partition.end);
    case Target::Kind::Offset: break;
  }
  if (target.number >= partition.begin && target.number <= partition.end) return target.number;
  return base::failure(base::ErrorCode::PositionGone,
                       fmt::format("offset {} is not in {}/{}, which has {} .. {}", target.number, partition.topic,
                                   partition.number, partition.begin, partition.end));
}

base::Result<std::vector<std::string>> stateful_stages(commit::Domain& domain, const std::string& unit) {
  std::vector<std::string> names;
  const auto manifests = domain.manifests();
  if (!manifests) return std::unexpected(manifests.error());
  for (const commit::Manifest& stored : *manifests) {
    const auto manifest = plan::parse_manifest(stored.text);
    if (stored.unit != unit || !manifest) continue;
    for (const plan::Manifest::State& state : manifest->operators) names.push_back(state.name);
  }
  return names;
}

// Beside the stored positions one with the offset -1 for each partition that the unit reads in a cluster and has none of: what expired,
// or went with its topic, is made again.
base::Result<UnitLedger> with_lost(const StoreSet& set, const StoredUnit& unit, UnitBounds& bounds) {
  UnitLedger result = unit.ledger;
  const auto topics = topics_in_group(set, unit);
  if (!topics) return std::unexpected(topics.error());
  if (topics->empty()) return result;
  const auto partitions = bounds.partitions();
  if (!partitions) return std::unexpected(partitions.error());
  for (const UnitBounds::Found& found : *partitions) {
    const commit::PartitionName name{found.partition.topic, found.partition.number};
    const bool is_stored = std::ranges::count(unit.ledger.positions, name, &commit::Position::partition) > 0;
    if (is_stored || !topics->contains(name.topic)) continue;
    commit::Position& lost = result.positions.emplace_back();
    lost.partition = name;
    lost.next_offset = -1;
  }
  std::ranges::sort(result.positions, {}, &commit::Position::partition);
  return result;
}

using Targets = std::map<commit::PartitionName, std::int64_t>;

// The topic that --topic means: it may be called by its own name, or else by that of its source.
std::string topic_meant(const Arguments& arguments, const StoreSet& set, const UnitLedger& ledger) {
  const std::string name = arguments.text("--topic");
  const auto is_read = [&](const std::string& topic) {
    return std::ranges::any_of(ledger.positions, [&](const commit::Position& each) { return each.partition.topic == topic; });
  };
  if (name.empty() || is_read(name) || !set.compiled) return name;
  const auto& sources = set.compiled->program->sources;
  const auto source = std::ranges::find(sources, name, &ir::Source::name);
  return source != sources.end() && is_read(ir::object_of(*source)) ? ir::object_of(*source) : name;
}

bool is_asked_for(const Arguments& arguments, const std::string& topic, const commit::PartitionName& name) {
  return !name.topic.starts_with('#') && (topic.empty() || name.topic == topic) &&
         (!arguments.has("--partition") || std::to_string(name.number) == arguments.text("--partition"));
}

Exit tell_nothing_moves(const Arguments& arguments, const Target& target, const StoreSet& set, const UnitLedger& ledger,
                        World& world) {
  const std::string meant = topic_meant(arguments, set, ledger);
  const bool is_meant = std::ranges::any_of(
      ledger.positions, [&](const commit::Position& each) { return is_asked_for(arguments, meant, each.partition); });
  if (is_meant && target.kind == Target::Kind::Shift) {
    return misuse(world, fmt::format("{} has no position to shift from: it expired, or the topic was made anew", ledger.unit),
                  "say --to earliest, latest, offset N or datetime T");
  }
  std::map<std::string, std::vector<std::int32_t>> partitions;
  for (const commit::Position& position : ledger.positions) {
    if (!position.partition.topic.starts_with('#')) partitions[position.partition.topic].push_back(position.partition.number);
  }
  std::vector<std::string> topics;
  for (const auto& [topic, numbers] : partitions) topics.push_back(fmt::format("{} ({})", topic, fmt::join(numbers, ", ")));
  return misuse(world, fmt::format("{} has no position of that topic or partition", ledger.unit),
                fmt::format("it reads these topics (partitions): {}", fmt::join(topics, "; ")));
}

// Prints what becomes of each partition.
base::Result<Targets> find_targets(const Arguments& arguments, const Target& target, const StoreSet& set,
                                   const UnitLedger& ledger, UnitBounds& bounds, World& world) {
  Targets targets;
  const std::string topic = topic_meant(arguments, set, ledger);
  for (const commit::Position& position : ledger.positions) {
    const commit::PartitionName& name = position.partition;
    if (!is_asked_for(arguments, topic, name)) continue;
    const bool is_lost = position.next_offset < 0;
    if (is_lost && target.kind == Target::Kind::Shift) {
      fmt::print(world.err, "{} has no position of {}/{} to shift from\n", ledger.unit, name.topic, name.number);
      continue;
    }
    const auto found = bounds.find(name);
    if (!found) return std::unexpected(found.error());
    const auto resolved = resolve(target, *found, position.next_offset);
    if (!resolved) return std::unexpected(resolved.error());
    targets[name] = *resolved;
    fmt::print(world.out, "{} {}/{}: {} -> {}\n", ledger.unit, name.topic, name.number,
               is_lost ? "none" : std::to_string(position.next_offset), *resolved);
  }
  return targets;
}

// Behind a lost position all may be read again, but for what comes from now on.
void warn_if_back(const StoreSet& set, const UnitLedger& ledger, const Target& to, const Targets& targets, bool keeps_keys,
                  World& world) {
  const bool goes_back = std::ranges::any_of(ledger.positions, [&](const commit::Position& each) {
    const auto target = targets.find(each.partition);
    if (target == targets.end()) return false;
    return each.next_offset < 0 ? to.start != "latest" : target->second < each.next_offset;
  });
  if (goes_back) warn_of_repeats(set, ledger.unit, keeps_keys, world);
}

// A letter is known by the offset of its record, so a record that fails there takes its place.
base::Result<void> warn_of_letters(commit::Domain& domain, const std::string& unit, const Targets& targets, World& world) {
  const auto letters = domain.letters(false);
  if (!letters) return std::unexpected(letters.error());
  const auto replaceable = std::ranges::count_if(*letters, [&](const commit::Letter& letter) {
    const auto target = targets.find(letter.origin);
    return target != targets.end() && letter.offset >= target->second;
  });
  if (replaceable == 0) return {};
  fmt::print(
      world.err,
      "warning: {}: {} of records that are read again: who fails again takes the place of its letter. Where the topic was made "
      "anew that is another record's: keep what `piperun dlq show` prints\n",
      unit, counted(replaceable, "dead letter"));
  return {};
}

// Takes the partitions over and moves them, in one commit with the keys where there is a transaction. Without one the keys go first: a
// crash behind it leaves the old position, which is the lesser evil than records that old keys call repeats.
base::Result<void> move(const Store& store, commit::Domain& domain, const Targets& targets,
                        const std::vector<std::string>& cleared) {
  std::vector<commit::PartitionName> names;
  for (const auto& [name, target] : targets) names.push_back(name);
  auto claimed = domain.claim(names);
  if (!claimed) return std::unexpected(claimed.error());
  for (commit::Position& position : *claimed) {
    const std::int64_t target = targets.at(position.partition);
    if (target < position.next_offset)
      position.newest_time = commit::kNoTime;  // older records come again, and their keys are needed
    position.next_offset = target;
    position.mark.clear();
  }
  const bool is_transactional = store.data->is_transactional();
  if (is_transactional) {
    if (auto begun = domain.begin(); !begun) return begun;
  }
  for (const std::string& stage : cleared) {
    if (auto done = domain.expire_keys(stage, INT64_MAX); !done) return done;
  }
  if (auto done = domain.seed_positions(*claimed); !done) return done;
  return is_transactional ? domain.commit() : base::Result<void>();
}

Exit reset_unit(const Arguments& arguments, const Target& target, const StoreSet& set, const StoredUnit& unit, World& world) {
  const auto domain = unit.store->data->domain(unit.ledger.pipeline, unit.ledger.unit);
  if (!domain) return tell(domain.error(), set, world);
  const auto stages = stateful_stages(**domain, unit.ledger.unit);
  if (!stages) return tell(stages.error(), set, world);
  if (!stages->empty() && !arguments.has("--state")) {
    return misuse(
        world, fmt::format("{} has stored keys ({}): say `--state keep` (records read again count as repeats) or `--state clear`",
                           unit.ledger.unit, fmt::join(*stages, ", ")));
  }
  if (!arguments.has("--dry-run")) {
    if (const auto idle = wait_until_idle(set, unit, **domain, world); !idle) return tell(idle.error(), set, world);
  }
  auto bounds = UnitBounds::open(set, unit.ledger, world);
  if (!bounds) return tell(bounds.error(), set, world);
  const auto ledger = with_lost(set, unit, *bounds);
  if (!ledger) return tell(ledger.error(), set, world);
  const auto targets = find_targets(arguments, target, set, *ledger, *bounds, world);
  if (!targets) return tell(targets.error(), set, world);
  if (targets->empty()) return tell_nothing_moves(arguments, target, set, *ledger, world);
  const bool clears = arguments.text("--state") == "clear";
  if (clears) fmt::print(world.out, "keys of {} are forgotten\n", fmt::join(*stages, ", "));
  warn_if_back(set, *ledger, target, *targets, !clears, world);
  if (const auto warned = warn_of_letters(**domain, unit.ledger.unit, *targets, world); !warned)
    return tell(warned.error(), set, world);
  if (arguments.has("--dry-run")) return Exit::Done;
  if (const auto kept = keep_rows(set, unit.ledger, *targets, world); !kept) return tell(kept.error(), set, world);
  if (const auto begun = unmark_ended(**domain, unit.ledger.unit); !begun) return tell(begun.error(), set, world);
  const auto moved = move(*unit.store, **domain, *targets, clears ? *stages : std::vector<std::string>{});
  return moved ? Exit::Done : tell(moved.error(), set, world);
}

Exit reset(const Arguments& arguments, World& world) {
  const auto target = parse_target(arguments.text("--to"));
  if (!target)
    return misuse(world,
                  "--to is earliest, latest, offset N, shift N or datetime T, for example `datetime 2026-01-31T12:00:00Z`");
  const auto set = open_stores(arguments, world);
  if (!set) return set.error();
  const auto unit = find_unit(*set, arguments.text("--unit"), world);
  return unit ? reset_unit(arguments, *target, *set, *unit, world) : unit.error();
}

}  // namespace

extern const Command kOffsetsReset;
const Command kOffsetsReset = {
    "offsets reset",
    "Moves positions of a unit. Refused while it is at work; on an embedded database that process ends with exit code 75.",
    "piperun offsets reset orders.pipe --to earliest --state clear\n"
    "piperun offsets reset orders.pipe --to shift -100 --topic orders --partition 0 --state keep --dry-run\n"
    "piperun offsets reset --to datetime 2026-01-31T12:00:00Z --state keep",
    kOptions, reset};

}  // namespace piperun::cli
