// What a file chooses among words, as the IR has it. The lists of lang/sema and lang/ir have one order, which is checked here: neither
// of the two folders may include the other.
#pragma once
#include <utility>

#include "lang/ir/program.h"
#include "lang/sema/facts.h"

namespace piperun::plan {

#define SAME(ours, theirs, name) static_assert(std::to_underlying(sema::ours::name) == std::to_underlying(ir::theirs::name))
SAME(Delivery, Delivery, AtMostOnce);
SAME(Delivery, Delivery, AtLeastOnce);
SAME(Delivery, Delivery, ExactlyOnce);
SAME(CommitMode, CommitMode, Sync);
SAME(CommitMode, CommitMode, Async);
SAME(CommitMode, CommitMode, Hybrid);
SAME(DeadLetter, DeadLetter, Keep);
SAME(DeadLetter, DeadLetter, Skip);
SAME(DeadLetter, DeadLetter, Stop);
SAME(DeadLetter, DeadLetter, Sink);
SAME(Original, ErrorPolicy::Original, Keep);
SAME(Original, ErrorPolicy::Original, Hash);
SAME(Original, ErrorPolicy::Original, Omit);
SAME(TimeUnit, TimeUnit, Rfc3339);
SAME(TimeUnit, TimeUnit, Seconds);
SAME(TimeUnit, TimeUnit, Millis);
SAME(TimeUnit, TimeUnit, Micros);
SAME(ExtraFields, ExtraFields, Ignore);
SAME(ExtraFields, ExtraFields, Error);
SAME(ExtraFields, ExtraFields, Keep);
SAME(Tombstone, Tombstone, Fail);
SAME(Tombstone, Tombstone, Skip);
SAME(Tombstone, Tombstone, Delete);
SAME(DecimalForm, DecimalForm, Number);
SAME(DecimalForm, DecimalForm, String);
SAME(NullForm, NullForm, Write);
SAME(NullForm, NullForm, Omit);
SAME(Conflict, Conflict, Error);
SAME(Conflict, Conflict, Update);
SAME(Conflict, Conflict, Ignore);
SAME(FoldKind, FoldKind, Count);
SAME(FoldKind, FoldKind, Sum);
SAME(FoldKind, FoldKind, Min);
SAME(FoldKind, FoldKind, Max);
SAME(FoldKind, FoldKind, Avg);
SAME(FoldKind, FoldKind, Any);
SAME(FoldKind, FoldKind, All);
SAME(FoldKind, FoldKind, First);
SAME(FoldKind, FoldKind, Last);
SAME(FoldKind, FoldKind, List);
SAME(FoldKind, FoldKind, Join);
#undef SAME

inline ir::Delivery chosen(sema::Delivery value) { return static_cast<ir::Delivery>(value); }
inline ir::CommitMode chosen(sema::CommitMode value) { return static_cast<ir::CommitMode>(value); }
inline ir::DeadLetter chosen(sema::DeadLetter value) { return static_cast<ir::DeadLetter>(value); }
inline ir::ErrorPolicy::Original chosen(sema::Original value) { return static_cast<ir::ErrorPolicy::Original>(value); }
inline ir::TimeUnit chosen(sema::TimeUnit value) { return static_cast<ir::TimeUnit>(value); }
inline ir::ExtraFields chosen(sema::ExtraFields value) { return static_cast<ir::ExtraFields>(value); }
inline ir::Tombstone chosen(sema::Tombstone value) { return static_cast<ir::Tombstone>(value); }
inline ir::DecimalForm chosen(sema::DecimalForm value) { return static_cast<ir::DecimalForm>(value); }
inline ir::NullForm chosen(sema::NullForm value) { return static_cast<ir::NullForm>(value); }
inline ir::Conflict chosen(sema::Conflict value) { return static_cast<ir::Conflict>(value); }
inline ir::FoldKind chosen(sema::FoldKind value) { return static_cast<ir::FoldKind>(value); }

inline ir::ErrorPolicy chosen(const sema::ErrorPolicy& policy) {
  return {.retry = static_cast<int>(policy.retry),
          .backoff_min = policy.backoff_min,
          .backoff_max = policy.backoff_max,
          .pause = policy.pause,
          .give_up = policy.give_up,
          .dead_letter = chosen(policy.dead_letter),
          .dead_letter_sink = policy.dead_letter_sink,
          .original = chosen(policy.original)};
}

}  // namespace piperun::plan
