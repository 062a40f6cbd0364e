// Expected lines against actual ones. Lines that are JSON are compared as values, all others as text.
#pragma once
#include <string>
#include <vector>

#include "runtime/piperun/test_run.h"

namespace piperun::cli {

struct Comparison {
  bool equal = true;
  std::vector<std::string> diff;     // `  same`, `- expected`, `+ there was`
  std::vector<std::string> updated;  // what would be right, in the form of the expected lines: for --update
};

Comparison compare(const SectionOutcome& outcome);

}  // namespace piperun::cli
