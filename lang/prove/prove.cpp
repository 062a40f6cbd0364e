#include "lang/prove/prove.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lang/ir/passes.h"
#include "lang/plan/plan.h"
#include "lang/plan/systems.h"

namespace piperun::prove {
namespace {

using diag::Code;

const std::vector<std::string>& counterexample(const Verdict& verdict, ir::Delivery delivery) {
  const bool wants_no_repeat = delivery != ir::Delivery::AtLeastOnce;
  const bool wants_no_loss = delivery != ir::Delivery::AtMostOnce;
  if (wants_no_repeat && verdict.at_most > 1) return verdict.repeat;
  if (wants_no_loss && verdict.at_least < 1) return verdict.loss;
  return verdict.state.empty() ? verdict.alarm : verdict.state;
}

// "crash after `write hook`, before `commit`": the first thing that goes wrong is enough for a label.
std::string first_trouble(const std::vector<std::string>& trace) {
  return trace.empty() ? "it makes no progress" : trace.front();
}

void refuse_outsider(const ir::Sink& sink, const ir::System& system, const Verdict& verdict, const plan::Places& places,
                     diag::Report& report) {
  auto& found = report.add(Code::P0401, places.of_sink(verdict.sink));
  found.label(fmt::format("{}: {}", plan::traits(system.kind).repeat, first_trouble(verdict.repeat)))
      .secondary(places.delivery, "promised here");
  if (system.kind == ir::SystemKind::Http) {
    const std::string key = sink.columns.empty() ? "id" : sink.columns.front().name;
    found.help(fmt::format("give the receiver an id it can ignore twice: `idempotency_key = {}`", key));
  } else {
    found.help("write to a system that has transactions: `embedded { path = \"out.db\", table = \"…\" }`, `postgres`, `kafka`");
  }
  found.help("or promise less: `delivery = at_least_once`", places.delivery, "at_least_once");
}

void refuse(const ir::Program& program, const ir::Unit& unit, const Verdict& verdict, const plan::Places& places,
            diag::Report& report) {
  const ir::Sink& sink = program.sinks[verdict.sink];
  const ir::System& system = program.systems[sink.system];
  if (program.delivery == ir::Delivery::ExactlyOnce && !plan::traits(system.kind).transactions && verdict.at_most > 1) {
    return refuse_outsider(sink, system, verdict, places, report);
  }
  const auto& trace = counterexample(verdict, program.delivery);
  report.add(Code::P0416, places.of_sink(verdict.sink))
      .message(fmt::format("`{}` gets each record {}, which is less than promised", sink.name, words(verdict)))
      .label(first_trouble(trace))
      .secondary(places.delivery, "promised here")
      .note(fmt::format("in unit {}: {}", unit.name, fmt::join(trace, "; ")));
}

// Whether a row goes on here at all, and where to: `filter` and `route`.
bool decides(const ir::Program& program, const ir::Node& node) {
  const auto* apply = std::get_if<ir::Apply>(&node.op);
  if (apply == nullptr) return false;
  const ir::Function& function = program.functions[apply->function];
  const auto is_filter = [](const ir::Block& block) { return block.end.kind == ir::Terminator::Kind::Filtered; };
  return function.outputs.size() > 1 || std::ranges::any_of(function.blocks, is_filter);
}

// A condition that may come out differently when the batch is read again, in front of a sink that counts on getting the same.
void check_repeatable_decisions(const ir::Program& program, const ir::Unit& unit, const plan::Places& places,
                                diag::Report& report) {
  if (program.delivery != ir::Delivery::ExactlyOnce) return;
  const auto& nodes = unit.dataflow.nodes;
  std::vector<ir::SinkId> reaches(nodes.size(), ir::kNone);
  for (std::size_t i = nodes.size(); i-- > 0;) {
    const auto* output = std::get_if<ir::Output>(&nodes[i].op);
    if (output && program.sinks[output->sink].idempotent_by_key) reaches[i] = output->sink;
    for (const auto& port : nodes[i].next) {
      for (const ir::Edge& edge : port) reaches[i] = reaches[edge.to] != ir::kNone ? reaches[edge.to] : reaches[i];
    }
    if (!nodes[i].is_volatile || reaches[i] == ir::kNone || !decides(program, nodes[i])) continue;
    report.add(Code::P0418, places.at(nodes[i].site))
        .label("on a second run this may come out differently")
        .secondary(places.of_sink(reaches[i]), "it ignores a repeat only if it is the same")
        .help("decide by what is in the record, or set the value in a flow that writes a topic first");
  }
}

}  // namespace

std::vector<Proof> prove(const ir::Program& program) {
  std::vector<Proof> proofs;
  for (const ir::Unit& unit : program.units) proofs.push_back({explore(program, unit)});
  return proofs;
}

std::vector<Proof> compile(ir::Program& program, const plan::Places& places, diag::Report& report, bool optimized) {
  if (!plan::make_units(program, places, report)) return {};
  std::vector<Proof> proofs = prove(program);
  for (std::size_t i = 0; i < program.units.size(); ++i) {
    check_repeatable_decisions(program, program.units[i], places, report);
    for (const Verdict& verdict : proofs[i].verdicts) {
      if (!verdict.holds(program.delivery)) refuse(program, program.units[i], verdict, places, report);
    }
  }
  if (optimized && !report.has_errors()) ir::optimize(program);
  return proofs;
}

}  // namespace piperun::prove
