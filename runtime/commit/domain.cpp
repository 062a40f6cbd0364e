#include "runtime/commit/domain.h"

#include <algorithm>

namespace piperun::commit {

Kept kept_of(std::string_view name) {
  const auto* found = std::ranges::find(kKeptNames, name);
  return found == std::end(kKeptNames) ? Kept::Unknown : static_cast<Kept>(found - kKeptNames);
}

base::Result<void> Domain::remove_letters(std::span<const Letter> letters) {
  for (const Letter& letter : letters) {
    if (auto done = remove_letter(letter); !done) return done;
  }
  return {};
}

base::Result<void> Domain::ask_replays(std::span<const Letter> letters) {
  for (const Letter& letter : letters) {
    if (auto done = ask_replay(letter); !done) return done;
  }
  return {};
}

}  // namespace piperun::commit
