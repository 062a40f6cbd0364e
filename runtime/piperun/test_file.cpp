#include "runtime/piperun/test_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <string_view>

#include "lang/value/time.h"

namespace piperun::cli {
namespace {

struct Head {
  const char* words;
  SectionKind kind;
  bool takes_name;
  bool takes_subset;
};
constexpr Head kHeads[] = {
    {"test", SectionKind::Test, true, false},
    {"table", SectionKind::Table, true, false},
    {"input", SectionKind::Input, false, false},
    {"output", SectionKind::Output, true, true},
    {"dead letters", SectionKind::DeadLetters, false, true},
    {"ledger", SectionKind::Ledger, false, true},
    {"error", SectionKind::Error, false, true},
    {"diagnostics", SectionKind::Diagnostics, false, true},
    {"explain", SectionKind::Explain, false, true},
    {"ast", SectionKind::Ast, false, true},
    {"ir", SectionKind::Ir, false, true},
};

std::string mistake(const std::string& path, std::size_t line, std::string_view words) {
  return fmt::format("{}:{}: {}", path, line, words);
}

std::string trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1));
}

std::optional<std::string> head_of(const std::string& line) {
  if (!line.starts_with("-- ") || !line.ends_with(" --") || line.size() < 7) return std::nullopt;
  return trimmed(std::string_view(line).substr(3, line.size() - 6));
}

std::string all_heads() {
  std::string all;
  for (const Head& head : kHeads)
    all += fmt::format("{}{}{}", all.empty() ? "" : ", ", head.words, head.takes_name ? " NAME" : "");
  return all;
}

std::expected<Section, std::string> make_section(const std::string& words) {
  Section section;
  if (words.ends_with(".pipe")) {
    section.kind = SectionKind::File;
    section.name = words;
    return section;
  }
  if (words == "fmt") return std::unexpected("the section `fmt` comes with `piperun fmt`, which is not in this version");
  for (const Head& head : kHeads) {
    const std::string_view start(head.words);
    if (!words.starts_with(start) || (words.size() > start.size() && words[start.size()] != ' ')) continue;
    std::string rest = trimmed(std::string_view(words).substr(start.size()));
    if (head.takes_subset && (rest == "subset" || rest.ends_with(" subset"))) {
      section.subset = true;
      rest = trimmed(std::string_view(rest).substr(0, rest.size() - 6));
    }
    section.kind = head.kind;
    section.name = rest;
    if (!head.takes_name && !rest.empty()) return std::unexpected(fmt::format("`{}` cannot stand behind `{}`", rest, head.words));
    if (head.takes_name && rest.empty() && head.kind != SectionKind::Test)
      return std::unexpected(fmt::format("`{}` needs a name", head.words));
    return section;
  }
  return std::unexpected(fmt::format("there is no section `{}`; sections are {}, NAME.pipe", words, all_heads()));
}

std::vector<std::string> lines_of(std::string text) {
  std::vector<std::string> lines;
  std::istringstream stream(std::move(text));
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(std::move(line));
  }
  return lines;
}

// The comment directly above a line, as one line of words.
std::string comment_above(const std::vector<std::string>& lines, std::size_t index) {
  std::string words;
  while (index > 0 && lines[index - 1].starts_with('#')) {
    --index;
    words = trimmed(lines[index].substr(1)) + (words.empty() ? "" : " ") + words;
  }
  return words;
}

void finish(Section& section) {
  if (section.kind != SectionKind::File)
    std::erase_if(section.lines, [](const TestLine& line) { return line.text.starts_with('#'); });
  while (!section.lines.empty() && trimmed(section.lines.back().text).empty()) section.lines.pop_back();
  section.end = section.lines.empty() ? section.line + 1 : section.lines.back().number + 1;
}

}  // namespace

std::string title(const Section& section) {
  const auto head = std::ranges::find(kHeads, section.kind, &Head::kind);
  if (head == std::end(kHeads)) return section.name;
  return section.name.empty() ? head->words : fmt::format("{} {}", head->words, section.name);
}

std::expected<TestFile, std::string> parse_test_file(const std::string& path, std::string text) {
  TestFile file{path, lines_of(std::move(text)), {}};
  Section* current = nullptr;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    const auto head = head_of(file.lines[i]);
    if (!head) {
      if (current) current->lines.push_back({i + 1, file.lines[i]});
      else if (!trimmed(file.lines[i]).empty() && !file.lines[i].starts_with('#')) {
        return std::unexpected(mistake(path, i + 1, "a file begins with `-- test --`"));
      }
      continue;
    }
    auto section = make_section(*head);
    if (!section) return std::unexpected(mistake(path, i + 1, section.error()));
    section->line = i + 1;
    if (section->kind == SectionKind::Test) {
      std::string name = section->name.empty() ? comment_above(file.lines, i) : section->name;
      if (name.empty()) name = fmt::format("test {}", file.tests.size() + 1);
      file.tests.push_back({std::move(name), i + 1, {}});
    } else if (file.tests.empty()) {
      return std::unexpected(mistake(path, i + 1, "a file begins with `-- test --`"));
    }
    file.tests.back().sections.push_back(std::move(*section));
    current = &file.tests.back().sections.back();
  }
  if (file.tests.empty()) return std::unexpected(mistake(path, 1, "there is no `-- test --`"));
  for (TestCase& test : file.tests) std::ranges::for_each(test.sections, finish);
  return file;
}

std::expected<TestSettings, std::string> settings_of(const TestFile& file, const TestCase& test) {
  TestSettings settings;
  settings.now = *value::parse_timestamp("2026-01-01T00:00:00Z");
  for (const TestLine& line : test.sections[0].lines) {
    if (trimmed(line.text).empty()) continue;
    const std::size_t equals = line.text.find('=');
    if (equals == std::string::npos) return std::unexpected(mistake(file.path, line.number, "`name = value` is expected"));
    const std::string name = trimmed(std::string_view(line.text).substr(0, equals));
    const std::string value = trimmed(std::string_view(line.text).substr(equals + 1));
    if (name == "pipeline") settings.pipeline = value;
    else if (name == "local" && (value == "true" || value == "false")) settings.local = value == "true";
    else if (name.starts_with("param ")) settings.params[trimmed(name.substr(6))] = value;
    else if (name.starts_with("env ")) settings.environment[trimmed(name.substr(4))] = value;
    else if (name == "now") {
      const auto time = value::parse_timestamp(value);
      if (!time) return std::unexpected(mistake(file.path, line.number, "`now` is a timestamp such as 2026-01-31T12:00:00Z"));
      settings.now = *time;
    } else {
      return std::unexpected(
          mistake(file.path, line.number,
                  fmt::format("there is no setting `{}`; `pipeline`, `now`, `param NAME`, `env NAME`, `local`", name)));
    }
  }
  if (settings.pipeline.empty()) return std::unexpected(mistake(file.path, test.line, "the test says no `pipeline = FILE`"));
  return settings;
}

std::string with_replaced(const TestFile& file, const std::map<std::size_t, std::vector<std::string>>& replaced) {
  std::map<std::size_t, std::size_t> end_of;  // head → first line kept again
  for (const TestCase& test : file.tests) {
    for (const Section& section : test.sections) end_of[section.line] = section.end;
  }
  std::string text;
  for (std::size_t number = 1; number <= file.lines.size();) {
    text += file.lines[number - 1] + "\n";
    const auto found = replaced.find(number);
    if (found == replaced.end()) {
      ++number;
      continue;
    }
    for (const std::string& line : found->second) text += line + "\n";
    number = end_of.at(found->first);
  }
  return text;
}

}  // namespace piperun::cli
