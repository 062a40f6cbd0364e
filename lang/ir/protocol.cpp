#include "lang/ir/protocol.h"

#include <array>

namespace piperun::ir {
namespace {

constexpr std::array kTraits{
#define STEP(name, text, kind, when, ack_lost, fenced, seen_by, counts) \
  StepTraits{text, Durable::kind, When::when, (ack_lost) != 0, (fenced) != 0, SeenBy::seen_by, Counts::counts},
#include "lang/ir/steps.def"
#undef STEP
};

const char* mode_name(StepMode mode) {
  switch (mode) {
    case StepMode::None: return "";
    case StepMode::Sync: return "sync";
    case StepMode::Async: return "async";
    case StepMode::Hybrid: return "hybrid";
    case StepMode::Plain: return "plain";
    case StepMode::Locking: return "locking";
  }
  return "";
}

}  // namespace

const StepTraits& traits(StepKind kind) { return kTraits[static_cast<std::size_t>(kind)]; }

std::string step_name(const Step& step, const std::vector<Sink>& sinks) {
  std::string text = traits(step.kind).text;
  if (step.sink != kNone && step.sink < sinks.size()) text += " " + sinks[step.sink].name;
  if (step.mode != StepMode::None) text += std::string("(") + mode_name(step.mode) + ")";
  return text;
}

}  // namespace piperun::ir
