// `piperun dlq list|show|replay|drop`: records that could not be processed.
#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <map>

#include "runtime/engine/letters.h"
#include "runtime/piperun/letter_filter.h"
#include "runtime/piperun/numbers.h"
#include "runtime/piperun/reason_kind.h"
#include "runtime/piperun/replayable.h"
#include "runtime/piperun/rows.h"
#include "runtime/piperun/stores.h"

namespace piperun::cli {
namespace {

constexpr Option kWhere = {"--where", Takes::One, false, "",
                           "a condition over code, reason, topic, partition, offset, unit, flow, key, value, at, sqlstate, "
                           "attempts, replays, timestamp, "
                           "first_failure, last_failure, kept (original, hash, omitted, too-large)"};
constexpr Option kShowOptions[] = {kOfFile, kWhere, kAs, kStandIns, kStateDir, kParam};
constexpr Option kListOptions[] = {kOfFile, kWhere, kAs, kStandIns, kStateDir, kParam, kJson};
constexpr Option kReplayOptions[] = {kOfFile,
                                     kWhere,
                                     {"--force", Takes::Nothing, false, "",
                                      "also what failed in three replays, and what an earlier version stored without a value"},
                                     kAs,
                                     kStandIns,
                                     kStateDir,
                                     kParam};
constexpr Option kDropOptions[] = {
    kOfFile, kWhere, {"--all", Takes::Nothing, false, "", "every letter; instead of --where"}, kAs, kStandIns, kStateDir, kParam};
using Letters = std::vector<commit::Letter>;
// A unit with those of its letters that --where accepts.
struct Selected {
  const StoreSet& set;
  const StoredUnit& unit;
  commit::Domain& domain;
  Letters letters;
};
using Visit = std::function<base::Result<void>(const Selected&)>;

// What does not exist has no letters.
void tell_no_run(const StoreSet& set, const Arguments& arguments, World& world) {
  if (arguments.has("--as")) fmt::print(world.err, "nothing has run as `{}` (--as {})\n", set.pipeline, arguments.text("--as"));
}

// Calls `visit` for each unit.
Exit each_unit(const Arguments& arguments, World& world, const Visit& visit) {
  const auto set = open_stores(arguments, world);
  if (!set) return set.error();
  auto filter = LetterFilter::make(arguments.text("--where"), world);
  if (!filter) return filter.error();
  const auto units = stored_units(*set);
  if (!units) return tell(units.error(), *set, world);
  if (units->empty()) tell_no_run(*set, arguments, world);
  for (const StoredUnit& unit : *units) {
    const auto domain = unit.store->data->domain(unit.ledger.pipeline, unit.ledger.unit);
    if (!domain) return tell(domain.error(), *set, world);
    auto letters = (*domain)->letters(false);
    if (!letters) return tell(letters.error(), *set, world);
    std::erase_if(*letters, [&](const commit::Letter& letter) { return !filter->accepts(letter); });
    if (const auto done = visit({*set, unit, **domain, std::move(*letters)}); !done) return tell(done.error(), *set, world);
  }
  return Exit::Done;
}

Exit each_letter(const Arguments& arguments, World& world, const std::function<void(const commit::Letter&)>& visit) {
  return each_unit(arguments, world, [&](const Selected& selected) -> base::Result<void> {
    std::ranges::for_each(selected.letters, visit);
    return {};
  });
}

// Those of a unit in one transaction, where its domain has one without a worker.
base::Result<void> change_all(const Selected& selected, const Letters& letters,
                              base::Result<void> (commit::Domain::*change)(std::span<const commit::Letter>)) {
  commit::Domain& domain = selected.domain;
  if (letters.empty()) return {};
  if (!selected.unit.store->data->is_transactional()) return (domain.*change)(letters);
  if (auto begun = domain.begin(); !begun) return begun;
  if (auto done = (domain.*change)(letters); !done) {
    domain.abort();
    return done;
  }
  return domain.commit();
}

void tell_none(const Arguments& arguments, World& world) {
  fmt::print(world.err, "{}\n",
             arguments.has("--where")
                 ? "no dead letter fits `--where`"
                 : "no dead letters; with `dead_letter = keep`, a record that cannot be processed becomes one");
}

// Letters of one unit, code and place.
struct Group {
  std::int64_t letters = 0;
  commit::Letter first;
  std::map<std::string, ReasonKind> reasons;  // by kind
};

// The most frequent first, then by their kind.
std::vector<const ReasonKind*> ranked(const Group& group) {
  std::vector<const ReasonKind*> result;
  for (const auto& [kind, reasons] : group.reasons) result.push_back(&reasons);
  std::ranges::stable_sort(result, std::ranges::greater(), &ReasonKind::letters);
  return result;
}

void print_group(const Group& group, World& world) {
  constexpr std::size_t kMostReasons = 5;
  const commit::Letter& letter = group.first;
  const auto reasons = ranked(group);
  const bool is_one = reasons.size() == 1;
  fmt::print(world.out, "{:>6}  {}  {}  {}{}{}   first: {}/{}@{}\n", group.letters, letter.unit, letter.code,
             is_one ? reasons[0]->words() : counted(std::ssize(reasons), "reason"), letter.site.empty() ? "" : "  at ",
             letter.site, letter.origin.topic, letter.origin.number, letter.offset);
  if (is_one) return;
  const std::size_t shown = std::min(reasons.size(), kMostReasons);
  for (std::size_t i = 0; i < shown; ++i) fmt::print(world.out, "{:>12}  {}\n", reasons[i]->letters(), reasons[i]->words());
  if (shown < reasons.size()) fmt::print(world.out, "{:>12}  … and {} more; `dlq show` has all\n", "", reasons.size() - shown);
}

void print_json(const Group& group, World& world) {
  std::vector<std::string> reasons;
  for (const ReasonKind* each : ranked(group))
    reasons.push_back(fmt::format("{{\"letters\":{},\"reason\":{},\"example\":{}}}", each->letters(), bytes_json(each->words()),
                                  bytes_json(each->example())));
  fmt::print(world.out, "{{\"letters\":{},\"reasons\":[{}],\"first\":{}}}\n", group.letters, fmt::join(reasons, ","),
             engine::letter_json(group.first));
}

Exit list(const Arguments& arguments, World& world) {
  std::map<std::tuple<std::string, std::string, std::string>, Group> groups;  // unit, code, place
  const Exit done = each_letter(arguments, world, [&](const commit::Letter& letter) {
    Group& group = groups[{letter.unit, letter.code, letter.site}];
    if (group.letters++ == 0) group.first = letter;
    group.reasons[kind_of(letter.code, letter.message)].add(letter.message);
  });
  if (done != Exit::Done) return done;
  for (const auto& [key, group] : groups) arguments.has("--json") ? print_json(group, world) : print_group(group, world);
  if (groups.empty()) tell_none(arguments, world);
  return Exit::Done;
}

Exit show(const Arguments& arguments, World& world) {
  bool is_empty = true;
  const Exit done = each_letter(arguments, world, [&](const commit::Letter& letter) {
    fmt::print(world.out, "{}\n", engine::letter_json(letter));
    is_empty = false;
  });
  if (done == Exit::Done && is_empty) tell_none(arguments, world);
  return done;
}

struct Refused {
  std::int64_t letters = 0;
  commit::Letter first;
};

base::Result<std::string> manifest_of(const Selected& selected) {
  const auto manifests = selected.domain.manifests();
  if (!manifests) return std::unexpected(manifests.error());
  const auto own = std::ranges::find(*manifests, selected.unit.ledger.unit, &commit::Manifest::unit);
  return own == manifests->end() ? "" : own->text;
}

bool has_keys(const Selected& selected) {
  if (!selected.set.compiled) return true;  // it may
  const auto& units = selected.set.compiled->program->units;
  const auto unit = std::ranges::find(units, selected.unit.ledger.unit, &ir::Unit::name);
  return unit != units.end() && !unit->operators.empty();
}

Exit replay(const Arguments& arguments, World& world) {
  std::int64_t asked = 0;
  std::map<Replay, Refused> refused;
  bool are_bound = false;
  const Exit done = each_unit(arguments, world, [&](const Selected& selected) -> base::Result<void> {
    if (selected.letters.empty()) return {};
    are_bound |= selected.domain.keeps_keys_by_partition() && has_keys(selected);
    const auto manifest = manifest_of(selected);
    if (!manifest) return std::unexpected(manifest.error());
    Letters allowed;
    for (const commit::Letter& letter : selected.letters) {
      const Replay how = replay_of(letter, selected.set.compiled ? &*selected.set.compiled->program : nullptr, *manifest);
      if (how == Replay::Possible || (can_be_forced(how) && arguments.has("--force"))) allowed.push_back(letter);
      else if (refused[how].letters++ == 0) refused[how].first = letter;
    }
    asked += std::ssize(allowed);
    return change_all(selected, allowed, &commit::Domain::ask_replays);
  });
  if (done != Exit::Done) return done;
  if (asked == 0 && refused.empty()) {
    tell_none(arguments, world);
    return Exit::Done;
  }
  fmt::print(world.out, "{} will be read again by the running pipeline, or at its next start\n", counted(asked, "letter"));
  if (are_bound && asked > 0)
    fmt::print(
        world.err,
        "  the keys of its `dedup` lie with who has the partition: of several workers only the first replays, and its own\n");
  for (const auto& [how, which] : refused) fmt::print(world.err, "{}\n", why_not(how, which.letters, which.first));
  return refused.empty() ? Exit::Done : Exit::WorldFailed;
}

Exit drop(const Arguments& arguments, World& world) {
  if (arguments.has("--where") == arguments.has("--all")) {
    return misuse(world,
                  arguments.has("--all") ? "--where EXPR and --all exclude each other: say one of them"
                                         : "say which letters: --where EXPR, or --all",
                  "`piperun dlq show --where EXPR` shows which they would be");
  }
  std::int64_t dropped = 0;
  const Exit done = each_unit(arguments, world, [&](const Selected& selected) {
    dropped += std::ssize(selected.letters);
    return change_all(selected, selected.letters, &commit::Domain::remove_letters);
  });
  if (done == Exit::Done) fmt::print(world.out, "{} dropped\n", counted(dropped, "letter"));
  return done;
}

}  // namespace

extern const Command kDlqList, kDlqShow, kDlqReplay, kDlqDrop;
const Command kDlqList = {"dlq list", "Dead letters, counted by unit, code, place and reason.",
                          "piperun dlq list\npiperun dlq list orders.pipe --json", kListOptions, list};
const Command kDlqShow = {"dlq show", "Dead letters in full, as JSON lines.",
                          "piperun dlq show --where 'code == \"P1001\" and partition == 0'\npiperun dlq show orders.pipe --where "
                          "'contains(reason, \"customer\")'",
                          kShowOptions, show};
const Command kDlqReplay = {"dlq replay", "Has dead letters processed again.",
                            "piperun dlq replay orders.pipe --where 'code == \"P1105\"'", kReplayOptions, replay};
const Command kDlqDrop = {"dlq drop", "Forgets dead letters.",
                          "piperun dlq drop --where 'offset < 1_000'\npiperun dlq drop --all", kDropOptions, drop};

}  // namespace piperun::cli
