#include "runtime/piperun/test_compare.h"

#include <algorithm>
#include <cstdint>

#include "lang/value/json_node.h"

namespace piperun::cli {
namespace {

using value::JsonKind;
using value::JsonNode;

struct Line {
  std::string text;
  const JsonNode* json = nullptr;  // null: no JSON
};

std::vector<Line> parsed(const std::vector<std::string>& texts, value::Arena& arena) {
  std::vector<Line> lines;
  for (const std::string& text : texts) {
    if (text.find_first_not_of(" \t") == std::string::npos) continue;
    const bool looks = text.starts_with('{') || text.starts_with('[') || text.starts_with('"');
    const auto json = looks ? value::parse_json(text, arena) : std::unexpected(value::Fault::ParseJson);
    lines.push_back({text, json ? *json : nullptr});
  }
  return lines;
}

// Everything that `part` has is in `whole`.
bool contains(const JsonNode& whole, const JsonNode& part) {
  if (part.kind != JsonKind::Object || whole.kind != JsonKind::Object) return value::equal(whole, part);
  for (std::uint64_t i = 0; i < part.count; ++i) {
    const JsonNode* other = value::member(whole, part.names[i]);
    if (other == nullptr || !contains(*other, part.children[i])) return false;
  }
  return true;
}

bool fits(const Line& expected, const Line& actual, bool subset) {
  if (expected.json && actual.json)
    return subset ? contains(*actual.json, *expected.json) : value::equal(*actual.json, *expected.json);
  return subset ? actual.text.find(expected.text) != std::string::npos : expected.text == actual.text;
}

// The actual lines in the order of the expected ones that they fit, then the rest.
std::vector<Line> aligned(const std::vector<Line>& expected, std::vector<Line> actual, bool subset) {
  std::vector<Line> result;
  for (const Line& wanted : expected) {
    const auto found = std::ranges::find_if(actual, [&](const Line& line) { return fits(wanted, line, subset); });
    if (found == actual.end()) continue;
    result.push_back(*found);
    actual.erase(found);
  }
  result.insert(result.end(), actual.begin(), actual.end());
  return result;
}

// By the longest common subsequence.
std::vector<std::string> difference(const std::vector<Line>& expected, const std::vector<Line>& actual, bool subset) {
  const std::size_t rows = expected.size(), columns = actual.size();
  std::vector<std::vector<std::uint32_t>> common(rows + 1, std::vector<std::uint32_t>(columns + 1, 0));
  for (std::size_t i = rows; i-- > 0;) {
    for (std::size_t j = columns; j-- > 0;) {
      common[i][j] =
          fits(expected[i], actual[j], subset) ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::vector<std::string> lines;
  std::size_t i = 0, j = 0;
  while (i < rows || j < columns) {
    if (i < rows && j < columns && fits(expected[i], actual[j], subset)) lines.push_back("  " + expected[i].text), ++i, ++j;
    else if (i < rows && (j == columns || common[i + 1][j] >= common[i][j + 1])) lines.push_back("- " + expected[i++].text);
    else lines.push_back("+ " + actual[j++].text);
  }
  return lines;
}

// The members of `actual` that `like` has, in its order.
std::string restricted(const JsonNode& actual, const JsonNode& like) {
  std::string out = "{";
  for (std::uint64_t i = 0; i < like.count; ++i) {
    const JsonNode* found = value::member(actual, like.names[i]);
    if (found == nullptr) continue;
    JsonNode name;
    name.kind = JsonKind::String;
    name.text = like.names[i];
    if (out.size() > 1) out += ',';
    value::write_json(name, out);
    out += ':';
    value::write_json(*found, out);
  }
  return out + "}";
}

std::vector<std::string> update(const std::vector<Line>& expected, const std::vector<Line>& actual, bool subset) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const Line* like = i < expected.size() ? &expected[i] : expected.empty() ? nullptr : &expected.back();
    const bool is_object = subset && like && like->json && actual[i].json && like->json->kind == JsonKind::Object;
    if (like == &expected[std::min(i, expected.size() - 1)] && i < expected.size() && fits(*like, actual[i], subset))
      lines.push_back(like->text);
    else lines.push_back(is_object ? restricted(*actual[i].json, *like->json) : actual[i].text);
  }
  return lines;
}

// Texts of many lines: every line counts, blank ones too.
Comparison compare_text(const std::vector<std::string>& expected, const std::vector<std::string>& actual, bool subset) {
  std::vector<Line> wanted, there;
  for (const std::string& text : expected) wanted.push_back({text, nullptr});
  for (const std::string& text : actual) there.push_back({text, nullptr});
  Comparison result;
  if (subset) {
    for (const Line& line : wanted) {
      const bool found = std::ranges::any_of(there, [&](const Line& other) { return fits(line, other, true); });
      result.equal &= found;
      result.diff.push_back((found ? "  " : "- ") + line.text);
    }
    if (!result.equal)
      for (const Line& line : there) result.diff.push_back("+ " + line.text);
    result.updated = result.equal ? expected : actual;
    return result;
  }
  result.equal = expected == actual;
  result.diff = difference(wanted, there, false);
  result.updated = actual;
  return result;
}

}  // namespace

Comparison compare(const SectionOutcome& outcome) {
  const Section& section = *outcome.section;
  std::vector<std::string> texts;
  for (const TestLine& line : section.lines) texts.push_back(line.text);
  switch (section.kind) {
    case SectionKind::Diagnostics:
    case SectionKind::Explain:
    case SectionKind::Ast:
    case SectionKind::Ir:
    case SectionKind::Error: return compare_text(texts, outcome.actual, section.subset);
    case SectionKind::Ledger:
      if (section.subset) return compare_text(texts, outcome.actual, true);
      break;
    case SectionKind::Output:
    case SectionKind::DeadLetters:
    case SectionKind::Test:
    case SectionKind::Table:
    case SectionKind::Input:
    case SectionKind::File: break;
  }
  value::Arena arena;
  const std::vector<Line> expected = parsed(texts, arena);
  std::vector<Line> actual = parsed(outcome.actual, arena);
  if (outcome.any_order) actual = aligned(expected, std::move(actual), section.subset);
  Comparison result;
  result.diff = difference(expected, actual, section.subset);
  result.equal = std::ranges::all_of(result.diff, [](const std::string& line) { return line.starts_with("  "); });
  result.updated = update(expected, actual, section.subset);
  return result;
}

}  // namespace piperun::cli
