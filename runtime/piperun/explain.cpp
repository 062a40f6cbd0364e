// `piperun explain FILE`: graph, units, protocol, crash table, guarantees. `piperun explain P0401`: what a code means.
#include "lang/prove/explain.h"

#include <fmt/ostream.h>

#include <cctype>

#include "runtime/piperun/compile.h"

namespace piperun::cli {
namespace {

constexpr Option kOptions[] = {{"FILE|CODE", Takes::One, true, "", "a pipeline, or a code such as P0401"}, kLocal, kParam};

// Also one that there cannot be: no file is called like this.
bool is_code(const std::string& word) {
  return word.size() > 1 && (word[0] == 'P' || word[0] == 'p') &&
         std::all_of(word.begin() + 1, word.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

const base::ErrorTraits* find_error(const std::string& name) {
#define ERROR(code, word, error_class, title, explanation) \
  if (name == #code) return &base::traits(base::ErrorCode::word);
#include "runtime/base/errors.def"
#undef ERROR
  return nullptr;
}

const char* words(base::ErrorClass error_class) {
  switch (error_class) {
    case base::ErrorClass::Data: return "It belongs to a record, which goes to where the pipeline's `dead_letter` says.";
    case base::ErrorClass::Transient:
      return "It belongs to a system: the unit tries again, then pauses and probes. Nothing is lost.";
    case base::ErrorClass::Configuration: return "The pipeline stops; positions stay as they are.";
    case base::ErrorClass::Ownership: return "This process stops with exit code 75; nothing is lost.";
  }
  return "";
}

Exit explain_code(std::string name, World& world) {
  name[0] = 'P';
  if (const diag::CodeInfo* info = diag::find_code(name)) {
    fmt::print(world.out, "{}: {}\n\n{}\n", info->name, info->title, info->explanation);
    return Exit::Done;
  }
  if (const base::ErrorTraits* traits = find_error(name)) {
    fmt::print(world.out, "{}: {}\n\n{}{}{}\n", traits->code, traits->title, traits->explanation,
               *traits->explanation ? "\n" : "", words(traits->error_class));
    return Exit::Done;
  }
  return misuse(world, fmt::format("there is no code {}", name),
                "a code is P and four digits; `piperun lang --json` lists those of the compiler");
}

Exit run(const Arguments& arguments, World& world) {
  const std::string word = arguments.text("FILE|CODE");
  if (is_code(word)) return explain_code(word, world);
  auto options = compile_options(arguments, world);
  if (!options) return misuse(world, options.error());
  options->optimized = false;
  const auto compiled = compile_or_tell(word, *options, world);
  if (!compiled) return compiled.error();
  world.out << prove::explain(*compiled->program, compiled->proofs, &compiled->places);
  return Exit::Done;
}

}  // namespace

extern const Command kExplain;
const Command kExplain = {"explain", "Says what a pipeline does and promises, or what a code means.",
                          "piperun explain orders.pipe\npiperun explain orders.pipe --local\npiperun explain P0401", kOptions,
                          run};

}  // namespace piperun::cli
