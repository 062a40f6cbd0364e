// How long a person waits for `piperun check`: parse, analyze, lower, cut, optimize and prove large.pipe (200 lines), in process.
// usage: bench_check [FILE]        exit code 1 if the median of 20 runs is above 20 ms, or the file has an error
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "lang/diag/render.h"
#include "runtime/piperun/compile.h"

namespace {

constexpr int kRuns = 20;
constexpr double kLimit = 20.0;  // milliseconds

}  // namespace

int main(int count, char** words) {
  const std::string path = count > 1 ? words[1] : PIPERUN_SOURCE_DIR "/tests/bench/large.pipe";
  piperun::cli::CompileOptions options;
  options.local = true;
  std::vector<double> times;
  std::size_t units = 0;
  for (int i = 0; i <= kRuns; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const auto compiled = piperun::cli::compile_file(path, options);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    if (!compiled || !compiled->ok()) {
      std::fputs(
          compiled ? piperun::diag::render(compiled->report, *compiled->sources, {}).c_str() : compiled.error().message.c_str(),
          stderr);
      return 1;
    }
    units = compiled->program->units.size();
    if (i > 0) times.push_back(took.count());  // the first run also loads what later ones find in memory
  }
  std::ranges::sort(times);
  const double median = (times[kRuns / 2 - 1] + times[kRuns / 2]) / 2;
  std::printf("check + plan + prove of 200 lines, %zu units: median %.2f ms (min %.2f, max %.2f), limit %.0f ms\n", units, median,
              times.front(), times.back(), kLimit);
  return median <= kLimit ? 0 : 1;
}
