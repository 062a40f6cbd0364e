#include "lang/diag/report.h"

#include <algorithm>

namespace piperun::diag {

Diagnostic& Report::add(Diagnostic diagnostic) {
  if (!seen_.emplace(diagnostic.code, diagnostic.span).second) return repeated_.emplace_back(std::move(diagnostic));
  if (diagnostic.severity() == Severity::Error) ++errors_;
  return found_.emplace_back(std::move(diagnostic));
}

std::vector<const Diagnostic*> Report::sorted() const {
  std::vector<const Diagnostic*> order;
  for (const Diagnostic& each : found_) order.push_back(&each);
  std::ranges::stable_sort(order, {}, [](const Diagnostic* each) { return std::pair(each->span.file, each->span.begin); });
  return order;
}

}  // namespace piperun::diag
