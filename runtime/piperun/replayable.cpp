#include "runtime/piperun/replayable.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/base/result.h"
#include "runtime/commit/kafka/letter_record.h"
#include "runtime/piperun/numbers.h"

namespace piperun::cli {
namespace {

constexpr std::int64_t kMaxReplays = 3;

bool looks_like_hash(const std::string& value) {
  constexpr std::string_view kBegin = "fnv1a:";
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return value.size() == kBegin.size() + 16 && value.starts_with(kBegin) &&
         std::ranges::all_of(value.substr(kBegin.size()), is_digit);
}

bool reads_no_letters(const ir::Program* program, const std::string& manifest) {
  return program != nullptr ? program->delivery == ir::Delivery::AtMostOnce : manifest.contains(R"("delivery":"at_most_once")");
}

bool may_omit(const ir::Program* program) {
  return program == nullptr || std::ranges::count(program->policies, ir::Original::Omit, &ir::ErrorPolicy::original) > 0;
}

// What a letter's value is, where the version that stored it did not say so. Unknown: a record that had none, or one that was omitted.
commit::Kept guess(const commit::Letter& letter, const ir::Program* program) {
  if (letter.value) return looks_like_hash(*letter.value) ? commit::Kept::Hash : commit::Kept::Original;
  if (kafka::reads_too_large(letter)) return commit::Kept::TooLarge;
  const bool is_tombstone = letter.code == base::traits(base::ErrorCode::Tombstone).code;
  return is_tombstone || !may_omit(program) ? commit::Kept::Original : commit::Kept::Unknown;
}

std::string place(const commit::Letter& letter) {
  return fmt::format("{}/{}@{}", letter.origin.topic, letter.origin.number, letter.offset);
}

}  // namespace

Replay replay_of(const commit::Letter& letter, const ir::Program* program, const std::string& manifest) {
  if (reads_no_letters(program, manifest)) return Replay::Never;
  switch (letter.kept == commit::Kept::Unknown ? guess(letter, program) : letter.kept) {
    case commit::Kept::Hash: return Replay::Hashed;
    case commit::Kept::TooLarge: return Replay::TooLarge;
    case commit::Kept::Omitted: return Replay::Omitted;
    case commit::Kept::Unknown: return Replay::Valueless;
    case commit::Kept::Original: break;
  }
  return letter.replays >= kMaxReplays ? Replay::TooOften : Replay::Possible;
}

bool can_be_forced(Replay replay) { return replay == Replay::Valueless || replay == Replay::TooOften; }

std::string why_not(Replay replay, std::int64_t letters, const commit::Letter& first) {
  const std::string which = counted(letters, "letter");
  switch (replay) {
    case Replay::Possible: break;
    case Replay::Never:
      return fmt::format(
          "{} will not be read again: under at_most_once a position is stored before its record is processed, so nothing could "
          "take letter and effect together. Put the records into the topic once more (`piperun topic put`), or say `delivery = "
          "at_least_once`",
          which);
    case Replay::TooLarge:
      return fmt::format(
          "{} cannot be replayed, for the record was too large beside what a letter says, and not all of it was kept. It is "
          "safe in {} as long as that topic keeps it: `piperun topic peek {} FILE --partition {} --from {} --limit 1`. Mend the "
          "cause; then put it into the topic once more, or go back to it (`piperun offsets reset`: what lies behind is read "
          "again "
          "too); `piperun dlq drop` forgets the letter. A larger `max.message.bytes` of the topic of dead letters keeps the next "
          "one",
          which, place(first), first.origin.topic, first.origin.number, first.offset);
    case Replay::Hashed:
    case Replay::Omitted:
      return fmt::format(
          "{} cannot be replayed: `original = {}` keeps no record. They are still where they came from ({}), as long as that "
          "keeps them",
          which, replay == Replay::Hashed ? "hash" : "omit", place(first));
    case Replay::Valueless:
      return fmt::format(
          "{} without a value: if it was not kept (`original = omit`) a replay would take it for a delete; the records are still "
          "where they came from ({}). --force replays records that had none",
          which, place(first));
    case Replay::TooOften:
      return fmt::format("{}: {} failed in {} replays already; --force replays once more",
                         base::traits(base::ErrorCode::ReplayedTooOften).code, which, kMaxReplays);
  }
  return {};
}

}  // namespace piperun::cli
