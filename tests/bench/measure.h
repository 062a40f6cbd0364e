// What benchmarks share: the CPU and wall time of a child process, and the median of ratios.
#pragma once
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

namespace piperun::bench {

struct Cost {
  double cpu = 0;   // seconds, user and system
  double wall = 0;  // seconds
};

// Runs `body` in a child process, which must end by itself with status 0; anything else ends the benchmark.
template <typename Body>
Cost cost_of(Body body) {
  const auto begun = std::chrono::steady_clock::now();
  const pid_t child = fork();
  if (child == 0) body();
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    std::cerr << "a run failed\n";
    std::exit(1);
  }
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begun;
  return {seconds(usage.ru_utime) + seconds(usage.ru_stime), wall.count()};
}

// `piperun FILE --drain` in the current folder, its output thrown away.
inline Cost cost_of_drain(const std::string& piperun, const std::string& file) {
  return cost_of([&] {
    const int null = open("/dev/null", O_WRONLY);
    dup2(null, STDOUT_FILENO);
    execl(piperun.c_str(), "piperun", file.c_str(), "--drain", nullptr);
    _exit(127);
  });
}

inline double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// `1.52 (1.40 to 1.66)`: median, least, greatest.
inline std::string summary(const std::vector<double>& values) {
  char text[96];
  std::snprintf(text, sizeof text, "%.2f (%.2f to %.2f)", median(values), std::ranges::min(values), std::ranges::max(values));
  return text;
}

}  // namespace piperun::bench
