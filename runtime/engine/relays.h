// The outboxes among a worker's partitions: their rows get numbers before they are fetched, and go when they were sent.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <span>

#include "runtime/connectors/connectors.h"

namespace piperun::engine {

// One per worker. All references outlive it.
class Relays {
 public:
  Relays(const ir::Program& program, const ir::Unit& unit, connectors::Connectors& connectors)
      : program_(program), unit_(unit), connectors_(connectors) {}

  // The worker's partitions are given anew: the next number_rows claims what it numbers.
  void forget() { relays_.clear(); }

  struct Reading {
    std::uint32_t source = 0;  // of the unit
    std::int64_t sent_to = 0;  // the rows below are sent; 0: none is, and the position may be ahead of all numbers
  };
  // LostOwnership when another worker has claimed one of them since.
  base::Result<void> number_rows(std::span<const Reading> readings);

  // The commit is known: all rows of that source below `position` go. What fails here is done the next time, unless another owner does
  // it (LostOwnership).
  base::Result<void> delete_sent(std::uint32_t source, std::int64_t position);

 private:
  base::Result<connectors::OutboxRelay*> claim(std::uint32_t source);

  const ir::Program& program_;
  const ir::Unit& unit_;
  connectors::Connectors& connectors_;
  std::map<std::uint32_t, std::unique_ptr<connectors::OutboxRelay>> relays_;  // claimed; null: the source has none
};

}  // namespace piperun::engine
