// Collects what the phases find, in any order, and hands it out sorted and without repetitions.
#pragma once
#include <cstddef>
#include <deque>
#include <set>
#include <utility>
#include <vector>

#include "lang/diag/diagnostic.h"

namespace piperun::diag {

class Report {
 public:
  // Builds on the reference: report.add(Code::P0101, span).message("…"). References stay valid.
  // The same code at the same span is kept once: what is built on a repetition goes nowhere.
  Diagnostic& add(Code code, Span span) { return add(Diagnostic(code, span)); }
  Diagnostic& add(Diagnostic diagnostic);

  bool has_errors() const { return errors_ > 0; }
  std::size_t error_count() const { return errors_; }
  std::size_t warning_count() const { return found_.size() - errors_; }
  bool empty() const { return found_.empty(); }

  // By position; at one position in the order of `add`.
  std::vector<const Diagnostic*> sorted() const;

 private:
  std::deque<Diagnostic> found_;
  std::set<std::pair<Code, Span>> seen_;
  std::deque<Diagnostic> repeated_;  // what `add` returned for repetitions
  std::size_t errors_ = 0;
};

}  // namespace piperun::diag
