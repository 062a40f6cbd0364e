// What the chaos harness kills: `piperun FILE --local --drain` with one observer more.
//   victim FILE [--kill-after STEP --at N] [--split-transaction] [--upgrade WAY]    SIGKILL behind the N-th time that STEP was done
//   victim FILE --crash-table                                       what `explain` says of a kill behind each step, as JSON
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <stop_token>

#include "lang/prove/explore.h"
#include "runtime/connectors/connectors.h"
#include "runtime/engine/engine.h"
#include "runtime/piperun/compile.h"
#include "runtime/piperun/upgrade.h"

namespace {

using namespace piperun;

// Ends the process as `kill -9` does, behind one step.
class Killer final : public engine::Observer {
 public:
  Killer(const ir::Program& program, std::string step, int at) : program_(program), step_(std::move(step)), left_(at) {}

  engine::Verdict after(const ir::Unit&, const ir::Step& step) override {
    if (!step_.empty() && ir::step_name(step, program_.sinks) == step_ && --left_ == 0) std::raise(SIGKILL);
    return engine::Verdict::GoOn;
  }

 private:
  const ir::Program& program_;
  std::string step_;
  int left_;
};

// The negative control: the position in a transaction of its own, the rows in others behind it.
void split_transactions(ir::Program& program) {
  for (ir::Unit& unit : program.units) {
    std::vector<ir::Step>& batch = unit.protocol.batch;
    const auto commit = std::ranges::find(batch, ir::StepKind::Commit, &ir::Step::kind);
    const auto fence = std::ranges::find(batch, ir::StepKind::Fence, &ir::Step::kind);
    if (fence < commit) std::rotate(fence + 1, commit, commit + 1);
  }
}

void print_crash_table(const ir::Program& program) {
  const char* separator = "[";
  for (const prove::CrashRow& row : prove::crash_table(program, program.units.front())) {
    const int effects = row.finally.front();
    std::cout << separator << "{\"step\":\"" << row.step << "\",\"lost\":" << (effects == 0 ? "true" : "false")
              << ",\"repeated\":" << (effects > 1 ? "true" : "false") << "}";
    separator = ",\n";
  }
  std::cout << "]\n";
}

}  // namespace

int main(int count, char** words) {
  std::map<std::string, std::string> options;
  for (int i = 2; i < count; ++i) {
    const bool takes_value = i + 1 < count && std::strncmp(words[i + 1], "--", 2) != 0;
    options[words[i]] = takes_value ? words[i + 1] : "";
    i += takes_value;
  }
  cli::CompileOptions compile;
  compile.local = compile.run = true;
  compile.environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  auto compiled = cli::compile_file(count > 1 ? words[1] : "", compile);
  if (!compiled || !compiled->ok()) {
    std::cerr << (compiled ? diag::render(compiled->report, *compiled->sources, {}) : compiled.error().message) << '\n';
    return 1;
  }
  if (options.contains("--crash-table")) {
    print_crash_table(*compiled->program);
    return 0;
  }
  if (options.contains("--split-transaction")) split_transactions(*compiled->program);
  base::SystemClock clock;
  const auto connectors = connectors::make_connectors(".piperun", ".", clock, engine::secret_from_environment);
  Killer killer(*compiled->program, options["--kill-after"], std::atoi(options["--at"].c_str()));
  engine::Options run = cli::engine_options(*compiled);
  run.drain = true;
  run.compare = cli::comparer(cli::upgrade_of(options["--upgrade"]).value_or(plan::Upgrade::None));
  const engine::RunResult result = engine::run(*compiled->program, *connectors, clock, killer, run, std::stop_token());
  if (result.error) std::cerr << result.error->message << '\n';
  return result.error ? 3 : 0;
}
