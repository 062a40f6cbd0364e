// `piperun FILE`: runs a pipeline until its input is used up or somebody stops it.
#include <fmt/ostream.h>

#include <algorithm>
#include <cctype>

#include "lang/ast/print.h"
#include "lang/ir/print.h"
#include "lang/value/time.h"
#include "runtime/engine/engine.h"
#include "runtime/piperun/compile.h"
#include "runtime/piperun/ledger.h"
#include "runtime/piperun/progress.h"
#include "runtime/piperun/sharers.h"
#include "runtime/piperun/signals.h"
#include "runtime/piperun/stores.h"
#include "runtime/piperun/upgrade.h"

namespace piperun::cli {
namespace {

constexpr Option kOptions[] = {
    {"FILE", Takes::One, true, "", "the pipeline"},
    kLocal,
    {"--drain", Takes::Nothing, false, "", "stop when the input is used up"},
    {"--workers", Takes::One, false, "", "workers per unit (default: 1)"},
    kParam,
    kStateDir,
    {"--upgrade", Takes::One, false, "keep migrate reset", "what becomes of stored state that does not fit the program any more"},
    {"--as", Takes::One, false, "", "a second run beside the one of the file, with positions and state of its own under this id"},
    {"--from", Takes::One, false, "", "with --as: begin at this time of the log (not event_time), earliest or latest"},
    {"--until", Takes::One, false, "",
     "with --as: end before the first record of this time of the log, or at the end of what is there"},
    {"--delivery", Takes::One, false, "at_most_once at_least_once exactly_once",
     "another promise than the file's, to see the difference; with --local"},
    {"--emit", Takes::One, false, "ast ir", "print the syntax tree or the executable form, and do not run"},
    {"--json", Takes::Nothing, false, "", "the ledger as JSON"},
};

std::optional<std::uint32_t> number_of_workers(const Arguments& arguments) {
  const auto workers = arguments.number("--workers", 1);
  return workers && *workers >= 1 && *workers <= 256 ? std::optional(static_cast<std::uint32_t>(*workers)) : std::nullopt;
}

// A time, or one of the words; nullopt: neither.
bool is_position(const std::string& text) {
  return text.empty() || text == "earliest" || text == "latest" || value::parse_timestamp(text).has_value();
}

// What is wrong with --as, --from and --until; "" nothing.
std::string read_range(const Arguments& arguments, CompileOptions& options) {
  CompileOptions::Range range{arguments.text("--as"), arguments.text("--from"), arguments.text("--until")};
  if (range.name.empty())
    return range.from.empty() && range.until.empty() ? ""
                                                     : "--from and --until are for a second run: give it an id with --as NAME";
  const auto is_plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.'; };
  if (!std::ranges::all_of(range.name, is_plain)) return "--as NAME is of letters, digits, `_`, `-` and `.`";
  if (!is_position(range.from)) return "--from is a time like 2026-01-31T12:00:00Z, earliest or latest";
  if (!range.until.empty() && !value::parse_timestamp(range.until)) return "--until is a time like 2026-01-31T12:00:00Z";
  options.range = std::move(range);
  return "";
}

Exit emit(const std::string& path, const std::string& what, const CompileOptions& options, World& world) {
  if (what == "ir") {
    const auto compiled = compile_or_tell(path, options, world);
    if (!compiled) return compiled.error();
    world.out << ir::print(*compiled->program);
    return Exit::Done;
  }
  const auto compiled = compile_file(path, options);
  if (!compiled) return tell(compiled.error(), world);
  world.out << ast::print(compiled->files.modules.front().module, compiled->files.pool);
  return Exit::Done;
}

Exit execute(const Compiled& compiled, const std::string& path, const Arguments& arguments, std::uint32_t workers, World& world) {
  std::stop_source stop;
  StopSignals signals([&] { stop.request_stop(); });
  engine::Options options = engine_options(compiled);
  // A time that is over: what is there is all there will be of it.
  const auto until = value::parse_timestamp(arguments.text("--until"));
  options.drain = arguments.has("--drain") || (until && *until <= world.clock.now());
  options.workers = workers;
  options.compare = comparer(*upgrade_of(arguments.text("--upgrade")));
  const std::string state_dir = arguments.text("--state-dir", ".piperun");
  const std::string base_dir = folder_of(path);
  const auto connectors = connectors::make_connectors(state_dir, base_dir, world.clock, engine::secret_from_environment);
  engine::RunResult result;
  {
    Progress progress(world.terminal ? &world.err : nullptr, world.clock);
    result = engine::run(*compiled.program, *connectors, world.clock, progress, options, stop.get_token());
  }
  // What a `stdout` sink prints is data, and the ledger is no part of it.
  const bool prints_data = std::ranges::any_of(compiled.program->systems,
                                               [](const ir::System& system) { return system.kind == ir::SystemKind::Stdout; });
  (prints_data ? world.err : world.out) << (arguments.has("--json") ? ledger_json(result.ledgers) : ledger_table(result.ledgers));
  if (!result.error) return Exit::Done;
  return tell(*result.error, world, sharers(*compiled.program, state_dir, base_dir, *result.error));
}

Exit run(const Arguments& arguments, World& world) {
  auto options = compile_options(arguments, world);
  if (!options) return misuse(world, options.error());
  const auto workers = number_of_workers(arguments);
  if (!workers) return misuse(world, "--workers is a number from 1 to 256");
  options->delivery = delivery_of(arguments.text("--delivery"));
  if (options->delivery && !options->local)
    return misuse(world, "--delivery is possible with --local only: the file says what must be true");
  if (const std::string wrong = read_range(arguments, *options); !wrong.empty()) return misuse(world, wrong);
  const std::string path = arguments.text("FILE");
  if (arguments.has("--emit")) return emit(path, arguments.text("--emit"), *options, world);
  options->run = true;
  const auto compiled = compile_or_tell(path, *options, world);
  if (!compiled) return compiled.error();
  if (options->range && options->range->name == compiled->facts.pipeline.id)
    return misuse(world, "--as NAME is another id than the pipeline's own");
  return execute(*compiled, path, arguments, *workers, world);
}

}  // namespace

extern const Command kRun;
const Command kRun = {"", "Runs a pipeline.",
                      "piperun orders.pipe --local --drain\n"
                      "piperun orders.pipe --local --param min_total=5 --state-dir /var/lib/orders\n"
                      "piperun orders.pipe --emit=ir",
                      kOptions, run};

}  // namespace piperun::cli
