#include "runtime/piperun/test_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>

#include "lang/diag/render.h"
#include "runtime/piperun/test_text.h"
#include "runtime/piperun/test_world.h"

namespace piperun::cli {

namespace fs = std::filesystem;

Problem TestProgram::begin(std::vector<SectionOutcome>& outcomes) {
  auto settings = settings_of(file_, test_);
  if (!settings) return settings.error();
  settings_ = std::move(*settings);
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
  return compile(settings_.pipeline, &outcomes);
}

Problem TestProgram::replace(const std::string& path) { return compile(path, nullptr); }

Problem TestProgram::compile(const std::string& path, std::vector<SectionOutcome>* outcomes) {
  auto compiled = compile_file(path, options_);
  if (!compiled) return compiled.error().message;
  for (const auto& [name, text] : options_.files) {
    if (compiled->sources->find(name)) used_files_.insert(name);
  }
  bool diagnostics_expected = false;
  for (const Section& section : test_.sections) {
    if (!outcomes || !is_about_text(section.kind)) continue;
    diagnostics_expected |= section.kind == SectionKind::Diagnostics;
    auto actual = section_about(section.kind, path, *compiled, options_);
    if (!actual) return actual.error();
    outcomes->push_back({&section, lines_of(*actual), false});
  }
  if (!compiled->ok())
    return diagnostics_expected ? "" : "the pipeline is wrong\n" + diag::render(compiled->report, *compiled->sources);
  compiled_ = std::move(*compiled);
  make_stand_ins(*compiled_->program);
  use_samples();
  return "";
}

Problem TestProgram::fill_tables() {
  for (const Section& section : test_.sections) {
    if (section.kind != SectionKind::Table) continue;
    if (std::ranges::count(program().tables, section.name, &ir::Table::name) == 0)
      return fmt::format("{}:{}: there is no table `{}`", file_.path, section.line, section.name);
    const fs::path sample = fs::absolute(scratch_ / (section.name + ".sample"));
    std::ofstream(sample) << text_of(section);
    samples_[section.name] = sample.string();
  }
  use_samples();
  return "";
}

void TestProgram::use_samples() {
  for (ir::Table& table : compiled_->program->tables) {
    if (const auto found = samples_.find(table.name); found != samples_.end()) table.sample = found->second;
  }
}

Problem TestProgram::placed(const Problem& problem) const {
  for (const Section& section : test_.sections) {
    const auto sample = samples_.find(section.name);
    if (section.kind != SectionKind::Table || sample == samples_.end()) continue;
    const std::size_t at = problem.find(sample->second + ":");
    if (at == std::string::npos) continue;
    const char* const last = problem.data() + problem.size();
    std::size_t line = 0;
    const auto [words, error] = std::from_chars(problem.data() + at + sample->second.size() + 1, last, line);
    if (error != std::errc() || line == 0 || line > section.lines.size()) continue;
    return fmt::format("{}:{}{}", file_.path, section.lines[line - 1].number, std::string_view(words, last));
  }
  return problem;
}

Problem TestProgram::check_used() const {
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

const ir::Source* TestProgram::find_source(const std::string& name) const {
  const auto& sources = program().sources;
  auto found = std::ranges::find(sources, name, &ir::Source::name);
  if (found == sources.end()) found = std::ranges::find(sources, name, &ir::Source::object);
  return found == sources.end() ? nullptr : &*found;
}

const ir::Sink* TestProgram::find_sink(const std::string& name) const {
  const auto& sinks = program().sinks;
  const auto found = std::ranges::find(sinks, name, &ir::Sink::name);
  return found == sinks.end() ? nullptr : &*found;
}

}  // namespace piperun::cli
