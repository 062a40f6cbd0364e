#include "runtime/piperun/test_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>

#include "lang/diag/render.h"
#include "runtime/base/clock.h"
#include "runtime/engine/engine.h"
#include "runtime/piperun/compile.h"
#include "runtime/piperun/ledger.h"
#include "runtime/piperun/test_stores.h"
#include "runtime/piperun/test_text.h"
#include "runtime/piperun/test_world.h"
#include "runtime/piperun/upgrade.h"

namespace piperun::cli {
namespace {

namespace fs = std::filesystem;
using Problem = std::string;  // "": none

constexpr int kRestarts = 100;  // of one flush; more than a test can order

bool expects_something(SectionKind kind) {
  return is_about_text(kind) || kind == SectionKind::Output || kind == SectionKind::DeadLetters || kind == SectionKind::Ledger ||
         kind == SectionKind::Error;
}

class TestRun {
 public:
  TestRun(const TestFile& file, const TestCase& test, const fs::path& folder, const fs::path& scratch)
      : file_(file), test_(test), folder_(folder), scratch_(scratch) {}

  TestOutcome go() {
    outcome_.problem = run();
    return std::move(outcome_);
  }

 private:
  Problem run() {
    auto settings = settings_of(file_, test_);
    if (!settings) return settings.error();
    settings_ = std::move(*settings);
    clock_.set(settings_.now);
    options_.local = settings_.local;
    options_.params = settings_.params;
    options_.folder = folder_.string();
    options_.environment = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = settings_.environment.find(name);
      return found == settings_.environment.end() ? std::nullopt : std::optional(found->second);
    };
    for (const Section& section : test_.sections) {
      if (section.kind == SectionKind::File) options_.files[section.name] = text_of(section);
    }
    if (const Problem problem = compile(settings_.pipeline, true); !problem.empty()) return problem;
    const bool runs = std::ranges::any_of(test_.sections, [](const Section& section) {
      return section.kind == SectionKind::Input || (expects_something(section.kind) && !is_about_text(section.kind));
    });
    if (runs) {
      if (const Problem problem = execute(); !problem.empty()) return problem;
      if (const Problem problem = collect(); !problem.empty()) return problem;
    }
    return check_used();
  }

  // ---- Compiling

  // `report`: sections about the text are of the first program.
  Problem compile(const std::string& path, bool report) {
    auto compiled = compile_file(path, options_);
    if (!compiled) return compiled.error().message;
    for (const auto& [name, text] : options_.files) {
      if (compiled->sources->find(name)) used_files_.insert(name);
    }
    bool diagnostics_expected = false;
    for (const Section& section : test_.sections) {
      if (!report || !is_about_text(section.kind)) continue;
      diagnostics_expected |= section.kind == SectionKind::Diagnostics;
      auto actual = section_about(section.kind, path, *compiled, options_);
      if (!actual) return actual.error();
      outcome_.sections.push_back({&section, lines_of(*actual), false});
    }
    if (!compiled->ok())
      return diagnostics_expected ? "" : "the pipeline is wrong\n" + diag::render(compiled->report, *compiled->sources);
    compiled_ = std::move(*compiled);
    make_stand_ins(*compiled_->program);
    return "";
  }

  // ---- Running

  ir::Program& program() { return *compiled_->program; }

  StandIns stand_ins() { return {program(), scratch_.string(), folder_.string()}; }

  Problem execute() {
    if (!compiled_) return "the pipeline is wrong, nothing can be run";
    std::vector<InputLine> input;
    for (const Section& section : test_.sections) {
      if (section.kind != SectionKind::Input) continue;
      auto lines = input_of(file_, section);
      if (!lines) return lines.error();
      input.insert(input.end(), lines->begin(), lines->end());
    }
    if (const Problem problem = make_topics(input); !problem.empty()) return problem;
    if (const Problem problem = fill_tables(); !problem.empty()) return problem;
    // A position that is not `earliest` is resolved before the first record of the test.
    if (std::ranges::any_of(program().sources, [](const ir::Source& source) { return source.start != "earliest"; })) {
      if (const Problem problem = run_engine(); !problem.empty()) return problem;
    }
    for (const InputLine& line : input) {
      if (const Problem problem = follow(line); !problem.empty()) return fmt::format("{}:{}: {}", file_.path, line.line, problem);
      if (failed_) return "";
    }
    if (const Problem problem = flush(); !problem.empty() || failed_) return problem;
    return check_faults();
  }

  Problem follow(const InputLine& line) {
    switch (line.kind) {
      case InputLine::Kind::Record: return append(line);
      case InputLine::Kind::Batch: return flush();
      case InputLine::Kind::Time: time_shift_ = *line.time - clock_.now(); return "";
      case InputLine::Kind::Crash: faults_.crashes.push_back(line.name); return "";
      case InputLine::Kind::Fail:
        if (!find_sink(line.name)) return fmt::format("there is no sink `{}`", line.name);
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
        if (const Problem problem = compile(line.name, false); !problem.empty()) return problem;
        return run_engine();
      }
    }
    return "";
  }

  const ir::Source* find_source(const std::string& name) {
    const auto& sources = program().sources;
    auto found = std::ranges::find(sources, name, &ir::Source::name);
    if (found == sources.end()) found = std::ranges::find(sources, name, &ir::Source::object);
    return found == sources.end() ? nullptr : &*found;
  }
  const ir::Sink* find_sink(const std::string& name) {
    const auto found = std::ranges::find(program().sinks, name, &ir::Sink::name);
    return found == program().sinks.end() ? nullptr : &*found;
  }

  // As many partitions as the input names.
  Problem make_topics(const std::vector<InputLine>& input) {
    std::map<std::string, std::int64_t> partitions;
    for (const InputLine& line : input) {
      if (line.kind != InputLine::Kind::Record) continue;
      const ir::Source* source = find_source(line.name);
      if (!source) return fmt::format("{}:{}: there is no source `{}`", file_.path, line.line, line.name);
      std::int64_t& count = partitions[topic_of(*source)];
      count = std::max<std::int64_t>({count, line.partition + 1, 1});
    }
    const auto made = cli::make_topics(stand_ins(), partitions);
    return made ? "" : made.error().message;
  }

  // The lines become the table's sample file.
  Problem fill_tables() {
    for (const Section& section : test_.sections) {
      if (section.kind != SectionKind::Table) continue;
      const auto table = std::ranges::find(program().tables, section.name, &ir::Table::name);
      if (table == program().tables.end())
        return fmt::format("{}:{}: there is no table `{}`", file_.path, section.line, section.name);
      const fs::path sample = fs::absolute(scratch_ / (section.name + ".sample"));
      std::ofstream(sample) << text_of(section);
      table->sample = sample.string();
      samples_[section.name] = sample.string();
    }
    return "";
  }

  Problem append(const InputLine& line) {
    const ir::Source* source = find_source(line.name);
    if (!source) return fmt::format("there is no source `{}`", line.name);
    waiting_ = true;
    const auto done = append_record(stand_ins(), *source, line, line.time.value_or(clock_.now() + time_shift_));
    return done ? "" : done.error().message;
  }

  Problem flush() {
    if (!waiting_ && has_run_ && faults_.crashes.empty()) return "";
    waiting_ = false;
    return run_engine();
  }

  Problem run_engine() {
    has_run_ = true;
    for (auto& [name, sample] : samples_) {
      const auto table = std::ranges::find(program().tables, name, &ir::Table::name);
      if (table != program().tables.end()) table->sample = sample;
    }
    engine::Options options = engine_options(*compiled_);
    options.drain = true;
    options.inline_intake = true;
    options.compare = comparer(upgrade_);
    for (int restarts = 0; restarts < kRestarts; ++restarts) {
      const auto real = connectors::make_connectors(scratch_.string(), folder_.string(), clock_, engine::secret_from_environment);
      // A file without samples has no step that makes its tables.
      for (const ir::Unit& unit : program().units) {
        if (auto filled = real->fill_samples(program(), unit); !filled) return filled.error().message;
      }
      FailingConnectors connectors(*real, faults_, clock_);
      CrashingObserver observer(faults_, program());
      engine::RunResult result = engine::run(program(), connectors, clock_, observer, options, {});
      if (result.crashed) continue;
      ledgers_ = std::move(result.ledgers);
      if (!result.error) return "";
      failed_ = result.error;
      return expects_error() ? "" : fmt::format("the run ended: {}", error_line());
    }
    return "the unit crashes without end";
  }

  bool expects_error() const {
    return std::ranges::any_of(test_.sections, [](const Section& section) { return section.kind == SectionKind::Error; });
  }
  std::string error_line() const { return fmt::format("{}: {}", base::traits(failed_->code).code, failed_->message); }

  Problem ask_replays() {
    const auto asked = cli::ask_replays(stand_ins());
    if (!asked) return asked.error().message;
    waiting_ = waiting_ || *asked > 0;
    return "";
  }

  Problem check_faults() {
    if (!faults_.crashes.empty())
      return fmt::format("the step `{}` of `@crash after {}` was never done", faults_.crashes[0], faults_.crashes[0]);
    for (const auto& [name, failure] : faults_.sinks) {
      if (failure.times > 0 || failure.happened == 0)
        return fmt::format("`@fail {}`: not all failures happened, {} did", name, failure.happened);
    }
    return "";
  }

  // ---- What is there now

  Problem collect() {
    for (const Section& section : test_.sections) {
      SectionOutcome outcome{&section, {}, false};
      Problem problem;
      if (section.kind == SectionKind::Output) problem = collect_output(section, outcome);
      else if (section.kind == SectionKind::DeadLetters) problem = collect_letters(outcome);
      else if (section.kind == SectionKind::Ledger) outcome.actual = ledger_lines(ledgers_);
      else if (section.kind == SectionKind::Error)
        outcome.actual = failed_ ? std::vector<std::string>{error_line()} : std::vector<std::string>{};
      else continue;
      if (!problem.empty()) return problem;
      outcome_.sections.push_back(std::move(outcome));
    }
    return "";
  }

  Problem collect_output(const Section& section, SectionOutcome& outcome) {
    const ir::Sink* sink = find_sink(section.name);
    if (!sink) return fmt::format("{}:{}: there is no sink `{}`", file_.path, section.line, section.name);
    outcome.any_order = !sink->is_topic && !sink->key.empty();
    auto lines = output_of(stand_ins(), *sink);
    if (!lines) return lines.error().message;
    outcome.actual = std::move(*lines);
    return "";
  }

  Problem collect_letters(SectionOutcome& outcome) {
    auto lines = letters_of(stand_ins());
    if (!lines) return lines.error().message;
    outcome.actual = std::move(*lines);
    return "";
  }

  Problem check_used() {
    for (const Section& section : test_.sections) {
      if (section.kind == SectionKind::File && !used_files_.contains(section.name)) {
        return fmt::format("{}:{}: the section `{}` is not used by the pipeline", file_.path, section.line, section.name);
      }
      if (section.kind == SectionKind::Table && samples_.empty()) {
        return fmt::format("{}:{}: the section `table {}` is not used: nothing is run", file_.path, section.line, section.name);
      }
    }
    return "";
  }

  const TestFile& file_;
  const TestCase& test_;
  const fs::path folder_, scratch_;
  TestOutcome outcome_;
  TestSettings settings_;
  CompileOptions options_;
  std::optional<Compiled> compiled_;
  base::VirtualClock clock_{0};
  Faults faults_;
  plan::Upgrade upgrade_ = plan::Upgrade::None;
  std::map<std::string, std::string> samples_;  // table → file
  std::set<std::string> used_files_;
  std::int64_t time_shift_ = 0;                 // of record times against the clock, microseconds
  bool waiting_ = false, has_run_ = false;
  std::vector<engine::UnitLedger> ledgers_;
  std::optional<base::Error> failed_;
};

}  // namespace

TestOutcome run_test(const TestFile& file, const TestCase& test, const fs::path& folder, const fs::path& scratch) {
  return TestRun(file, test, folder, scratch).go();
}

}  // namespace piperun::cli
