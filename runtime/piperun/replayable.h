// Which dead letters are not read again: what they keep is not their record, or their unit reads none.
#pragma once
#include <cstdint>
#include <string>

#include "lang/ir/program.h"
#include "runtime/commit/domain.h"

namespace piperun::cli {

enum class Replay : std::uint8_t {
  Possible,
  Never,      // the unit is at_most_once
  TooLarge,   // the store of letters did not take the value
  Hashed,     // `original = hash`
  Omitted,    // `original = omit`
  Valueless,  // that, or a record that had no value: an earlier version did not say which, and the FILE may omit some
  TooOften,
};

// `program`: of FILE; null without one. `manifest`: of the letter's unit, or "".
Replay replay_of(const commit::Letter& letter, const ir::Program* program, const std::string& manifest);

// --force replays these, too.
bool can_be_forced(Replay replay);

// Why `letters` letters, `first` among them, are not replayed, and what to do.
std::string why_not(Replay replay, std::int64_t letters, const commit::Letter& first);

}  // namespace piperun::cli
