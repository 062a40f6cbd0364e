#include "lang/prove/prove.h"

#include <gmock/gmock.h>

#include "lang/prove/explain.h"

namespace piperun::prove {
namespace {

using testing::HasSubstr;

// events (embedded) -> filter -> hook (http)
ir::Program to_http(bool has_key, bool is_volatile) {
  ir::Program program;
  program.name = program.id = "p";
  program.delivery = ir::Delivery::ExactlyOnce;
  program.systems = {{"events", ir::SystemKind::Embedded, {}, false}, {"hook", ir::SystemKind::Http, {}, false}};
  ir::Source source;
  source.name = "orders";
  program.sources.push_back(source);
  ir::Sink sink;
  sink.name = "hook";
  sink.system = 1;
  sink.idempotent_by_key = has_key;
  program.sinks.push_back(sink);
  program.policies.emplace_back();
  program.functions.emplace_back().blocks.emplace_back().end.kind = ir::Terminator::Kind::Filtered;
  ir::Node input, filter, output;
  input.flow = filter.flow = output.flow = "f";
  input.op = ir::Input{0};
  input.next = {{{1}}};
  filter.stage = "filter";
  filter.op = ir::Apply{0};
  filter.is_volatile = is_volatile;
  filter.next = {{{2}}};
  output.stage = "to hook";
  output.op = ir::Output{};
  program.graph.nodes = {input, filter, output};
  return program;
}

std::vector<const diag::Diagnostic*> found_in(ir::Program program, diag::Report& report) {
  plan::Places places;
  compile(program, places, report, false);
  return report.sorted();
}

TEST(Compile, HttpWithoutKeyIsRefusedWithTheCrashThatShowsIt) {
  diag::Report report;
  const auto found = found_in(to_http(false, false), report);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0]->code, diag::Code::P0401);
  EXPECT_EQ(found[0]->label_text, "a request can be repeated: crash after `write hook`, before `commit`");
  ASSERT_EQ(found[0]->secondaries.size(), 1U);
  EXPECT_EQ(found[0]->secondaries[0].text, "promised here");
  EXPECT_EQ(found[0]->helps.size(), 2U);
}

TEST(Compile, HttpWithKeyIsAcceptedWithAVerdictOfItsOwn) {
  diag::Report report;
  ir::Program program = to_http(true, false);
  const auto proofs = compile(program, {}, report, false);
  EXPECT_TRUE(report.empty());
  ASSERT_EQ(proofs.size(), 1U);
  const std::string text = explain(program, proofs);
  EXPECT_THAT(text, HasSubstr("hook: each record exactly once, if the receiver ignores what it has already"));
  EXPECT_THAT(text, HasSubstr("The receiver of hook ignores a request whose idempotency key it has seen."));
}

TEST(Compile, VolatileDecisionInFrontOfSuchASinkIsRefused) {
  diag::Report report;
  const auto found = found_in(to_http(true, true), report);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0]->code, diag::Code::P0418);
}

// What compile says when a protocol does not keep the promise, whatever the reason.
TEST(Compile, UnitsAreProvedNotTrusted) {
  diag::Report report;
  ir::Program program = to_http(true, false);
  compile(program, {}, report, false);
  std::erase_if(program.units[0].protocol.batch, [](const ir::Step& s) { return s.kind == ir::StepKind::Fence; });
  const Verdict verdict = prove(program)[0].verdicts[0];
  EXPECT_FALSE(verdict.holds(program.delivery));
}

}  // namespace
}  // namespace piperun::prove
