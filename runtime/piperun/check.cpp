// `piperun check`: every diagnostic of a file, without running it; with --connect also what its servers make of its promise.
#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lang/diag/render.h"
#include "lang/ir/declared.h"
#include "lang/ir/print.h"
#include "runtime/piperun/compile.h"
#include "runtime/piperun/environment.h"
#include "runtime/piperun/rows.h"
#include "runtime/piperun/secrets.h"
#include "runtime/piperun/stores.h"

namespace piperun::cli {
namespace {

constexpr Option kOptions[] = {
    {"FILE", Takes::Many, true, "", "the files"},
    {"--connect", Takes::Nothing, false, "", "ask the live brokers and databases, too, whether they can keep what is promised"},
    kLocal,
    kParam,
    kJson};

// `orders.pipe: exactly_once holds for order_lines, refunds`
void tell_proof(const std::string& path, const Compiled& compiled, World& world) {
  std::vector<std::string> sinks;
  for (const prove::Proof& proof : compiled.proofs) {
    for (const prove::Verdict& verdict : proof.verdicts) {
      const ir::Sink& sink = compiled.program->sinks[verdict.sink];
      const bool is_internal = ir::link_written(*compiled.program, verdict.sink) != nullptr;
      if (is_internal || std::ranges::count(sinks, sink.name) > 0) continue;
      sinks.push_back(sink.name + (verdict.ignores_repeats ? " (if its receiver ignores repeats)" : ""));
    }
  }
  if (sinks.empty()) fmt::print(world.out, "{}: no error; there is no flow whose delivery could be proved\n", path);
  else fmt::print(world.out, "{}: {} holds for {}\n", path, ir::name(compiled.program->delivery), fmt::join(sinks, ", "));
}

std::string place_of(const ir::Program& program, const ir::Site& site) {
  return site.line == 0 ? "" : fmt::format("{}:{}:{}", program.files[site.file], site.line, site.column);
}

void print_finding(const ir::Program& program, const Finding& finding, World& world) {
  const std::string place = place_of(program, finding.site);
  if (finding.code) fmt::print(world.err, "error[{}]: {}\n", base::traits(*finding.code).code, finding.words);
  else fmt::print(world.err, "weaker: {}\n", finding.words);
  if (!place.empty()) fmt::print(world.err, " --> {}\n", place);
  if (!finding.mend.empty()) fmt::print(world.err, "  = help: {}\n", finding.mend);
}

void print_json(const ir::Program& program, const Finding& finding, World& world) {
  const char* code = finding.code ? base::traits(*finding.code).code : "";
  fmt::print(world.out,
             "{{\"code\":{},\"severity\":\"{}\",\"message\":{},\"span\":{{\"file\":{},\"line\":{},\"column\":{}}},\"help\":{},"
             "\"as_long_as\":{}}}\n",
             finding.code ? bytes_json(code) : "null", finding.code ? "error" : "weaker", bytes_json(finding.words),
             finding.site.line == 0 ? "null" : bytes_json(program.files[finding.site.file]), finding.site.line,
             finding.site.column, finding.mend.empty() ? "null" : bytes_json(finding.mend),
             finding.code ? "null" : bytes_json(finding.as_long_as));
}

// Says what the servers make of the promise. Errors: it cannot run like this.
Exit check_environment(const std::string& path, const Compiled& compiled, bool json, World& world) {
  const ir::Program& program = *compiled.program;
  if (const auto checked = check_secrets(program); !checked) return tell(checked.error(), world);
  std::vector<Finding> findings = check_clusters(program, folder_of(path));
  std::ranges::move(check_databases(program), std::back_inserter(findings));
  for (const Finding& finding : findings) json ? print_json(program, finding, world) : print_finding(program, finding, world);
  const auto errors = std::ranges::count_if(findings, [](const Finding& finding) { return finding.code.has_value(); });
  if (errors > 0 && !json) fmt::print(world.out, "{}: cannot run like this: {} error{}\n", path, errors, errors == 1 ? "" : "s");
  if (errors > 0) return Exit::WorldFailed;
  if (json) return Exit::Done;
  tell_proof(path, compiled, world);
  std::vector<std::string> conditions;
  for (const Finding& finding : findings) {
    if (std::ranges::count(conditions, finding.as_long_as) == 0) conditions.push_back(finding.as_long_as);
  }
  for (const std::string& condition : conditions) fmt::print(world.out, "  as long as {}\n", condition);
  return Exit::Done;
}

Exit run(const Arguments& arguments, World& world) {
  auto options = compile_options(arguments, world);
  if (!options) return misuse(world, options.error());
  const bool connects = arguments.has("--connect"), json = arguments.has("--json");
  if (connects && options->local) return misuse(world, "--connect asks servers, and --local has none");
  options->run = connects;
  Exit result = Exit::Done;
  for (const std::string& path : arguments.all("FILE")) {
    const auto compiled = compile_file(path, *options);
    if (!compiled) return tell(compiled.error(), world);
    diag::RenderOptions form;
    form.colour = world.colour;
    if (json) world.out << diag::to_json(compiled->report, *compiled->sources);
    else world.err << diag::render(compiled->report, *compiled->sources, form);
    if (!compiled->ok()) result = Exit::WrongFile;
    else if (connects) result = std::max(result, check_environment(path, *compiled, json, world));
    else if (!json) tell_proof(path, *compiled, world);
  }
  return result;
}

}  // namespace

extern const Command kCheck;
const Command kCheck = {"check", "Says everything that is wrong with a file, and proves what it promises.",
                        "piperun check orders.pipe\npiperun check orders.pipe --connect\npiperun check *.pipe --json", kOptions,
                        run};

}  // namespace piperun::cli
