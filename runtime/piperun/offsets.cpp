// `piperun offsets show|reset`: where a unit goes on reading.
#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>

#include "lang/plan/manifest.h"
#include "lang/value/time.h"
#include "runtime/connectors/embedded/topic_source.h"
#include "runtime/piperun/ledger.h"
#include "runtime/piperun/rows.h"
#include "runtime/piperun/stores.h"

namespace piperun::cli {
namespace {

constexpr Option kFile = {"WORDS", Takes::Many, false, "", "[FILE]"};
constexpr Option kShowOptions[] = {kFile, kStandIns, kStateDir, kParam, kJson};
constexpr Option kResetOptions[] = {
    kFile,
    {"--to", Takes::Phrase, true,
     "offset= datetime= shift=", "earliest | latest | offset N | datetime T | shift N (N may be negative)"},
    {"--unit", Takes::One, false, "", "of this unit (default: the only one)"},
    {"--topic", Takes::One, false, "", "this topic alone"},
    {"--partition", Takes::One, false, "", "this partition alone"},
    {"--state", Takes::One, false, "keep clear", "what becomes of the keys of `dedup`; must be said if there are any"},
    {"--dry-run", Takes::Nothing, false, "", "say what would be done"},
    kStandIns,
    kStateDir,
    kParam,
};

// Dead letters that were asked for again are read like one more partition.
bool is_replay(const commit::Position& position) { return position.partition.topic.starts_with('#'); }

void print_json(const StoredUnit& unit, const commit::Position& position, World& world) {
  fmt::print(world.out,
             "{{\"pipeline\":{},\"unit\":{},\"topic\":{},\"partition\":{},\"next_offset\":{},\"epoch\":{},\"read\":{}}}\n",
             bytes_json(unit.ledger.pipeline), bytes_json(unit.ledger.unit), bytes_json(position.partition.topic),
             position.partition.number, position.next_offset, position.epoch, position.counts.read);
}

void print_line(const StoredUnit& unit, const commit::Position& position, World& world) {
  if (is_replay(position)) {
    if (position.counts.read > 0)
      fmt::print(world.out, "{:<24} {} dead letters were replayed\n", unit.ledger.unit, with_commas(position.counts.read));
    return;
  }
  fmt::print(world.out, "{:<24} {:<24} partition {:<3} next {:<10} read {:<10} epoch {}\n", unit.ledger.unit,
             position.partition.topic, position.partition.number, position.next_offset, with_commas(position.counts.read),
             position.epoch);
}

Exit show(const Arguments& arguments, World& world) {
  const auto set = open_stores(arguments, world);
  if (!set) return set.error();
  const auto units = stored_units(*set);
  if (!units) return tell(units.error(), world);
  for (const StoredUnit& unit : *units) {
    for (const commit::Position& position : unit.ledger.positions)
      arguments.has("--json") ? print_json(unit, position, world) : print_line(unit, position, world);
  }
  if (units->empty()) fmt::print(world.err, "no positions; the first run of a pipeline stores them\n");
  return Exit::Done;
}

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

// The sources of a unit: those of FILE, or topics of the store that the unit's name begins with.
class Sources {
 public:
  Sources(const StoreSet& set, const StoredUnit& unit, World& world) : set_(set), unit_(unit), world_(world) {}

  // Bounds and target of one partition.
  struct Found {
    connectors::Source* source = nullptr;
    std::uint32_t partition = 0;
    std::int64_t begin = 0, end = 0;
  };
  base::Result<Found> find(const commit::PartitionName& name) {
    if (sources_.empty()) {
      if (auto opened = open(name.topic); !opened) return std::unexpected(opened.error());
    }
    for (int attempt = 0; attempt < 2; ++attempt) {
      for (const auto& source : sources_) {
        const auto partitions = source->partitions();
        if (!partitions) return std::unexpected(partitions.error());
        for (std::uint32_t i = 0; i < partitions->size(); ++i) {
          const connectors::Partition& each = (*partitions)[i];
          if (each.topic == name.topic && each.number == name.number) return Found{source.get(), i, each.begin, each.end};
        }
      }
      if (attempt == 0 && !set_.compiled) {
        if (auto opened = open(name.topic); !opened) return std::unexpected(opened.error());
      }
    }
    return base::failure(base::ErrorCode::NoSuchTopic, fmt::format("{}/{} is not there any more", name.topic, name.number));
  }

 private:
  base::Result<void> open(const std::string& topic) {
    if (!set_.compiled) {
      const std::string& unit = unit_.ledger.unit;
      const std::string path = (std::filesystem::path(set_.state_dir) / (unit.substr(0, unit.find('.')) + ".db")).string();
      auto source = embedded::TopicSource::open(path, topic, world_.clock);
      if (!source) return std::unexpected(base::Error{source.error().code, source.error().message + "; name the FILE", {}, -1});
      sources_.push_back(std::move(*source));
      return {};
    }
    const ir::Program& program = *set_.compiled->program;
    real_ = connectors::make_connectors(set_.state_dir, set_.base_dir, world_.clock, engine::secret_from_environment);
    for (const ir::Unit& unit : program.units) {
      if (unit.name != unit_.ledger.unit) continue;
      for (const ir::SourceId id : unit.sources) {
        auto source = real_->open_source(program, unit, id);
        if (!source) return std::unexpected(source.error());
        sources_.push_back(std::move(*source));
      }
    }
    return {};
  }

  const StoreSet& set_;
  const StoredUnit& unit_;
  World& world_;
  std::unique_ptr<connectors::Connectors> real_;
  std::vector<std::unique_ptr<connectors::Source>> sources_;
};

base::Result<std::int64_t> resolve(const Target& target, const Sources::Found& found, std::int64_t now_at) {
  switch (target.kind) {
    case Target::Kind::Start: return found.source->resolve(target.start, found.partition);
    case Target::Kind::Shift: return std::clamp(now_at + target.number, found.begin, found.end);
    case Target::Kind::Offset: break;
  }
  if (target.number >= found.begin && target.number <= found.end) return target.number;
  return base::failure(base::ErrorCode::PositionGone,
                       fmt::format("offset {} is not in {} .. {}", target.number, found.begin, found.end));
}

std::vector<std::string> stateful_stages(embedded::EmbeddedDomain& domain, const std::string& unit) {
  std::vector<std::string> names;
  const auto manifests = domain.manifests();
  if (!manifests) return names;
  for (const commit::Manifest& stored : *manifests) {
    const auto manifest = plan::parse_manifest(stored.text);
    if (stored.unit != unit || !manifest) continue;
    for (const plan::Manifest::State& state : manifest->operators) names.push_back(state.name);
  }
  return names;
}

// Takes the partitions over (a process that works on them ends with exit code 75), and moves them in one commit.
base::Result<void> move(embedded::EmbeddedDomain& domain, const std::map<commit::PartitionName, std::int64_t>& targets) {
  std::vector<commit::PartitionName> names;
  for (const auto& [name, target] : targets) names.push_back(name);
  const auto claimed = domain.claim(names);
  if (!claimed) return std::unexpected(claimed.error());
  std::vector<commit::Advance> advances;
  for (const commit::Position& position : *claimed) {
    if (const auto target = targets.find(position.partition); target != targets.end()) {
      advances.push_back({position.partition, position.next_offset, target->second, {}, position.in_flight});
    }
  }
  return domain.commit_offsets(advances, ir::StepMode::Sync);
}

Exit reset(const Arguments& arguments, World& world) {
  const auto target = parse_target(arguments.text("--to"));
  if (!target)
    return misuse(world,
                  "--to is earliest, latest, offset N, shift N or datetime T, for example `datetime 2026-01-31T12:00:00Z`");
  const auto set = open_stores(arguments, world);
  if (!set) return set.error();
  const auto unit = find_unit(*set, arguments.text("--unit"));
  if (!unit) return tell(unit.error(), world);
  auto inspector = embedded::Inspector::open(unit->store.path, embedded::Database::Access::Write);
  if (!inspector) return tell(inspector.error(), world);
  const auto domain = std::move(*inspector).domain(unit->ledger.pipeline, unit->ledger.unit);
  const std::vector<std::string> stages = stateful_stages(*domain, unit->ledger.unit);
  if (!stages.empty() && !arguments.has("--state")) {
    return misuse(
        world, fmt::format("{} has stored keys ({}): say `--state keep` (records read again count as repeats) or `--state clear`",
                           unit->ledger.unit, fmt::join(stages, ", ")));
  }
  Sources sources(*set, *unit, world);
  std::map<commit::PartitionName, std::int64_t> targets;
  for (const commit::Position& position : unit->ledger.positions) {
    const commit::PartitionName& name = position.partition;
    if (is_replay(position) || (arguments.has("--topic") && name.topic != arguments.text("--topic")) ||
        (arguments.has("--partition") && std::to_string(name.number) != arguments.text("--partition"))) {
      continue;
    }
    const auto found = sources.find(name);
    if (!found) return tell(found.error(), world);
    const auto resolved = resolve(*target, *found, position.next_offset);
    if (!resolved) return tell(resolved.error(), world);
    targets[name] = *resolved;
    fmt::print(world.out, "{} {}/{}: {} -> {}\n", unit->ledger.unit, name.topic, name.number, position.next_offset, *resolved);
  }
  if (targets.empty()) return misuse(world, "no such topic or partition in this unit");
  if (arguments.text("--state") == "clear") fmt::print(world.out, "keys of {} are forgotten\n", fmt::join(stages, ", "));
  if (arguments.has("--dry-run")) return Exit::Done;
  if (const auto moved = move(*domain, targets); !moved) return tell(moved.error(), world);
  for (const std::string& stage : stages) {
    if (arguments.text("--state") != "clear") break;
    if (const auto cleared = domain->expire_keys(stage, INT64_MAX); !cleared) return tell(cleared.error(), world);
  }
  return Exit::Done;
}

}  // namespace

extern const Command kOffsetsShow, kOffsetsReset;
const Command kOffsetsShow = {"offsets show",
                              "Where each unit goes on reading. In JSON, `#replay` counts dead letters that were replayed.",
                              "piperun offsets show\npiperun offsets show orders.pipe --json", kShowOptions, show};
const Command kOffsetsReset = {"offsets reset", "Moves positions of a unit; a process that works on it ends with exit code 75.",
                               "piperun offsets reset orders.pipe --to earliest --state clear\npiperun offsets reset --to shift "
                               "-100 --topic orders --partition 0 "
                               "--state keep --dry-run\npiperun offsets reset --to datetime 2026-01-31T12:00:00Z --state keep",
                               kResetOptions, reset};

}  // namespace piperun::cli
