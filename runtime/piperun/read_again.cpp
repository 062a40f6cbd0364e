#include "runtime/piperun/read_again.h"

#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "lang/plan/graph.h"

namespace piperun::cli {
namespace {

std::string refusal(const ir::ErrorPolicy& policy) {
  switch (policy.dead_letter) {
    case ir::DeadLetter::Keep:
    case ir::DeadLetter::Sink: return "and their records become dead letters";
    case ir::DeadLetter::Skip: return "and their records are skipped";
    case ir::DeadLetter::Stop: return "and the pipeline stops at the first";
  }
  return {};
}

// "": a repeat changes nothing there.
std::string fate_of_repeats(const ir::Sink& sink, const ir::ErrorPolicy& policy) {
  if (sink.is_topic || sink.key.empty())
    return fmt::format("{}: what is read again is written again, beside what is there", sink.name);
  if (sink.on_conflict != ir::Conflict::Error) return {};
  std::vector<std::string> key;
  for (const int column : sink.key) key.push_back(sink.columns[static_cast<std::size_t>(column)].name);
  return fmt::format("{}: rows whose {} is there are refused (`on_conflict = error`), {}", sink.name, fmt::join(key, ", "),
                     refusal(policy));
}

}  // namespace

std::vector<std::string> what_repeats_do(const ir::Program& program, const ir::Unit& unit, bool keeps_keys) {
  const plan::Graph graph(unit.dataflow);
  std::map<ir::SinkId, std::string> found;
  for (ir::NodeId id = 0; id < unit.dataflow.nodes.size(); ++id) {
    const ir::Node& node = unit.dataflow.nodes[id];
    const auto* output = std::get_if<ir::Output>(&node.op);
    if (output == nullptr) continue;
    const bool is_deduplicated =
        std::ranges::any_of(graph.above({id}), [&](ir::NodeId above) { return plan::is_stateful(unit.dataflow.nodes[above]); });
    if (keeps_keys && is_deduplicated) continue;
    std::string fate = fate_of_repeats(program.sinks[output->sink], program.policies[node.policy]);
    if (!fate.empty()) found.try_emplace(output->sink, std::move(fate));
  }
  std::vector<std::string> lines;
  for (auto& [sink, words] : found) lines.push_back(std::move(words));
  return lines;
}

void warn_of_repeats(const StoreSet& set, const std::string& unit, bool keeps_keys, World& world) {
  if (!set.compiled) return;
  const ir::Program& program = *set.compiled->program;
  const auto found = std::ranges::find(program.units, unit, &ir::Unit::name);
  if (found == program.units.end()) return;
  for (const std::string& line : what_repeats_do(program, *found, keeps_keys)) fmt::print(world.err, "warning: {}\n", line);
}

}  // namespace piperun::cli
