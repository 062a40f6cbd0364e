#include "lang/value/failure.h"

#include <cstddef>

namespace piperun::value {

namespace {

struct Entry {
  std::string_view name;
  std::string_view words;
};

constexpr Entry kFaults[] = {
#define FAULT(name, words) {#name, words},
#include "lang/value/faults.def"
#undef FAULT
};

}  // namespace

std::string_view words(Fault fault) { return kFaults[static_cast<std::size_t>(fault)].words; }

std::string_view name(Fault fault) { return kFaults[static_cast<std::size_t>(fault)].name; }

}  // namespace piperun::value
