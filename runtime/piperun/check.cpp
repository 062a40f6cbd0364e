// `piperun check`: every diagnostic of a file, without running it.
#include <ostream>

#include "lang/diag/render.h"
#include "runtime/piperun/compile.h"

namespace piperun::cli {
namespace {

constexpr Option kOptions[] = {{"FILE", Takes::Many, true, "", "the files"}, kLocal, kParam, kJson};

Exit run(const Arguments& arguments, World& world) {
  const auto options = compile_options(arguments, world);
  if (!options) {
    world.err << "piperun: " << options.error() << '\n';
    return Exit::Usage;
  }
  Exit result = Exit::Done;
  for (const std::string& path : arguments.all("FILE")) {
    const auto compiled = compile_file(path, *options);
    if (!compiled) return tell(compiled.error(), world);
    diag::RenderOptions form;
    form.colour = world.colour;
    if (arguments.has("--json")) world.out << diag::to_json(compiled->report, *compiled->sources);
    else world.err << diag::render(compiled->report, *compiled->sources, form);
    if (!compiled->ok()) result = Exit::WrongFile;
  }
  return result;
}

}  // namespace

extern const Command kCheck;
const Command kCheck = {"check", "Says everything that is wrong with a file, and proves what it promises.",
                        "piperun check orders.pipe\npiperun check *.pipe --json", kOptions, run};

}  // namespace piperun::cli
