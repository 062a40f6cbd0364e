// `piperun FILE`: runs a pipeline until its input is used up or somebody stops it.
#include <fmt/ostream.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "lang/ast/print.h"
#include "lang/ir/print.h"
#include "lang/value/time.h"
#include "runtime/engine/engine.h"
#include "runtime/piperun/begin_after.h"
#include "runtime/piperun/bounded_run.h"
#include "runtime/piperun/compile.h"
#include "runtime/piperun/ended_run.h"
#include "runtime/piperun/ledger.h"
#include "runtime/piperun/outbox_relays.h"
#include "runtime/piperun/progress.h"
#include "runtime/piperun/secrets.h"
#include "runtime/piperun/sharers.h"
#include "runtime/piperun/signals.h"
#include "runtime/piperun/stop_report.h"
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
     "with --as: end before the first record of this time of the log; when it has come, at the end of what is there"},
    {"--after", Takes::One, false, "",
     "at the first start: begin where the run of `--as` of this name ended, in every partition; later starts go on from there"},
    {"--delivery", Takes::One, false, "at_most_once at_least_once exactly_once",
     "another promise than the file's, to see the difference; with --local"},
    {"--emit", Takes::One, false, "ast ir", "print the syntax tree or the executable form, and do not run"},
    {"--json", Takes::Nothing, false, "", "the ledger as JSON"},
};

// A stop that takes longer is given up: what orchestrators wait for before they kill is 30 s as a rule, and a commit in good order takes
// a few.
constexpr std::chrono::seconds kStopWithin{15};
// Before the first step there is nothing to bring to an order: only clients that wait for an answer.
constexpr std::chrono::seconds kLeaveWithin{5};
constexpr std::int64_t kAskAgain = 1'000'000;  // microseconds

std::optional<std::uint32_t> number_of_workers(const Arguments& arguments) {
  const auto workers = arguments.number("--workers", 1);
  return workers && *workers >= 1 && *workers <= 256 ? std::optional(static_cast<std::uint32_t>(*workers)) : std::nullopt;
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

// What cannot be asked here is told by the run itself.
void tell_what_is_gone(const ir::Program& program, World& world) {
  const auto outboxes = outboxes_begun(program);
  if (!outboxes) return;
  for (const std::string& words : *outboxes) fmt::print(world.err, "note: {}\n", words);
}

// A system that does not answer is waited for, as the run itself would wait.
template <typename Ask>
auto ask_until_answered(const Ask& ask, const std::stop_token& stop, World& world) {
  for (bool is_told = false;; world.clock.sleep(kAskAgain)) {
    auto answer = ask();
    if (answer || stop.stop_requested() || base::traits(answer.error().code).error_class != base::ErrorClass::Transient)
      return answer;
    if (!std::exchange(is_told, true)) fmt::print(world.err, "waiting: {}\n", answer.error().message);
  }
}

// What the stored end of a run says: of this one, or of the one that it follows.
Exit look_at_ends(Compiled& compiled, const Arguments& arguments, const CompileOptions& options,
                  connectors::Connectors& connectors, engine::Options& engine, const std::stop_token& stop, World& world) {
  if (options.range && !options.range->until.empty()) {
    const auto stored = ask_until_answered([&] { return stored_run(*compiled.program, connectors); }, stop, world);
    if (!stored) return tell(stored.error(), world);
    if (has_ended(compiled, *stored)) {
      fmt::print(world.err, "note: {} has ended: nothing is read any more but dead letters that are replayed\n",
                 compiled.program->id);
      read_no_more(compiled);
      engine.manifests = compiled.manifests;
    }
  }
  const auto run = read_after(arguments);
  if (!*run) return Exit::Done;
  const After after{**run, arguments.text("FILE"), arguments.text("--state-dir", ".piperun")};
  auto beginnings =
      ask_until_answered([&] { return begin_after(after, compiled, options, connectors, stop, world); }, stop, world);
  if (!beginnings) return tell(beginnings.error(), world);
  engine.beginnings = std::move(beginnings->units);
  return beginnings->refused.value_or(Exit::Done);
}

Exit execute(Compiled& compiled, const Arguments& arguments, const CompileOptions& compiled_with, std::uint32_t workers,
             World& world) {
  engine::Options options = engine_options(compiled);
  options.workers = workers;
  options.compare = comparer(*upgrade_of(arguments.text("--upgrade")));
  const std::string state_dir = arguments.text("--state-dir", ".piperun");
  const std::string base_dir = folder_of(arguments.text("FILE"));
  const auto connectors = connectors::make_connectors(state_dir, base_dir, world.clock, engine::secret_from_environment);
  std::stop_source stop;
  Progress progress(world.terminal ? &world.err : nullptr, world.clock);
  StopReport report(progress, *compiled.program);
  const auto deadline = [&] { return report.has_begun() ? kStopWithin : kLeaveWithin; };
  const StopSignals signals([&] { stop.request_stop(); }, deadline,
                            [&] {
                              report.print(world.err, deadline().count());
                              return Exit::WorldFailed;
                            });
  const Exit looked = look_at_ends(compiled, arguments, compiled_with, *connectors, options, stop.get_token(), world);
  if (looked != Exit::Done) return looked;
  const RunOnce run_once = [&](bool drain, std::stop_token token) {
    options.drain = drain;
    return engine::run(*compiled.program, *connectors, world.clock, report, options, std::move(token));
  };
  // Of a time that is over, what is there is all there will be.
  const auto until = value::parse_timestamp(arguments.text("--until"));
  const bool is_over = until && *until <= world.clock.now();
  const bool waits = until && !is_over && !arguments.has("--drain");
  const engine::RunResult result = waits ? run_until(*until, world.clock, stop.get_token(), run_once)
                                         : run_once(is_over || arguments.has("--drain"), stop.get_token());
  progress.clear();
  if (until && !result.error && !stop.stop_requested()) {  // what comes after the end is nothing to this run
    if (const auto forgot = forget_relays(*compiled.program, *connectors); !forgot) return tell(forgot.error(), world);
    const auto marked = is_over || waits ? mark_ended(*compiled.program, *connectors) : base::Result<void>();
    if (!marked) return tell(marked.error(), world);
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
  if (const auto after = read_after(arguments); !after) return misuse(world, after.error());
  if (!options->range && (arguments.has("--from") || arguments.has("--until")))
    return misuse(world, "--from and --until are for a second run: give it an id with --as NAME");
  const auto workers = number_of_workers(arguments);
  if (!workers) return misuse(world, "--workers is a number from 1 to 256");
  options->delivery = delivery_of(arguments.text("--delivery"));
  if (options->delivery && !options->local)
    return misuse(world, "--delivery is possible with --local only: the file says what must be true");
  const std::string path = arguments.text("FILE");
  if (arguments.has("--emit")) return emit(path, arguments.text("--emit"), *options, world);
  options->run = true;
  auto compiled = compile_or_tell(path, *options, world);
  if (!compiled) return compiled.error();
  if (const auto checked = check_secrets(*compiled->program); !checked) return tell(checked.error(), world);
  tell_what_is_gone(*compiled->program, world);
  return execute(*compiled, arguments, *options, *workers, world);
}

}  // namespace

extern const Command kRun;
const Command kRun = {"", "Runs a pipeline.",
                      "piperun orders.pipe --local --drain\n"
                      "piperun orders.pipe --local --param min_total=5 --state-dir /var/lib/orders\n"
                      "piperun customers.pipe --as again --from 2026-01-01T00:00:00Z --until 2026-02-01T00:00:00Z\n"
                      "piperun customers.pipe --after again\n"
                      "piperun orders.pipe --emit=ir",
                      kOptions, run};

}  // namespace piperun::cli
