// What a subcommand is: a row of the table in commands.cpp. Its options are data, read in arguments.cpp and printed by --help.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/piperun/world.h"

namespace piperun::cli {

enum class Takes : std::uint8_t {
  Nothing,  // a flag
  One,      // one value
  Many,     // may be given again
  Phrase,   // one value, or two words of which the first is one of `words` with a trailing `=`: `--to offset 12`
};

struct Option {
  std::string_view name;   // "--local", "-k,--name"; a position: "FILE"
  Takes takes;
  bool required;
  std::string_view words;  // what it may be, separated by blanks; "": anything
  std::string_view doc;    // one line
  std::string_view shown = {};  // of a position: how help names it; "": as `name`
};

// What was given. Names as in Option, without a short form.
class Arguments {
 public:
  bool has(std::string_view name) const { return values_.contains(name); }
  std::string text(std::string_view name, std::string fallback = {}) const;  // the last one given
  std::vector<std::string> all(std::string_view name) const;
  std::optional<std::int64_t> number(std::string_view name,
                                     std::int64_t fallback) const;  // none: it is no whole number from 0 on
  void add(const std::string& name, std::string value) { values_[name].push_back(std::move(value)); }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

struct Command {
  std::string_view name;      // "check", "topic put"; "" is what `piperun FILE` does
  std::string_view doc;       // one line
  std::string_view examples;  // lines, as typed
  std::span<const Option> options;
  Exit (*run)(const Arguments& arguments, World& world);
};

// Options that many commands take.
inline constexpr Option kStateDir = {"--state-dir", Takes::One, false, "",
                                     "where stand-ins and state are kept (default: .piperun)"};
inline constexpr Option kParam = {"--param", Takes::Many, false, "", "NAME=VALUE of a `param`"};
inline constexpr Option kJson = {"--json", Takes::Nothing, false, "", "JSON, one object per line, for programs"};
inline constexpr Option kLocal = {"--local", Takes::Nothing, false, "", "without servers: embedded databases stand in for them"};
// Of the commands about stored data: what was typed for a run fits them, too.
inline constexpr Option kStandIns = {"--local", Takes::Nothing, false, "", "of the stand-ins that a run with --local uses"};
inline constexpr Option kAs = {"--as", Takes::One, false, "", "of the run that was made with `--as NAME`, not of the file's own"};
inline constexpr Option kOfFile = {
    "WORDS", Takes::Many, false, "", "the pipeline whose systems are meant; without it every database file here", "[FILE]"};

// All commands, in the order of `--help`; groups such as `topic` are their first word.
std::span<const Command* const> commands();

// `words`: what was typed behind the program's name. Prints help and mistakes itself.
Exit run_command(std::vector<std::string> words, World& world);

// Tells how the command line is wrong, and how it would be right.
Exit misuse(World& world, std::string_view message, std::string_view help = {});

}  // namespace piperun::cli
