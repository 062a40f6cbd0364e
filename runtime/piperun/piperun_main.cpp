// The program: streams and environment of the process for the commands.
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "runtime/piperun/command.h"

int main(int argc, char** argv) {
  using namespace piperun;
  std::signal(SIGPIPE, SIG_IGN);
  std::ios::sync_with_stdio(false);
  const bool terminal = isatty(STDERR_FILENO) == 1;
  const char* no_colour = std::getenv("NO_COLOR");
  const bool colour = terminal && (no_colour == nullptr || *no_colour == '\0');
  auto log =
      std::make_shared<spdlog::sinks::stderr_color_sink_mt>(colour ? spdlog::color_mode::automatic : spdlog::color_mode::never);
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("piperun", log));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");

  base::SystemClock clock;
  cli::World world{
      std::cin, std::cout, std::cerr, colour, terminal, clock, [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        return value ? std::optional<std::string>(value) : std::nullopt;
      }};
  const cli::Exit exit = cli::run_command({argv + 1, argv + argc}, world);
  std::cout.flush();
  return static_cast<int>(exit);
}
