// Small programs built by hand: what the prover needs of one unit and no more.
#pragma once
#include "lang/ir/program.h"
#include "lang/plan/protocols.h"

namespace piperun::prove {

struct Shape {
  ir::Delivery delivery = ir::Delivery::ExactlyOnce;
  ir::SystemKind domain = ir::SystemKind::Embedded;
  std::vector<ir::SystemKind> sinks = {ir::SystemKind::Embedded};  // one of the domain's kind is in the domain
  bool dedup = false;
  bool idempotent = false;
  bool outbox = false;  // its source
  ir::CommitMode mode = ir::CommitMode::Sync;
};

inline ir::Program program_of(const Shape& shape) {
  ir::Program program;
  program.name = program.id = "orders";
  program.delivery = shape.delivery;
  program.commit_mode = shape.mode;
  program.systems.push_back({"events", shape.outbox ? ir::SystemKind::Postgres : ir::SystemKind::File, {}, false});
  program.systems.push_back({"shop", shape.domain, {}, false});
  program.policies.push_back({.dead_letter = ir::DeadLetter::Keep});
  ir::Unit unit;
  unit.name = "events.shop";
  unit.source_system = 0;
  unit.domain = 1;
  for (std::size_t i = 0; i < shape.sinks.size(); ++i) {
    ir::Sink sink;
    sink.name = "sink" + std::to_string(i);
    sink.idempotent_by_key = shape.idempotent;
    sink.system = 1;
    if (shape.sinks[i] != shape.domain) {
      program.systems.push_back({"other" + std::to_string(i), shape.sinks[i], {}, false});
      sink.system = static_cast<ir::SystemId>(program.systems.size() - 1);
    }
    program.sinks.push_back(sink);
    unit.sinks.push_back(static_cast<ir::SinkId>(i));
  }
  if (shape.outbox) {
    ir::Source source;
    source.name = "waiting";
    source.options = {{"outbox", "waiting"}};
    program.sources.push_back(source);
    unit.sources.push_back(0);
  }
  ir::Node node;
  node.flow = "paid";
  node.stage = "from orders";
  node.op = ir::Input{0};
  unit.dataflow.nodes.push_back(node);
  if (shape.dedup) unit.operators.push_back({"paid.dedup", "dedup", {"string"}, 1000});
  unit.protocol = plan::protocol_of(program, unit);
  program.units.push_back(std::move(unit));
  return program;
}

}  // namespace piperun::prove
