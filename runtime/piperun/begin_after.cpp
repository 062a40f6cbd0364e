#include "runtime/piperun/begin_after.h"

#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "lang/ir/declared.h"
#include "lang/ir/outbox.h"
#include "runtime/piperun/at_work.h"
#include "runtime/piperun/ended_run.h"
#include "runtime/piperun/stores.h"

namespace piperun::cli {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::size_t kMostNamed = 8;  // partitions in one note

struct Refusal {
  std::string words, help;
};

bool is_link(const ir::Program& program, ir::SourceId id) { return ir::link_read(program, id) != nullptr; }

// What no run can leave to another one.
std::optional<Refusal> refuse_source(const ir::Program& program, const ir::Source& source) {
  const ir::System& system = program.systems[source.system];
  const bool has_offsets = system.kind == ir::SystemKind::Kafka || system.kind == ir::SystemKind::Embedded;
  if (ir::is_outbox(source))
    return Refusal{
        fmt::format("source {} is an outbox, whose rows have no time and go when they are sent: no run over it has an end",
                    source.name),
        "without --after it reads what is there"};
  if (!has_offsets)
    return Refusal{fmt::format("source {} is no topic: where a run over it ended is no place to begin", source.name),
                   "of files and streams, what is to be read is chosen by their paths; without --after all of it is read"};
  if (source.options.contains("group"))
    return Refusal{fmt::format("source {} takes over the positions of the group `{}`, and --after says where it begins, too",
                               source.name, source.options.at("group")),
                   "take `group` out of the file, or leave --after out"};
  return std::nullopt;
}

std::optional<Refusal> refuse_unit(const ir::Program& program, const ir::Unit& unit, const std::string& run) {
  if (!unit.operators.empty())
    return Refusal{
        fmt::format("{} remembers keys ({}), and those of {} are its own: a repeat of what that run has read would not be seen",
                    unit.name, unit.operators.front().name, run),
        "take `dedup` out of the file for both runs, where the `key` of a sink makes a repeat harmless; or let one pipeline read "
        "all of it, without --after"};
  for (const ir::SourceId id : unit.sources) {
    if (is_link(program, id)) continue;
    if (auto refused = refuse_source(program, program.sources[id])) return refused;
  }
  return std::nullopt;
}

class Follower {
 public:
  Follower(const After& after, const Compiled& live, connectors::Connectors& connectors, std::stop_token stop, World& world)
      : after_(after), live_(live), program_(*live.program), connectors_(connectors), stop_(std::move(stop)), world_(world) {}

  Result<Beginnings> find(const CompileOptions& options) {
    auto begun = stored_run(program_, connectors_);
    if (!begun) return std::unexpected(begun.error());
    const std::vector<const ir::Unit*> units = without_positions(*begun);
    if (units.empty()) return Beginnings{};
    for (const ir::Unit* unit : units) {
      const auto refused = refuse_unit(program_, *unit, after_.run);
      if (refused)
        return Beginnings{{}, misuse(world_, fmt::format("--after {}: {}", after_.run, refused->words), refused->help)};
    }
    if (auto opened = open_past(options); !opened) return std::unexpected(opened.error());
    if (auto ended = check_ended(); !ended) return std::unexpected(ended.error());
    Beginnings result;
    for (const ir::Unit* unit : units) {
      auto beginning = beginning_of(*unit);
      if (!beginning) return std::unexpected(beginning.error());
      if (beginning->positions.empty()) continue;  // it reads what other units write
      tell(*unit, *beginning);
      result.units[unit->name] = std::move(*beginning);
    }
    return result;
  }

 private:
  const ir::Program& past() const { return *past_.compiled->program; }

  // The others go on, or take over from units that are gone.
  std::vector<const ir::Unit*> without_positions(const StoredRun& stored) {
    std::vector<plan::Manifest> before, now;
    for (const auto& [unit, manifest] : stored) before.push_back(manifest);
    for (const std::string& text : live_.manifests) now.push_back(*plan::parse_manifest(text));
    const std::vector<plan::Decision> decisions = plan::compare(before, now);
    std::vector<const ir::Unit*> result;
    std::vector<std::string> others;
    for (std::size_t i = 0; i < program_.units.size(); ++i) {
      if (decisions[i].outcome == plan::Outcome::New) result.push_back(&program_.units[i]);
      else others.push_back(program_.units[i].name);
    }
    if (!others.empty())
      fmt::print(world_.err, "note: --after {} is for the first start: {} of {} {} on from {} own positions\n", after_.run,
                 fmt::join(others, ", "), program_.id, others.size() == 1 ? "goes" : "go", others.size() == 1 ? "its" : "their");
    return result;
  }

  Result<void> open_past(CompileOptions options) {
    options.range = Range{after_.run, "", ""};
    auto compiled = compile_file(after_.path, options);
    if (!compiled) return std::unexpected(compiled.error());
    past_ = stores_of(std::move(*compiled), after_.state_dir, folder_of(after_.path), world_.clock);
    auto stored = stored_run(past(), connectors_);
    if (!stored) return std::unexpected(stored.error());
    stored_ = std::move(*stored);
    if (!stored_.empty()) return {};
    return base::failure(ErrorCode::CannotOpen,
                         fmt::format("--after {}: nothing has run as {}\n  = help: `{} --from T --until T` makes such a run",
                                     after_.run, past().id, command()));
  }

  std::string command() const {
    return fmt::format("piperun {}{} --as {}", after_.path, past().local ? " --local" : "", after_.run);
  }
  std::string command(const plan::Manifest& manifest) const {
    return fmt::format("{}{} --until {}", command(), manifest.from.empty() ? "" : " --from " + manifest.from, manifest.until);
  }

  // A chain of units has ended when all have: what the first of them reads is done when the last one has written it.
  Result<void> check_ended() {
    for (const ir::Unit& unit : past().units) {
      const plan::Manifest* manifest = cli::find(stored_, unit.name);
      if (manifest == nullptr) return nothing_of(unit);
      const auto domain = open_domain(unit);
      if (!domain) return std::unexpected(domain.error());
      if (auto ended = check_ended(unit, *manifest, **domain); !ended) return ended;
    }
    return {};
  }

  std::unexpected<base::Error> nothing_of(const ir::Unit& unit) const {
    return base::failure(
        ErrorCode::ManifestConflict,
        fmt::format("--after {0}: {1} has nothing stored of the unit {2}\n  = help: run {0} with this file, or leave "
                    "--after out",
                    after_.run, past().id, unit.name));
  }

  // Of that run.
  Result<std::unique_ptr<commit::Domain>> open_domain(const ir::Unit& unit) {
    const bool is_state_store = program_.systems[unit.domain].kind == ir::SystemKind::StateStore;
    auto domain = connectors_.open_stored(past(), is_state_store ? ir::kNone : unit.domain, unit.name);
    if (domain && !*domain) return nothing_of(unit);
    return domain;
  }

  Result<void> check_ended(const ir::Unit& unit, const plan::Manifest& manifest, commit::Domain& domain) {
    if (manifest.until.empty())
      return base::failure(
          ErrorCode::ManifestConflict,
          fmt::format("--after {}: {} has no end, for it was made without --until\n  = help: `{} --until T --upgrade "
                      "keep` goes on with it up to a time",
                      after_.run, past().id, command()));
    if (manifest.ended) {
      const auto left = wait_until_idle(past_, {past_.of(unit.domain), {past().id, unit.name, {}, {}}}, domain, world_, stop_);
      return left ? domain.check_idle() : left;  // the former does not ask of files
    }
    if (const auto idle = domain.check_idle(); !idle) return failure_while_at_work(idle.error(), manifest);
    return base::failure(ErrorCode::ManifestConflict,
                         fmt::format("--after {}: {} has not come to its end, --until {}, in {}\n  = help: `{}` goes on with it",
                                     after_.run, past().id, manifest.until, unit.name, command(manifest)));
  }

  Result<void> failure_while_at_work(base::Error error, const plan::Manifest& manifest) const {
    if (error.code == ErrorCode::LostOwnership)
      error.message = fmt::format(
          "--after {}: {} is at work, and has not come to its end, --until {}: start again when it has ended\n"
          "  = help: {}",
          after_.run, past().id, manifest.until, error.message);
    return std::unexpected(std::move(error));
  }

  // Where the unit of that name ended, in each topic that this one reads.
  Result<engine::Beginning> beginning_of(const ir::Unit& unit) {
    const auto domain = open_domain(unit);
    if (!domain) return std::unexpected(domain.error());
    const auto stored = (*domain)->read_positions(ir::StepMode::Plain);
    if (!stored) return std::unexpected(stored.error());
    engine::Beginning result{after_.run, {}};
    for (const ir::SourceId id : unit.sources) {
      if (is_link(program_, id)) continue;
      const ir::Source& source = program_.sources[id];
      if (auto checked = check_topic(unit, source); !checked) return std::unexpected(checked.error());
      const std::size_t before = result.positions.size();
      for (const commit::Position& position : *stored) {
        if (position.partition.topic == ir::object_of(source) && position.next_offset >= 0) result.positions.push_back(position);
      }
      if (result.positions.size() == before)
        return base::failure(
            ErrorCode::PositionGone,
            fmt::format("--after {0}: the positions of {1} in `{2}` are gone: the topic was made anew, or they expired\n"
                        "  = help: `piperun offsets delete {3} --as {0}` forgets that run, and another one has an end",
                        after_.run, past().id, ir::object_of(source), after_.path));
    }
    return result;
  }

  Result<void> check_topic(const ir::Unit& unit, const ir::Source& source) const {
    const auto& topics = stored_.at(unit.name).sources;
    const auto name = [](const plan::Manifest::Topic& topic) { return topic.topic.empty() ? topic.source : topic.topic; };
    if (std::ranges::count(topics, ir::object_of(source), name) > 0) return {};
    std::vector<std::string> read;
    for (const plan::Manifest::Topic& topic : topics) read.push_back("`" + name(topic) + "`");
    return base::failure(
        ErrorCode::ManifestConflict,
        fmt::format("--after {0}: source {1} is the topic `{2}`, and {3} has read {4}: where it ended there says nothing "
                    "of `{2}`\n  = help: a run of this file under another name has an end there; or leave --after out",
                    after_.run, source.name, ir::object_of(source), past().id, fmt::join(read, ", ")));
  }

  void tell(const ir::Unit& unit, const engine::Beginning& beginning) {
    std::vector<std::string> places;
    for (const commit::Position& position : beginning.positions) {
      if (places.size() == kMostNamed) break;
      places.push_back(fmt::format("{}/{} at {}", position.partition.topic, position.partition.number, position.next_offset));
    }
    const std::size_t others = beginning.positions.size() - places.size();
    fmt::print(world_.err, "note: {} begins where {} ended: {}{}\n", unit.name, after_.run, fmt::join(places, ", "),
               others > 0 ? fmt::format(" and {} more", others) : "");
  }

  const After& after_;
  const Compiled& live_;
  const ir::Program& program_;
  connectors::Connectors& connectors_;
  std::stop_token stop_;
  World& world_;
  StoreSet past_;
  StoredRun stored_;
};

}  // namespace

Result<Beginnings> begin_after(const After& after, const Compiled& live, const CompileOptions& options,
                               connectors::Connectors& connectors, std::stop_token stop, World& world) {
  return Follower(after, live, connectors, std::move(stop), world).find(options);
}

}  // namespace piperun::cli
