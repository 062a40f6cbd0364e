// `piperun diff OLD NEW`: what an upgrade would keep, move and reset.
#include <fmt/ostream.h>

#include <algorithm>

#include "lang/plan/manifest.h"
#include "runtime/piperun/compile.h"

namespace piperun::cli {
namespace {

constexpr Option kOptions[] = {
    {"OLD", Takes::One, true, "", "the file as it runs now"}, {"NEW", Takes::One, true, "", "as it shall run"}, kLocal, kParam};

std::vector<plan::Manifest> manifests_of(const Compiled& compiled) {
  std::vector<plan::Manifest> manifests;
  for (const ir::Unit& unit : compiled.program->units) manifests.push_back(plan::manifest_of(*compiled.program, unit));
  return manifests;
}

Exit run(const Arguments& arguments, World& world) {
  const auto options = compile_options(arguments, world);
  if (!options) return misuse(world, options.error());
  const auto old = compile_or_tell(arguments.text("OLD"), *options, world);
  if (!old) return old.error();
  const auto now = compile_or_tell(arguments.text("NEW"), *options, world);
  if (!now) return now.error();
  if (old->program->id != now->program->id) {
    fmt::print(world.out, "the pipelines have different ids, `{}` and `{}`: NEW begins from nothing and OLD's data stays\n",
               old->program->id, now->program->id);
    return Exit::Done;
  }
  const auto decisions = plan::compare(manifests_of(*old), manifests_of(*now));
  for (const plan::Decision& decision : decisions) fmt::print(world.out, "{}\n", plan::words(decision));
  const bool refused = std::ranges::any_of(decisions, [](const plan::Decision& decision) {
    return decision.outcome == plan::Outcome::Refused || decision.outcome == plan::Outcome::Moved;
  });
  return refused ? Exit::WrongFile : Exit::Done;
}

}  // namespace

extern const Command kDiff;
const Command kDiff = {"diff", "Says what an upgrade keeps, moves and resets; exit code 1 if it needs `--upgrade`.",
                       "piperun diff deployed/orders.pipe orders.pipe", kOptions, run};

}  // namespace piperun::cli
