// How a native's body ends: with a result or with a failure. And how it reads arguments.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "lang/value/decimal.h"
#include "lang/value/native.h"

namespace piperun::native {

using value::Arena;
using value::Cell;
using value::Fallible;
using value::Fault;
using value::List;
using value::Native;
using value::NativeCall;
using value::Text;

inline std::string_view text(const NativeCall& call, std::size_t cell) { return call.args[cell].s; }
inline std::int64_t integer(const NativeCall& call, std::size_t cell) { return call.args[cell].i; }
inline double number(const NativeCall& call, std::size_t cell) { return call.args[cell].f; }

// `detail` must outlive the call's arena or be a constant.
inline bool fail(NativeCall& call, Fault fault, std::string_view detail = {}) {
  call.fault = fault;
  call.detail = detail;
  return false;
}

inline bool give(NativeCall& call, Cell result) {
  *call.result = result;
  return true;
}
inline bool give(NativeCall& call, bool result) { return give(call, Cell::of(result)); }
inline bool give(NativeCall& call, std::int64_t result) { return give(call, Cell::of(result)); }
inline bool give(NativeCall& call, int result) { return give(call, Cell::of(std::int64_t{result})); }
inline bool give(NativeCall& call, double result) { return give(call, Cell::of(result)); }
inline bool give(NativeCall& call, Text result) { return give(call, Cell::of(std::string_view(result))); }
inline bool give(NativeCall& call, List result) { return give(call, Cell::of(result)); }
inline bool give(NativeCall& call, const value::JsonNode* result) { return give(call, Cell::of(result)); }

// A view into an argument, or a constant.
inline bool give_view(NativeCall& call, std::string_view result) { return give(call, Cell::of(result)); }
inline bool give_copy(NativeCall& call, std::string_view result) { return give(call, call.arena.copy(result)); }

template <typename T>
bool give(NativeCall& call, const Fallible<T>& result) {
  return result ? give(call, *result) : fail(call, result.error());
}

// For results of a decimal type: the caller says which.
inline value::DecimalType decimal_result(const NativeCall& call) {
  return {call.types[call.result_type].precision, call.types[call.result_type].scale};
}
inline bool give_decimal(NativeCall& call, const Fallible<value::Int128>& result) {
  return result ? give(call, Cell::of(*result)) : fail(call, result.error());
}

// For results of type `T?`.
inline bool give_null(NativeCall& call) {
  call.result[0] = Cell::of(true);
  call.result[1] = Cell{};
  return true;
}
inline bool give_some(NativeCall& call, Cell result) {
  call.result[0] = Cell::of(false);
  call.result[1] = result;
  return true;
}
inline bool give_optional(NativeCall& call, std::optional<std::string_view> view) {
  return view ? give_some(call, Cell::of(*view)) : give_null(call);
}

}  // namespace piperun::native
