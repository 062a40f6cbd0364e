// What can go wrong in the world, as values. Codes are in errors.def.
#pragma once
#include <cstdint>
#include <expected>
#include <span>
#include <string>

namespace piperun::base {

enum class ErrorClass : std::uint8_t { Data, Transient, Configuration, Ownership };

enum class ErrorCode : std::uint16_t {
#define ERROR(code, name, error_class, title, explanation) name,
#include "runtime/base/errors.def"
#undef ERROR
};

struct ErrorTraits {
  const char* code;  // "P1001"
  ErrorClass error_class;
  const char* title;
  const char* explanation;
};
const ErrorTraits& traits(ErrorCode code);
std::span<const ErrorTraits> all_errors();  // in the order of the table

struct Error {
  ErrorCode code;
  std::string message;      // for a person: what, where, and the mend
  std::string sqlstate;     // of a database; else ""
  std::int64_t row = -1;    // Data errors of a sink: index of the refused row in what was written; -1: not known
};

template <typename T>
using Result = std::expected<T, Error>;
inline std::unexpected<Error> failure(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message), {}, -1});
}

}  // namespace piperun::base
