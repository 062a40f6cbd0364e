// A .pipetest file: tests made of sections. Comments, blank lines and the order of sections are kept, so that `--update` changes
// nothing but what is expected.
#pragma once
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace piperun::cli {

enum class SectionKind : std::uint8_t {
  Test,
  Table,
  Input,
  File,
  Output,
  DeadLetters,
  Ledger,
  Error,
  Diagnostics,
  Explain,
  Ast,
  Ir
};

// One line of a section; its number counts from 1 in the file.
struct TestLine {
  std::size_t number = 0;
  std::string text;
};

struct Section {
  SectionKind kind = SectionKind::Test;
  std::string name;             // of a table, a sink or a file; of the test
  bool subset = false;          // only what is given is compared
  std::size_t line = 0;         // of its head
  std::size_t end = 0;          // of the line behind its last line that says something
  std::vector<TestLine> lines;  // without comments and blank lines at the end; of files: as they are
};

struct TestCase {
  std::string name;             // words behind `test`, else the comment before it, else its number
  std::size_t line = 0;
  std::vector<Section> sections;  // [0] is the head
};

struct TestFile {
  std::string path;
  std::vector<std::string> lines;
  std::vector<TestCase> tests;
};

// As in the section's head: `output order_lines`; of a file its name.
std::string title(const Section& section);

// A mistake in the file itself: `orders.pipetest:12: …`.
std::expected<TestFile, std::string> parse_test_file(const std::string& path, std::string text);

// The settings of a test's head.
struct TestSettings {
  std::string pipeline;
  std::int64_t now = 0;         // microseconds
  bool local = true;
  std::map<std::string, std::string> params, environment;
};
std::expected<TestSettings, std::string> settings_of(const TestFile& file, const TestCase& test);

// A line of `-- input --`: a record, or an order to the world.
struct InputLine {
  enum class Kind : std::uint8_t { Record, Fail, Crash, Clock, Time, Batch, Replay, Pipeline } kind = Kind::Record;
  std::size_t line = 0;
  std::string name;                   // topic; sink; step; file
  std::optional<std::string> key, value;
  std::int32_t partition = -1;
  std::optional<std::int64_t> time;   // microseconds: of the record, of @time
  std::int64_t count = 0;             // of @fail
  std::int64_t duration = 0;          // microseconds: of @clock, of @fail
  std::string upgrade;                // of @pipeline: keep, migrate, reset
  std::vector<std::pair<std::string, std::string>> headers;
};
std::expected<std::vector<InputLine>, std::string> input_of(const TestFile& file, const Section& section);

// The file with other lines in some sections; `replaced` by the line of the section's head.
std::string with_replaced(const TestFile& file, const std::map<std::size_t, std::vector<std::string>>& replaced);

}  // namespace piperun::cli
