#include "runtime/piperun/test_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/piperun/ledger.h"
#include "runtime/piperun/test_orders.h"
#include "runtime/piperun/test_program.h"
#include "runtime/piperun/test_text.h"

namespace piperun::cli {
namespace {

// Only a run can say what is there.
bool needs_run(const Section& section) {
  switch (section.kind) {
    case SectionKind::Input:
    case SectionKind::Output:
    case SectionKind::DeadLetters:
    case SectionKind::Ledger:
    case SectionKind::Error: return true;
    case SectionKind::Test:
    case SectionKind::File:
    case SectionKind::Table:
    case SectionKind::Ast:
    case SectionKind::Ir:
    case SectionKind::Diagnostics:
    case SectionKind::Explain: break;
  }
  return false;
}

Problem collect_output(const TestFile& file, const Section& section, const TestProgram& program, SectionOutcome& outcome) {
  const ir::Sink* sink = program.find_sink(section.name);
  if (!sink) return fmt::format("{}:{}: there is no sink `{}`", file.path, section.line, section.name);
  outcome.any_order = !sink->is_topic && !sink->key.empty();
  auto lines = output_of(program.stand_ins(), *sink);
  if (!lines) return lines.error().message;
  outcome.actual = std::move(*lines);
  return "";
}

Problem collect_letters(const TestProgram& program, SectionOutcome& outcome) {
  auto lines = letters_of(program.stand_ins());
  if (!lines) return lines.error().message;
  outcome.actual = std::move(*lines);
  return "";
}

// What is there now, section by section.
Problem collect(const TestFile& file, const TestCase& test, const TestProgram& program, const TestOrders& orders,
                std::vector<SectionOutcome>& outcomes) {
  for (const Section& section : test.sections) {
    if (!needs_run(section) || section.kind == SectionKind::Input) continue;
    SectionOutcome outcome{&section, {}, false};
    Problem problem;
    if (section.kind == SectionKind::Output) problem = collect_output(file, section, program, outcome);
    else if (section.kind == SectionKind::DeadLetters) problem = collect_letters(program, outcome);
    else if (section.kind == SectionKind::Ledger) outcome.actual = ledger_lines(orders.ledgers());
    else if (const auto error = orders.error()) outcome.actual = {*error};
    if (!problem.empty()) return problem;
    outcomes.push_back(std::move(outcome));
  }
  return "";
}

Problem run(const TestFile& file, const TestCase& test, TestProgram& program, std::vector<SectionOutcome>& outcomes) {
  if (const Problem problem = program.begin(outcomes); !problem.empty()) return problem;
  if (std::ranges::any_of(test.sections, needs_run)) {
    if (!program.is_compiled()) return "the pipeline is wrong, nothing can be run";
    TestOrders orders(file, test, program);
    if (const Problem problem = orders.follow_all(); !problem.empty()) return problem;
    if (const Problem problem = collect(file, test, program, orders, outcomes); !problem.empty()) return problem;
  }
  return program.check_used();
}

}  // namespace

TestOutcome run_test(const TestFile& file, const TestCase& test, const std::filesystem::path& folder,
                     const std::filesystem::path& scratch) {
  TestProgram program(file, test, folder, scratch);
  TestOutcome outcome;
  outcome.problem = program.placed(run(file, test, program, outcome.sections));
  return outcome;
}

}  // namespace piperun::cli
