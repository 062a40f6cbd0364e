// What the command line touches of the outside, injected: streams, environment, clock.
#pragma once
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>

#include "runtime/base/clock.h"

namespace piperun::cli {

// What a process ends with.
enum class Exit : int {
  Done = 0,
  WrongFile = 1,      // the file is wrong
  Usage = 2,
  WorldFailed = 3,    // a system, a file, the stored data
  TestFailed = 4,
  NotOwner = 75,      // another process owns this work
};

struct World {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool colour = false;    // of `err`: it is a terminal, and NO_COLOR is not set
  bool terminal = false;  // `err` is one: progress is shown
  base::Clock& clock;
  std::function<std::optional<std::string>(const std::string&)> environment;
};

}  // namespace piperun::cli
