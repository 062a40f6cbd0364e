// The world of a test: embedded databases in place of every system, systems that fail and processes that die on order.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/connectors/connectors.h"
#include "runtime/engine/observer.h"

namespace piperun::cli {

// Every system of the program becomes a database file; files and streams become topics, samples are left out.
void make_stand_ins(ir::Program& program);

// What shall go wrong next. Of one test.
struct Faults {
  struct Failure {
    std::int64_t times = 0;    // writes that still fail
    std::int64_t until = 0;    // or: writes before this time of Clock::now fail, microseconds
    std::int64_t happened = 0;
  };
  std::map<std::string, Failure> sinks;  // by name
  std::vector<std::string> crashes;      // steps, each once, in any order: `write`, or `write order_lines`
};

class FailingConnectors final : public connectors::Connectors {
 public:
  // All outlive it.
  FailingConnectors(connectors::Connectors& real, Faults& faults, base::Clock& clock)
      : real_(real), faults_(faults), clock_(clock) {}

  base::Result<std::unique_ptr<connectors::Group>> open_group(const ir::Program& program, const ir::Unit& unit,
                                                              std::uint32_t worker) override;
  base::Result<std::unique_ptr<commit::Domain>> open_domain(const ir::Program& program, const ir::Unit& unit,
                                                            std::uint32_t worker, connectors::Group* group) override;
  base::Result<std::unique_ptr<commit::Domain>> open_stored(const ir::Program& program, ir::SystemId system,
                                                            const std::string& unit) override {
    return real_.open_stored(program, system, unit);
  }
  base::Result<std::unique_ptr<connectors::Source>> open_source(const ir::Program& program, const ir::Unit& unit,
                                                                ir::SourceId source) override;
  base::Result<std::unique_ptr<connectors::OutboxRelay>> open_relay(const ir::Program& program, const ir::Unit& unit,
                                                                    ir::SourceId source) override {
    return real_.open_relay(program, unit, source);
  }
  base::Result<std::unique_ptr<connectors::Sink>> open_sink(const ir::Program& program, const ir::Unit& unit, ir::SinkId sink,
                                                            commit::Domain& domain) override;
  base::Result<std::unique_ptr<connectors::Table>> open_table(const ir::Program& program, const ir::Unit& unit, ir::TableId table,
                                                              commit::Domain& domain) override;
  base::Result<void> trim(const ir::Program& program, ir::SystemId system, std::span<const connectors::StartAt> below) override {
    return real_.trim(program, system, below);
  }
  base::Result<void> fill_samples(const ir::Program& program, const ir::Unit& unit) override;

 private:
  connectors::Connectors& real_;
  Faults& faults_;
  base::Clock& clock_;
};

// Crashes behind the steps that are ordered.
class CrashingObserver final : public engine::Observer {
 public:
  CrashingObserver(Faults& faults, const ir::Program& program) : faults_(faults), program_(program) {}
  engine::Verdict after(const ir::Unit& unit, const ir::Step& step) override;

 private:
  Faults& faults_;
  const ir::Program& program_;
};

}  // namespace piperun::cli
