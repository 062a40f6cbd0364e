// How a function of the standard library with a body in C++ is called. The table of them is stdlib/native/table.h.
#pragma once
#include <cstdint>
#include <string_view>

#include "lang/value/arena.h"
#include "lang/value/cell.h"
#include "lang/value/failure.h"
#include "lang/value/type.h"

namespace piperun::value {

// One call. Arguments are flattened: one of type `T?` takes two cells (null bit, payload). The result likewise.
struct NativeCall {
  const Cell* args;
  Cell* result;
  Arena& arena;                  // where results may lie
  const TypeTable& types;
  const TypeId* arg_types;       // one per argument, not per cell
  TypeId result_type;
  std::int64_t now = 0;          // microseconds; the time of the batch
  std::uint64_t seed[2] = {};    // for stable randomness: a hash of pipeline, position, element and call site
  Fault fault = Fault::BadArgument;  // set when the body returns false
  std::string_view detail{};     // more words about the failure; lives as long as the arena or the arguments
  std::uint32_t arg_count = 0;   // arguments, for functions of any number of them
};

// Pure, thread-safe, never throws. Returns false if it failed, with `fault` set; then `result` is not read.
using NativeFn = bool (*)(NativeCall& call);

struct Native {
  std::string_view name;  // "text.upper": module and function
  NativeFn body;
};

}  // namespace piperun::value
