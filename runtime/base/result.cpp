#include "runtime/base/result.h"

namespace piperun::base {

namespace {

using enum ErrorClass;

constexpr ErrorTraits kTraits[] = {
#define ERROR(code, name, error_class, title, explanation) {#code, error_class, title, explanation},
#include "runtime/base/errors.def"
#undef ERROR
};

}  // namespace

const ErrorTraits& traits(ErrorCode code) { return kTraits[static_cast<std::size_t>(code)]; }

std::span<const ErrorTraits> all_errors() { return kTraits; }

}  // namespace piperun::base
