// Opens what a program names. Injected into the engine, so that tests can wrap what it opens.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lang/ir/program.h"
#include "runtime/base/clock.h"
#include "runtime/base/result.h"
#include "runtime/commit/domain.h"
#include "runtime/connectors/group.h"
#include "runtime/connectors/outbox.h"
#include "runtime/connectors/sink.h"
#include "runtime/connectors/source.h"
#include "runtime/connectors/table.h"

namespace piperun::connectors {

class Connectors {
 public:
  virtual ~Connectors() = default;
  // Joins the consumer group of a unit; null if its partitions belong to no group. `worker`: number in this process, from 0.
  virtual base::Result<std::unique_ptr<Group>> open_group(const ir::Program& program, const ir::Unit& unit,
                                                          std::uint32_t worker) = 0;
  // `group`: the worker's, or null; it must outlive the domain.
  virtual base::Result<std::unique_ptr<commit::Domain>> open_domain(const ir::Program& program, const ir::Unit& unit,
                                                                    std::uint32_t worker, Group* group) = 0;
  // The domain of a unit that may be none of this program's, in one of its systems, or with ir::kNone in the pipeline's state store;
  // "" stands for no unit in particular. Null: nothing is stored there, or nothing could be.
  virtual base::Result<std::unique_ptr<commit::Domain>> open_stored(const ir::Program& program, ir::SystemId system,
                                                                    const std::string& unit) = 0;
  virtual base::Result<std::unique_ptr<Source>> open_source(const ir::Program& program, const ir::Unit& unit,
                                                            ir::SourceId source) = 0;
  // What numbers and removes the rows of a source; null if it needs nothing of the kind.
  virtual base::Result<std::unique_ptr<OutboxRelay>> open_relay(const ir::Program& program, const ir::Unit& unit,
                                                                ir::SourceId source) = 0;
  // `domain`: the unit's; a sink of the same system writes inside its transaction. It must outlive the sink.
  virtual base::Result<std::unique_ptr<Sink>> open_sink(const ir::Program& program, const ir::Unit& unit, ir::SinkId sink,
                                                        commit::Domain& domain) = 0;
  virtual base::Result<std::unique_ptr<Table>> open_table(const ir::Program& program, const ir::Unit& unit, ir::TableId table,
                                                          commit::Domain& domain) = 0;
  // Removes the records below these offsets from topics of a system.
  virtual base::Result<void> trim(const ir::Program& program, ir::SystemId system, std::span<const StartAt> below) = 0;
  // --local: creates topics and tables and fills them from `sample` files, once.
  virtual base::Result<void> fill_samples(const ir::Program& program, const ir::Unit& unit) = 0;
};

// The value of a secret by its name; nullopt: it is not set.
using ReadSecret = std::function<std::optional<std::string>(const std::string& name)>;

// The real ones. `state_dir` holds `<connection>.db` of stand-ins and `<id>.db` of state stores; paths in the program are
// relative to `base_dir` (the folder of the .pipe file).
std::unique_ptr<Connectors> make_connectors(std::string state_dir, std::string base_dir, base::Clock& clock, ReadSecret secret);

}  // namespace piperun::connectors
