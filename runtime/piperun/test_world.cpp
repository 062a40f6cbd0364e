#include "runtime/piperun/test_world.h"

#include <fmt/format.h>

#include <algorithm>

namespace piperun::cli {
namespace {

// Waiting for records that can only come from the test itself would move the virtual clock.
class PatientSource final : public connectors::Source {
 public:
  explicit PatientSource(std::unique_ptr<connectors::Source> real) : real_(std::move(real)) {}
  base::Result<std::vector<connectors::Partition>> partitions() override { return real_->partitions(); }
  base::Result<std::int64_t> resolve(const std::string& start, std::uint32_t partition) override {
    return real_->resolve(start, partition);
  }
  base::Result<record::Slab> read(std::uint32_t partition, std::int64_t position, std::size_t max_records,
                                  std::size_t max_bytes) override {
    return real_->read(partition, position, max_records, max_bytes);
  }
  bool is_finite() const override { return real_->is_finite(); }
  void wait(std::int64_t) override {}

 private:
  std::unique_ptr<connectors::Source> real_;
};

class FailingSink final : public connectors::Sink {
 public:
  FailingSink(std::unique_ptr<connectors::Sink> real, std::string name, Faults& faults, base::Clock& clock)
      : real_(std::move(real)), name_(std::move(name)), faults_(faults), clock_(clock) {}

  base::Result<void> write(std::span<const connectors::OutputRow> rows) override {
    const auto found = faults_.sinks.find(name_);
    if (found == faults_.sinks.end()) return real_->write(rows);
    Faults::Failure& failure = found->second;
    if (failure.times == 0 && clock_.now() >= failure.until) return real_->write(rows);
    if (failure.times > 0) --failure.times;
    ++failure.happened;
    return base::failure(base::ErrorCode::SystemUnavailable, fmt::format("sink {}: the test lets it fail", name_));
  }
  base::Result<void> await() override { return real_->await(); }

 private:
  std::unique_ptr<connectors::Sink> real_;
  std::string name_;
  Faults& faults_;
  base::Clock& clock_;
};

}  // namespace

void make_stand_ins(ir::Program& program) {
  for (ir::System& system : program.systems) system.stand_in = system.kind != ir::SystemKind::StateStore;
  for (ir::Source& source : program.sources) source.sample.clear();
  for (ir::Table& table : program.tables) {
    table.sample.clear();
    if (table.object.empty()) table.object = table.name;
  }
  for (ir::Sink& sink : program.sinks) {
    const ir::SystemKind kind = program.systems[sink.system].kind;
    sink.is_topic |= kind == ir::SystemKind::File || kind == ir::SystemKind::Stdout || kind == ir::SystemKind::Http;
  }
}

base::Result<std::unique_ptr<connectors::Group>> FailingConnectors::open_group(const ir::Program& program, const ir::Unit& unit,
                                                                               std::uint32_t worker) {
  return real_.open_group(program, unit, worker);
}

base::Result<std::unique_ptr<commit::Domain>> FailingConnectors::open_domain(const ir::Program& program, const ir::Unit& unit,
                                                                             std::uint32_t worker, connectors::Group* group) {
  return real_.open_domain(program, unit, worker, group);
}

base::Result<std::unique_ptr<connectors::Source>> FailingConnectors::open_source(const ir::Program& program, const ir::Unit& unit,
                                                                                 ir::SourceId source) {
  auto opened = real_.open_source(program, unit, source);
  if (!opened) return opened;
  return std::make_unique<PatientSource>(std::move(*opened));
}

base::Result<std::unique_ptr<connectors::Sink>> FailingConnectors::open_sink(const ir::Program& program, const ir::Unit& unit,
                                                                             ir::SinkId sink, commit::Domain& domain) {
  auto opened = real_.open_sink(program, unit, sink, domain);
  if (!opened) return opened;
  return std::make_unique<FailingSink>(std::move(*opened), program.sinks[sink].name, faults_, clock_);
}

base::Result<std::unique_ptr<connectors::Table>> FailingConnectors::open_table(const ir::Program& program, const ir::Unit& unit,
                                                                               ir::TableId table, commit::Domain& domain) {
  return real_.open_table(program, unit, table, domain);
}

base::Result<void> FailingConnectors::fill_samples(const ir::Program& program, const ir::Unit& unit) {
  return real_.fill_samples(program, unit);
}

engine::Verdict CrashingObserver::after(const ir::Unit&, const ir::Step& step) {
  const std::string name = ir::step_name(step, program_.sinks);
  const auto found = std::ranges::find_if(
      faults_.crashes, [&](const std::string& wanted) { return wanted == name || wanted == ir::traits(step.kind).text; });
  if (found == faults_.crashes.end()) return engine::Verdict::GoOn;
  faults_.crashes.erase(found);
  return engine::Verdict::Crash;
}

}  // namespace piperun::cli
