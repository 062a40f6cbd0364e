// `piperun offsets delete`: a unit is forgotten, and starts as new.
#include <fmt/ostream.h>

#include <algorithm>

#include "runtime/piperun/at_work.h"
#include "runtime/piperun/numbers.h"
#include "runtime/piperun/outbox_relays.h"
#include "runtime/piperun/read_again.h"
#include "runtime/piperun/stores.h"

namespace piperun::cli {
namespace {

constexpr Option kOptions[] = {
    kOfFile,
    {"--unit", Takes::One, false, "", "this unit (default: the only one)"},
    {"--letters", Takes::Nothing, false, "", "also its dead letters; without it a unit that has some is left alone"},
    {"--dry-run", Takes::Nothing, false, "", "say what would be done"},
    kAs,
    kStandIns,
    kStateDir,
    kParam,
};

// What `start` may bring once more.
bool has_read(const UnitLedger& ledger) {
  return std::ranges::any_of(ledger.positions, [](const commit::Position& position) { return position.counts.read > 0; });
}

Exit remove(const Arguments& arguments, World& world) {
  const auto set = open_stores(arguments, world);
  if (!set) return set.error();
  const auto unit = find_unit(*set, arguments.text("--unit"), world);
  if (!unit) return unit.error();
  const UnitLedger& ledger = unit->ledger;
  const auto domain = unit->store->data->domain(ledger.pipeline, ledger.unit);
  if (!domain) return tell(domain.error(), *set, world);
  const auto letters = (*domain)->letters(false);
  if (!letters) return tell(letters.error(), *set, world);
  if (!letters->empty() && !arguments.has("--letters")) {
    return misuse(world, fmt::format("{} has {}, gone with it", ledger.unit, counted(std::ssize(*letters), "dead letter")),
                  "`piperun dlq replay` or `dlq drop` them first, or say --letters");
  }
  const bool only_tells = arguments.has("--dry-run");
  if (!only_tells) {
    auto idle = wait_until_idle(*set, *unit, **domain, world);
    if (idle) idle = (*domain)->check_idle();  // of a file, too: what is forgotten cannot be taken over
    if (!idle) return tell(idle.error(), *set, world);
  }
  const auto partitions = std::ranges::count_if(
      ledger.positions, [](const commit::Position& position) { return !position.partition.topic.starts_with('#'); });
  fmt::print(world.out, "{} of {}: the positions of {}, the ledger, keys and {} {} forgotten; `start` decides where it begins\n",
             ledger.unit, ledger.pipeline, counted(partitions, "partition"), counted(std::ssize(*letters), "dead letter"),
             only_tells ? "would be" : "are");
  if (has_read(ledger)) warn_of_repeats(*set, ledger.unit, false, world);
  if (only_tells) return Exit::Done;
  auto done = (*domain)->retire();
  if (done) done = forget_relays(*set, ledger.unit, world);
  if (done) done = (*domain)->remove_manifest();
  return done ? Exit::Done : tell(done.error(), *set, world);
}

}  // namespace

extern const Command kOffsetsDelete;
const Command kOffsetsDelete = {"offsets delete", "Forgets a unit: positions, ledger and keys. Its next start is its first.",
                                "piperun offsets delete orders.pipe --unit orders.shop --dry-run", kOptions, remove};

}  // namespace piperun::cli
