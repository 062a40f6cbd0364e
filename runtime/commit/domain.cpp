#include "runtime/commit/domain.h"

namespace piperun::commit {

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
