// Time is injected, so that tests move it by hand.
#pragma once
#include <cstdint>

namespace piperun::base {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t now() = 0;                       // microseconds since 1970-01-01T00:00:00Z
  virtual std::int64_t monotonic() = 0;                 // microseconds since some beginning
  virtual void sleep(std::int64_t microseconds) = 0;    // a virtual clock moves instead of waiting
};

}  // namespace piperun::base
