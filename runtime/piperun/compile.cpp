#include "runtime/piperun/compile.h"

#include <fmt/ostream.h>

#include <filesystem>

#include "lang/plan/lower.h"
#include "lang/plan/manifest.h"
#include "runtime/base/read_file.h"
#include "runtime/base/result.h"
#include "stdlib/modules.h"
#include "stdlib/native/table.h"

namespace piperun::cli {
namespace {

std::optional<std::string> read_file(const std::string& path) {
  auto text = base::read_file(path, kMostFileBytes);
  return text ? std::optional(std::move(*text)) : std::nullopt;
}

class Loader final : public sema::ModuleLoader {
 public:
  explicit Loader(const CompileOptions& options) : options_(options) {}

  std::optional<std::string> standard(std::string_view name) override {
    const auto text = stdlib::module(name);
    return text ? std::optional(std::string(*text)) : std::nullopt;
  }
  std::optional<std::string> file(const std::string& path) override {
    const auto found = options_.files.find(path);
    return found != options_.files.end() ? std::optional(found->second)
                                         : read_file((std::filesystem::path(options_.folder) / path).string());
  }
  std::vector<std::string> standard_names() override {
    std::vector<std::string> names;
    for (const stdlib::Module& module : stdlib::modules()) names.emplace_back(module.name);
    return names;
  }

 private:
  const CompileOptions& options_;
};

// Those given, and below them PIPE_PARAM_NAME of the environment.
std::map<std::string, std::string> params_of(const sema::Program& files, const CompileOptions& options) {
  std::map<std::string, std::string> params = options.params;
  for (const ast::Declaration& declaration : files.modules.front().module.declarations) {
    if (!std::holds_alternative<ast::ParamDecl>(declaration.node) || !options.environment) continue;
    if (const auto value = options.environment("PIPE_PARAM_" + declaration.name.text))
      params.try_emplace(declaration.name.text, *value);
  }
  return params;
}

// Before the program is cut: names of groups and internal topics come from its id. Two files may give one NAME to their runs.
void limit(ir::Program& program, const Range& range) {
  program.id += "." + range.name;
  for (ir::Source& source : program.sources) {
    if (!range.from.empty()) source.start = range.from;
    if (!range.until.empty()) source.stop_at = range.until;
    source.options.erase("group");  // positions of others are not taken over twice
  }
}

void make_program(Compiled& result, const CompileOptions& options, const sema::Options& analysis) {
  ir::Program program = plan::lower(result.files, result.facts, analysis, *result.sources);
  if (options.delivery) program.delivery = *options.delivery;
  if (options.range) limit(program, *options.range);
  result.places = plan::places_of(program, result.files, result.facts, *result.sources);
  result.proofs = prove::compile(program, result.places, result.report, options.optimized);
  if (result.report.has_errors()) return;
  for (const ir::Unit& unit : program.units) {
    plan::Manifest manifest = plan::manifest_of(program, unit);
    if (options.range) {
      manifest.from = options.range->from;
      manifest.until = options.range->until;
    }
    result.manifests.push_back(plan::to_text(manifest));
  }
  result.program = std::move(program);
}

}  // namespace

base::Result<Compiled> compile_file(const std::string& path, const CompileOptions& options) {
  Loader loader(options);
  auto text = loader.file(path);
  if (!text) {
    std::error_code unknown;  // of a name that is too long, or in a folder that is closed to this user
    const bool is_there = std::filesystem::exists(std::filesystem::path(options.folder) / path, unknown) || unknown;
    return base::failure(base::ErrorCode::CannotOpen,
                         fmt::format("{}: {}", path, is_there ? "the file cannot be read" : "there is no such file"));
  }
  Compiled result;
  const source::FileId file = result.sources->add(path, std::move(*text));
  result.files = sema::load(file, loader, *result.sources, result.report);
  const sema::Options analysis{options.local, options.run, params_of(result.files, options), options.environment};
  result.facts = sema::analyze(result.files, analysis, *result.sources, result.report);
  if (!result.report.has_errors()) make_program(result, options, analysis);
  return result;
}

std::expected<CompileOptions, std::string> compile_options(const Arguments& arguments, const World& world) {
  CompileOptions options;
  options.local = arguments.has("--local");
  options.environment = world.environment;
  for (const std::string& param : arguments.all("--param")) {
    const std::size_t equals = param.find('=');
    if (equals == std::string::npos || equals == 0)
      return std::unexpected(fmt::format("--param {}: NAME=VALUE is expected", param));
    options.params[param.substr(0, equals)] = param.substr(equals + 1);
  }
  auto range = read_range(arguments);
  if (!range) return std::unexpected(range.error());
  options.range = std::move(*range);
  return options;
}

std::expected<Compiled, Exit> compile_or_tell(const std::string& path, const CompileOptions& options, World& world) {
  auto compiled = compile_file(path, options);
  if (!compiled) return std::unexpected(tell(compiled.error(), world));
  diag::RenderOptions form;
  form.colour = world.colour;
  world.err << diag::render(compiled->report, *compiled->sources, form);
  if (!compiled->ok()) return std::unexpected(Exit::WrongFile);
  if (options.run && compiled->program->units.empty()) {
    fmt::print(world.err, "error: {}: there is no flow in it, so there is nothing to run\n", path);
    fmt::print(world.err,
               "  = help: `flow NAME {{ … }}` with `from` a source and `to` a sink; `piperun lang` has the language\n");
    return std::unexpected(Exit::WrongFile);
  }
  return std::move(*compiled);
}

engine::Options engine_options(const Compiled& compiled) {
  engine::Options options;
  options.manifests = compiled.manifests;
  for (const std::string& name : compiled.program->natives) {
    const value::Native* native = native::find(name);
    options.natives.push_back(native ? native->body : nullptr);
  }
  return options;
}

Exit exit_of(const base::Error& error) {
  return base::traits(error.code).error_class == base::ErrorClass::Ownership ? Exit::NotOwner : Exit::WorldFailed;
}

Exit tell(const base::Error& error, World& world, const std::vector<std::string>& helps) {
  const char* code = base::traits(error.code).code;
  fmt::print(world.err, "error[{}]: {}\n", code, error.message);
  for (const std::string& help : helps) fmt::print(world.err, "  = help: {}\n", help);
  fmt::print(world.err, "  = help: `piperun explain {}`\n", code);
  return exit_of(error);
}

}  // namespace piperun::cli
