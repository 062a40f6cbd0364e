// The table of commands: one line each. To add one, write its file and name it here.
#include <array>

#include "runtime/piperun/command.h"

namespace piperun::cli {

extern const Command kRun, kTest;

std::span<const Command* const> commands() {
  static constexpr std::array kCommands = {
      &kRun,
      &kTest,
  };
  return kCommands;
}

}  // namespace piperun::cli
