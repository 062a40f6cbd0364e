// Failure of a pure operation, as a value. The full list of reasons is faults.def.
#pragma once
#include <cstdint>
#include <expected>
#include <string_view>

namespace piperun::value {

enum class Fault : std::uint8_t {
#define FAULT(name, words) name,
#include "lang/value/faults.def"
#undef FAULT
};

template <typename T>
using Fallible = std::expected<T, Fault>;

// The stable words of a reason, for a person: "division by zero".
std::string_view words(Fault fault);

// Its name in faults.def: "DivisionByZero".
std::string_view name(Fault fault);

}  // namespace piperun::value
