#include "runtime/piperun/range.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "lang/value/time.h"

namespace piperun::cli {
namespace {

bool is_plain(const std::string& name) {
  return !name.empty() &&
         std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.'; });
}

// One text for one time, however it was written; nullopt: it is no time.
std::optional<std::string> in_utc(const std::string& text) {
  const auto time = value::parse_timestamp(text);
  if (!time) return std::nullopt;
  std::string result;
  value::append_timestamp(result, *time);
  return result;
}

}  // namespace

std::expected<std::optional<Range>, std::string> read_range(const Arguments& arguments) {
  Range range{arguments.text("--as"), arguments.text("--from"), arguments.text("--until")};
  if (!arguments.has("--as")) return std::nullopt;
  if (!is_plain(range.name)) return std::unexpected("--as NAME is of letters, digits, `_`, `-` and `.`");
  const bool is_word = range.from.empty() || range.from == "earliest" || range.from == "latest";
  if (!is_word) {
    const auto from = in_utc(range.from);
    if (!from) return std::unexpected("--from is a time like 2026-01-31T12:00:00Z, earliest or latest");
    range.from = *from;
  }
  if (range.until.empty()) return range;
  const auto until = in_utc(range.until);
  if (!until) return std::unexpected("--until is a time like 2026-01-31T12:00:00Z");
  range.until = *until;
  if (!is_word && *value::parse_timestamp(range.from) >= *value::parse_timestamp(range.until))
    return std::unexpected(
        fmt::format("--from {} is not before --until {}: there is nothing between them", range.from, range.until));
  return range;
}

std::expected<std::optional<std::string>, std::string> read_after(const Arguments& arguments) {
  if (!arguments.has("--after")) return std::nullopt;
  std::string name = arguments.text("--after");
  if (!is_plain(name)) return std::unexpected("--after NAME is that of a run with --as NAME: letters, digits, `_`, `-` and `.`");
  if (arguments.has("--from")) return std::unexpected("--after says where the run begins, and so does --from: say one of them");
  if (arguments.text("--as") == name)
    return std::unexpected(fmt::format("--as {0} --after {0}: no run begins at its own end", name));
  return name;
}

}  // namespace piperun::cli
