#include "runtime/engine/ahead.h"

#include <algorithm>
#include <utility>

namespace piperun::engine {
namespace {

// A batch that asks for what the one before leaves behind has to wait for it: for keys, rows of a table, rows that get their numbers.
bool stands_alone(const ir::Unit& unit) {
  const bool is_numbered = std::ranges::count(unit.protocol.batch, ir::StepKind::NumberRows, &ir::Step::kind) > 0;
  return !is_numbered && std::ranges::none_of(unit.dataflow.nodes, [](const ir::Node& node) {
    return std::holds_alternative<ir::Dedup>(node.op) || std::holds_alternative<ir::Enrich>(node.op);
  });
}

}  // namespace

Ahead::Ahead(const ir::Unit& unit, const Options& options) : is_possible_(!options.inline_intake && stands_alone(unit)) {}

void Ahead::start(Fetch& fetch, Intake& intake, const Share& share, Process& process) {
  if (!is_possible_ || has_begun() || fetch.is_replay_due()) return;
  hurry_ = std::stop_source();
  // Where no thread can be had, `take` does it.
  done_ = std::async(std::launch::async | std::launch::deferred, [&]() -> base::Result<void> {
    const auto fetched = fetch.run_ahead(intake, share, hurry_.get_token(), batch_);
    if (!fetched || batch_.empty()) return fetched;
    const LookupKeys nobody;  // such a unit has no keys
    batch_.is_processed = process.run(batch_, 0, batch_.records.size(), nobody, processed_).has_value();
    return {};
  });
}

base::Result<void> Ahead::take(Batch& batch, Processed& processed) {
  auto done = done_.get();
  std::swap(batch, batch_);
  std::swap(processed, processed_);
  return done;
}

void Ahead::wait() {
  if (!has_begun()) return;
  hurry_.request_stop();
  done_.wait();
}

void Ahead::drop() {
  wait();
  done_ = {};
  batch_ = Batch{};
}

}  // namespace piperun::engine
