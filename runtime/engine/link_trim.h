// The step `trim`: internal topics lose what every reader has committed.
#pragma once
#include <cstdint>

#include "runtime/base/clock.h"
#include "runtime/connectors/connectors.h"

namespace piperun::engine {

// Of the links that a unit writes. All references outlive it.
class LinkTrim {
 public:
  LinkTrim(const ir::Program& program, const ir::Unit& unit, connectors::Connectors& connectors, base::Clock& clock)
      : program_(program), unit_(unit), connectors_(connectors), clock_(clock) {}

  // Now and then. What fails is done the next time.
  void trim_links();

 private:
  base::Result<void> trim_link(const ir::Link& link);

  const ir::Program& program_;
  const ir::Unit& unit_;
  connectors::Connectors& connectors_;
  base::Clock& clock_;
  std::int64_t next_at_ = 0;  // monotonic microseconds
};

}  // namespace piperun::engine
