#include "runtime/piperun/test_orders.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "lang/diag/suggest.h"
#include "lang/ir/declared.h"
#include "runtime/piperun/upgrade.h"

namespace piperun::cli {
namespace {

constexpr int kRestarts = 100;  // of one flush; more than a test can order

}  // namespace

TestOrders::TestOrders(const TestFile& file, const TestCase& test, TestProgram& program)
    : file_(file), test_(test), program_(program), clock_(program.settings().now) {}

Problem TestOrders::follow_all() {
  std::vector<InputLine> input;
  for (const Section& section : test_.sections) {
    if (section.kind != SectionKind::Input) continue;
    auto lines = input_of(file_, section);
    if (!lines) return lines.error();
    input.insert(input.end(), lines->begin(), lines->end());
  }
  if (const Problem problem = make_topics(input); !problem.empty()) return problem;
  if (const Problem problem = program_.fill_tables(); !problem.empty()) return problem;
  // A position that is not `earliest` is resolved before the first record of the test.
  if (std::ranges::any_of(program_.program().sources, [](const ir::Source& source) { return source.start != "earliest"; })) {
    if (const Problem problem = run_engine(); !problem.empty()) return problem;
  }
  for (const InputLine& line : input) {
    if (const Problem problem = follow(line); !problem.empty()) return fmt::format("{}:{}: {}", file_.path, line.line, problem);
    if (failed_) return "";
  }
  if (const Problem problem = flush(); !problem.empty() || failed_) return problem;
  return check_faults();
}

Problem TestOrders::follow(const InputLine& line) {
  switch (line.kind) {
    case InputLine::Kind::Record: return append(line);
    case InputLine::Kind::Batch: return flush();
    case InputLine::Kind::Time: time_shift_ = *line.time - clock_.now(); return "";
    case InputLine::Kind::Crash: faults_.crashes.push_back(line.name); return check_step(line.name);
    case InputLine::Kind::Fail:
      if (!program_.find_sink(line.name)) return fmt::format("there is no sink `{}`", line.name);
      faults_.sinks[line.name] = {line.count, line.duration > 0 ? clock_.now() + line.duration : 0, 0};
      return "";
    case InputLine::Kind::Clock: {
      const Problem problem = flush();
      clock_.advance(line.duration);
      return problem;
    }
    case InputLine::Kind::Replay: {
      const Problem problem = flush();
      return problem.empty() ? ask_replays() : problem;
    }
    case InputLine::Kind::Pipeline: {
      if (const Problem problem = flush(); !problem.empty()) return problem;
      const auto upgrade = upgrade_of(line.upgrade);
      if (!upgrade) return fmt::format("`{}` is none of keep, migrate, reset", line.upgrade);
      upgrade_ = *upgrade;
      if (const Problem problem = program_.replace(line.name); !problem.empty()) return problem;
      return run_engine();
    }
  }
  return "";
}

// A mistyped step would only be missed at the end, as one that was never done.
Problem TestOrders::check_step(const std::string& wanted) const {
  const ir::Program& program = program_.program();
  std::vector<std::string> names;
  bool is_there = false;
  for (const ir::Unit& unit : program.units) {
    const ir::Protocol& p = unit.protocol;
    for (const auto* steps : {&p.batch, &p.on_assign, &p.on_revoke, &p.on_lost, &p.on_unclear, &p.on_poison, &p.on_stop}) {
      for (const ir::Step& step : *steps) {
        const std::string name = ir::step_name(step, program.sinks);
        is_there = is_there || wanted == name || wanted == ir::traits(step.kind).text;
        if (std::ranges::count(names, name) == 0) names.push_back(name);
      }
    }
  }
  if (is_there) return "";
  const auto near = diag::suggest(wanted, names);
  if (near) return fmt::format("no unit has a step `{}`; did you mean `{}`?", wanted, *near);
  return fmt::format("no unit has a step `{}`; there are {}", wanted, fmt::join(names, ", "));
}

// As many partitions as the input names.
Problem TestOrders::make_topics(const std::vector<InputLine>& input) {
  std::map<std::string, std::int64_t> partitions;
  for (const InputLine& line : input) {
    if (line.kind != InputLine::Kind::Record) continue;
    const ir::Source* source = program_.find_source(line.name);
    if (!source) return fmt::format("{}:{}: there is no source `{}`", file_.path, line.line, line.name);
    std::int64_t& count = partitions[ir::object_of(*source)];
    count = std::max<std::int64_t>({count, line.partition + 1, 1});
  }
  const auto made = cli::make_topics(program_.stand_ins(), partitions);
  return made ? "" : made.error().message;
}

Problem TestOrders::append(const InputLine& line) {
  const ir::Source* source = program_.find_source(line.name);
  if (!source) return fmt::format("there is no source `{}`", line.name);
  waiting_ = true;
  const auto done = append_record(program_.stand_ins(), *source, line, line.time.value_or(clock_.now() + time_shift_));
  return done ? "" : done.error().message;
}

Problem TestOrders::flush() {
  if (!waiting_ && has_run_ && faults_.crashes.empty()) return "";
  waiting_ = false;
  return run_engine();
}

Problem TestOrders::run_engine() {
  has_run_ = true;
  const ir::Program& program = program_.program();
  const StandIns stores = program_.stand_ins();
  engine::Options options = engine_options(program_.compiled());
  options.drain = true;
  options.inline_intake = true;
  options.compare = comparer(upgrade_);
  for (int restarts = 0; restarts < kRestarts; ++restarts) {
    const auto real = connectors::make_connectors(stores.state_dir, stores.base_dir, clock_, engine::secret_from_environment);
    // A file without samples has no step that makes its tables.
    for (const ir::Unit& unit : program.units) {
      if (auto filled = real->fill_samples(program, unit); !filled) return filled.error().message;
    }
    FailingConnectors connectors(*real, faults_, clock_);
    CrashingObserver observer(faults_, program);
    engine::RunResult result = engine::run(program, connectors, clock_, observer, options, {});
    if (result.crashed) continue;
    ledgers_ = std::move(result.ledgers);
    failed_ = result.error;
    const bool is_expected = !failed_ || std::ranges::count(test_.sections, SectionKind::Error, &Section::kind) > 0;
    return is_expected ? "" : fmt::format("the run ended: {}", *error());
  }
  return "the unit crashes without end";
}

std::optional<std::string> TestOrders::error() const {
  if (!failed_) return std::nullopt;
  return fmt::format("{}: {}", base::traits(failed_->code).code, failed_->message);
}

Problem TestOrders::ask_replays() {
  const auto asked = cli::ask_replays(program_.stand_ins());
  if (!asked) return asked.error().message;
  waiting_ = waiting_ || *asked > 0;
  return "";
}

Problem TestOrders::check_faults() const {
  if (!faults_.crashes.empty())
    return fmt::format("the step `{}` of `@crash after {}` was never done", faults_.crashes[0], faults_.crashes[0]);
  for (const auto& [name, failure] : faults_.sinks) {
    if (failure.times > 0 || failure.happened == 0)
      return fmt::format("`@fail {}`: not all failures happened, {} did", name, failure.happened);
  }
  return "";
}

}  // namespace piperun::cli
