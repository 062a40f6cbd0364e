#pragma once
#include "runtime/commit/domain.h"
class Progress {
 public:
  void show(Domain& asked) { asked.begin(); }
  template <typename Connectors>
  void end(Connectors& connectors) {
    const auto opened = connectors.open_domain(0);
    (*opened)->commit(1);
  }
};
