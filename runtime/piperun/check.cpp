// `piperun check`: every diagnostic of a file, without running it.
#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lang/diag/render.h"
#include "lang/ir/print.h"
#include "runtime/piperun/compile.h"

namespace piperun::cli {
namespace {

constexpr Option kOptions[] = {{"FILE", Takes::Many, true, "", "the files"}, kLocal, kParam, kJson};

// `orders.pipe: exactly_once holds for order_lines, refunds`
void tell_proof(const std::string& path, const Compiled& compiled, World& world) {
  std::vector<std::string> sinks;
  for (const prove::Proof& proof : compiled.proofs) {
    for (const prove::Verdict& verdict : proof.verdicts) {
      const ir::Sink& sink = compiled.program->sinks[verdict.sink];
      const bool is_internal = std::ranges::count(compiled.program->links, verdict.sink, &ir::Link::sink) > 0;
      if (is_internal || std::ranges::count(sinks, sink.name) > 0) continue;
      sinks.push_back(sink.name + (verdict.ignores_repeats ? " (if its receiver ignores repeats)" : ""));
    }
  }
  if (sinks.empty()) fmt::print(world.out, "{}: no error; there is no flow whose delivery could be proved\n", path);
  else fmt::print(world.out, "{}: {} holds for {}\n", path, ir::name(compiled.program->delivery), fmt::join(sinks, ", "));
}

Exit run(const Arguments& arguments, World& world) {
  const auto options = compile_options(arguments, world);
  if (!options) return misuse(world, options.error());
  Exit result = Exit::Done;
  for (const std::string& path : arguments.all("FILE")) {
    const auto compiled = compile_file(path, *options);
    if (!compiled) return tell(compiled.error(), world);
    diag::RenderOptions form;
    form.colour = world.colour;
    if (arguments.has("--json")) world.out << diag::to_json(compiled->report, *compiled->sources);
    else world.err << diag::render(compiled->report, *compiled->sources, form);
    if (!compiled->ok()) result = Exit::WrongFile;
    else if (!arguments.has("--json")) tell_proof(path, *compiled, world);
  }
  return result;
}

}  // namespace

extern const Command kCheck;
const Command kCheck = {"check", "Says everything that is wrong with a file, and proves what it promises.",
                        "piperun check orders.pipe\npiperun check *.pipe --json", kOptions, run};

}  // namespace piperun::cli
