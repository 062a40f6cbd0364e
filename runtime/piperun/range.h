// `--as`, `--from`, `--until`: another run of the same file, with positions and state of its own; `--after`: a run that follows it.
#pragma once
#include <expected>
#include <optional>
#include <string>

#include "runtime/piperun/command.h"

namespace piperun::cli {

struct Range {
  std::string name;  // of the run: its id is `<pipeline>.<name>`
  std::string from, until;  // RFC 3339 in UTC; `from` also earliest or latest. "": as the file says
};

// None without --as. An error in words.
std::expected<std::optional<Range>, std::string> read_range(const Arguments& arguments);

// The run that this one follows. None without --after. An error in words.
std::expected<std::optional<std::string>, std::string> read_after(const Arguments& arguments);

}  // namespace piperun::cli
