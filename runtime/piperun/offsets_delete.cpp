// `piperun offsets delete`: a unit is forgotten, and starts as new.
#include <fmt/ostream.h>

#include <algorithm>

#include "runtime/piperun/at_work.h"
#include "runtime/piperun/stores.h"

namespace piperun::cli {
namespace {

constexpr Option kOptions[] = {
    {"WORDS", Takes::Many, false, "", "[FILE]"},
    {"--unit", Takes::One, false, "", "this unit (default: the only one)"},
    {"--letters", Takes::Nothing, false, "", "also its dead letters; without it a unit that has some is left alone"},
    {"--dry-run", Takes::Nothing, false, "", "say what would be done"},
    kStandIns,
    kStateDir,
    kParam,
};

Exit remove(const Arguments& arguments, World& world) {
  const auto set = open_stores(arguments, world);
  if (!set) return set.error();
  const auto unit = find_unit(*set, arguments.text("--unit"));
  if (!unit) return tell(unit.error(), *set, world);
  const UnitLedger& ledger = unit->ledger;
  const auto domain = unit->store->data->domain(ledger.pipeline, ledger.unit);
  if (!domain) return tell(domain.error(), *set, world);
  const auto letters = (*domain)->letters(false);
  if (!letters) return tell(letters.error(), *set, world);
  if (!letters->empty() && !arguments.has("--letters")) {
    return misuse(world, fmt::format("{} has {} dead letters, which would be gone, too", ledger.unit, letters->size()),
                  "`piperun dlq replay` or `dlq drop` them first, or say --letters");
  }
  const auto partitions = std::ranges::count_if(
      ledger.positions, [](const commit::Position& position) { return !position.partition.topic.starts_with('#'); });
  fmt::print(world.out,
             "{} of {}: the positions of {} partitions, the ledger, keys and {} dead letters are forgotten; `start` decides "
             "where it begins\n",
             ledger.unit, ledger.pipeline, partitions, letters->size());
  if (arguments.has("--dry-run")) return Exit::Done;
  auto done = wait_until_idle(*set, *unit, **domain, world);
  if (done) done = (*domain)->check_idle();
  if (done) done = (*domain)->retire();
  if (done) done = (*domain)->remove_manifest();
  return done ? Exit::Done : tell(done.error(), *set, world);
}

}  // namespace

extern const Command kOffsetsDelete;
const Command kOffsetsDelete = {"offsets delete", "Forgets a unit: positions, ledger and keys. Its next start is its first.",
                                "piperun offsets delete orders.pipe --unit orders.shop --dry-run", kOptions, remove};

}  // namespace piperun::cli
