// The one door to CLI11: reads what was typed by a command's table of options, and prints help.
#include <fmt/format.h>
#include <fmt/ostream.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <ranges>

#include "lang/diag/suggest.h"
#include "runtime/piperun/command.h"

namespace piperun::cli {
namespace {

bool is_position(const Option& option) { return !option.name.starts_with('-'); }

std::string long_name(const Option& option) {
  const std::size_t comma = option.name.find(',');
  return std::string(comma == std::string_view::npos ? option.name : option.name.substr(comma + 1));
}

std::vector<std::string> split(std::string_view words) {
  std::vector<std::string> result;
  for (const auto word : std::views::split(words, ' ')) {
    if (!word.empty()) result.emplace_back(word.begin(), word.end());
  }
  return result;
}

// `--to offset 12` becomes `--to "offset 12"`.
void join_phrases(const Command& command, std::vector<std::string>& words) {
  for (const Option& option : command.options) {
    if (option.takes != Takes::Phrase) continue;
    const std::vector<std::string> starts = split(option.words);
    for (std::size_t i = 0; i + 2 < words.size(); ++i) {
      if (words[i] != option.name || std::ranges::find(starts, words[i + 1] + "=") == starts.end()) continue;
      words[i + 1] += " " + words[i + 2];
      words.erase(words.begin() + static_cast<std::ptrdiff_t>(i) + 2);
    }
  }
}

std::string described(const Option& option) {
  std::string doc(option.doc);
  if (!option.words.empty() && option.takes != Takes::Phrase) doc += fmt::format(" [{}]", fmt::join(split(option.words), " | "));
  return doc;
}

std::string usage(const Command& command) {
  std::string line = "piperun";
  if (!command.name.empty()) line += fmt::format(" {}", command.name);
  for (const Option& option : command.options | std::views::filter(is_position)) {
    const std::string name = fmt::format("{}{}", option.name, option.takes == Takes::Many ? "…" : "");
    if (!option.shown.empty()) line += fmt::format(" {}", option.shown);
    else line += option.required ? " " + name : " [" + name + "]";
  }
  if (std::ranges::any_of(command.options, [](const Option& option) { return !is_position(option); })) line += " [OPTIONS]";
  return line;
}

void print_help(const Command& command, World& world) {
  fmt::print(world.out, "{}\n\n  {}\n", command.doc, usage(command));
  const auto row = [&](std::string_view name, std::string_view doc) { fmt::print(world.out, "  {:<22} {}\n", name, doc); };
  fmt::print(world.out, "\n");
  for (const Option& option : command.options) {
    const std::string_view name = option.shown.empty() ? option.name : option.shown;
    row(fmt::format("{}{}", name, !is_position(option) && option.takes != Takes::Nothing ? " X" : ""), described(option));
  }
  row("--help", "this page");
  if (!command.examples.empty()) fmt::print(world.out, "\nExamples:\n");
  for (const auto line : std::views::split(command.examples, '\n')) {
    fmt::print(world.out, "  {}\n", std::string_view(line.begin(), line.end()));
  }
}

void print_overview(World& world, std::string_view group = {}) {
  if (group.empty()) {
    fmt::print(world.out,
               "piperun runs pipelines written in .pipe files.\n\n"
               "  piperun FILE [OPTIONS]      runs it\n");
  }
  for (const Command* command : commands()) {
    if (command->name.empty() || !(group.empty() || command->name.starts_with(fmt::format("{} ", group)))) continue;
    fmt::print(world.out, "  piperun {:<19} {}\n", command->name, command->doc);
  }
  if (!group.empty()) return;
  fmt::print(world.out,
             "\n`piperun COMMAND --help` shows options and examples, `piperun run --help` those of running a file.\n"
             "`piperun --version` names the version.\n"
             "Exit codes: 0 done, 1 the file is wrong, 2 usage, 3 the world failed, 4 a test failed, 75 another process owns "
             "this work.\n");
}

// One option or position as CLI11 knows it; what is given for it comes into `values`.
CLI::Option* declare(CLI::App& app, const Option& option, std::vector<std::string>& values) {
  const std::string name(option.name);
  if (option.takes == Takes::Nothing) return app.add_flag(name);
  CLI::Option* added = app.add_option(name, values);
  const bool is_many = option.takes == Takes::Many;
  if (!is_many || !is_position(option)) added->allow_extra_args(false);
  if (!is_many) added->expected(1);
  if (is_many && !is_position(option)) added->take_all();
  return added;
}

std::string usage_help(const Command& command) {
  return fmt::format("usage: {}   (`piperun {} --help`)", usage(command), command.name.empty() ? "run" : command.name);
}

// What is typed and means nothing here: an option that there is not, or one word too many.
Exit refuse_extra(const Command& command, std::string extra, World& world) {
  if (!extra.starts_with('-')) return misuse(world, fmt::format("`{}` is one word too many", extra), usage_help(command));
  extra = extra.substr(0, extra.find('='));
  std::vector<std::string> names{"--help"};
  for (const Option& option : command.options) {
    if (!is_position(option)) names.push_back(long_name(option));
  }
  const auto near = diag::suggest(extra, names);
  return misuse(world, fmt::format("there is no option `{}` here", extra),
                near ? fmt::format("did you mean `{}`?", *near) : usage_help(command));
}

// The words that an option may be, if it is limited to some and the value is none of them.
std::vector<std::string> refused_by(const Option& option, const std::string& value) {
  std::vector<std::string> allowed = split(option.words);
  const bool fits = option.takes == Takes::Phrase || std::ranges::find(allowed, value) != allowed.end();
  return fits ? std::vector<std::string>{} : allowed;
}

Exit parse_and_run(const Command& command, std::vector<std::string> words, World& world) {
  join_phrases(command, words);
  CLI::App app{std::string(command.doc)};
  app.set_help_flag();
  app.allow_extras();
  std::vector<std::vector<std::string>> values(command.options.size());
  std::vector<CLI::Option*> made;
  for (std::size_t i = 0; i < command.options.size(); ++i) made.push_back(declare(app, command.options[i], values[i]));
  std::ranges::reverse(words);
  try {
    app.parse(words);
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string said = error.what();
    return misuse(world, fmt::format("{} needs a value behind it", said.substr(0, said.find(':'))), usage_help(command));
  } catch (const CLI::ParseError& error) { return misuse(world, error.what(), usage_help(command)); }
  if (const auto extras = app.remaining(); !extras.empty()) return refuse_extra(command, extras.front(), world);
  Arguments arguments;
  for (std::size_t i = 0; i < command.options.size(); ++i) {
    const Option& option = command.options[i];
    const std::string name = long_name(option);
    if (option.required && made[i]->count() == 0) return misuse(world, fmt::format("{} is missing", name), usage_help(command));
    if (option.takes == Takes::Nothing && made[i]->count() > 0) arguments.add(name, "");
    for (std::string& value : values[i]) {
      if (const auto allowed = refused_by(option, value); !allowed.empty())
        return misuse(world, fmt::format("{} cannot be `{}`", name, value),
                      fmt::format("it is one of: {}", fmt::join(allowed, ", ")));
      arguments.add(name, std::move(value));
    }
  }
  return command.run(arguments, world);
}

const Command* find(std::string_view name) {
  const auto found = std::ranges::find(commands(), name, [](const Command* command) { return command->name; });
  return found == commands().end() ? nullptr : *found;
}

bool is_group(std::string_view name) {
  return std::ranges::any_of(commands(),
                             [&](const Command* command) { return command->name.starts_with(fmt::format("{} ", name)); });
}

bool wants_help(const std::vector<std::string>& words) {
  return std::ranges::any_of(words, [](const std::string& word) { return word == "--help" || word == "-h"; });
}

// Two words of which the first is a group.
Exit no_such_command(const std::string& name, World& world) {
  const std::string group = name.substr(0, name.find(' ') + 1);
  std::vector<std::string_view> names;
  for (const Command* command : commands()) {
    if (command->name.starts_with(group)) names.push_back(command->name.substr(group.size()));
  }
  const auto near = diag::suggest(std::string_view(name).substr(group.size()), names);
  return misuse(world, fmt::format("there is no command `{}`", name),
                near ? fmt::format("did you mean `piperun {}{}`?", group, *near)
                     : fmt::format("it is one of: {}{}", group, fmt::join(names, fmt::format(", {}", group))));
}

Exit run_or_help(const Command& command, std::vector<std::string> words, World& world) {
  if (!wants_help(words)) return parse_and_run(command, std::move(words), world);
  print_help(command, world);
  return Exit::Done;
}

}  // namespace

std::string Arguments::text(std::string_view name, std::string fallback) const {
  const auto found = values_.find(name);
  return found == values_.end() ? fallback : found->second.back();
}

std::vector<std::string> Arguments::all(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

std::optional<std::int64_t> Arguments::number(std::string_view name, std::int64_t fallback) const {
  if (!has(name)) return fallback;
  const std::string given = text(name);
  std::int64_t result = 0;
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), result);
  return error == std::errc() && end == given.data() + given.size() && result >= 0 ? std::optional(result) : std::nullopt;
}

Exit misuse(World& world, std::string_view message, std::string_view help) {
  fmt::print(world.err, "piperun: {}\n", message);
  if (!help.empty()) fmt::print(world.err, "  {}\n", help);
  return Exit::Usage;
}

Exit run_command(std::vector<std::string> words, World& world) {
  if (words.size() > 1 && words.front() == "help") {
    std::ranges::rotate(words, words.begin() + 1);
    words.back() = "--help";
  }
  if (words.empty() || words.front() == "--help" || words.front() == "-h" || words.front() == "help") {
    print_overview(world);
    return words.empty() ? Exit::Usage : Exit::Done;
  }
  const std::string first = words.front();
  if (first == "--version") {
    fmt::print(world.out, "piperun {}\n", PIPERUN_VERSION);
    return Exit::Done;
  }
  const auto rest = [&](std::ptrdiff_t from) { return std::vector<std::string>(words.begin() + from, words.end()); };
  if (is_group(first)) {
    if (words.size() > 1) {
      if (const Command* command = find(fmt::format("{} {}", first, words[1]))) return run_or_help(*command, rest(2), world);
    }
    if (words.size() > 1 && !wants_help(words)) return no_such_command(fmt::format("{} {}", first, words[1]), world);
    print_overview(world, first);
    return wants_help(words) ? Exit::Done : Exit::Usage;
  }
  if (first == "run") return run_or_help(*find(""), rest(1), world);
  if (const Command* command = find(first)) return run_or_help(*command, rest(1), world);
  const bool is_word =
      std::ranges::all_of(first, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; }) && !first.starts_with('-');
  if (is_word) {
    std::vector<std::string_view> names;
    for (const Command* command : commands()) names.push_back(command->name.substr(0, command->name.find(' ')));
    const auto near = diag::suggest(first, names);
    return misuse(world, fmt::format("there is no command and no file `{}`", first),
                  near ? fmt::format("did you mean `piperun {}`?", *near) : "`piperun --help` lists the commands");
  }
  return run_or_help(*find(""), std::move(words), world);
}

}  // namespace piperun::cli
