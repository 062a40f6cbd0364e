// How a program is to be run; what no .pipe file says.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lang/value/native.h"
#include "runtime/engine/upgrade_decision.h"

namespace piperun::engine {

// The process environment: NAME, or the text of the file that NAME_FILE names without its last newline.
std::optional<std::string> secret_from_environment(const std::string& name);

// Where a unit begins that has nothing stored yet, in place of what `start` says of its sources: where another run ended.
struct Beginning {
  std::string run;  // its name
  std::vector<commit::Position> positions;  // of each partition that it had, as they are stored
};

struct Options {
  bool drain = false;  // stop when the input is used up
  std::uint32_t workers = 1;  // per unit
  bool inline_intake = false;  // no intake thread: for tests that must be deterministic
  std::vector<std::string> manifests;  // one per unit, JSON
  CompareManifests compare;
  std::map<std::string, Beginning> beginnings;  // by unit
  std::vector<value::NativeFn> natives;  // one per Program::natives
  std::function<std::optional<std::string>(const std::string&)> secret = secret_from_environment;
};

}  // namespace piperun::engine
