#include "tests/unit/runtime/connectors/file/file_test.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>
#include <thread>

#include "runtime/connectors/file/file_sink.h"
#include "runtime/connectors/file/file_table.h"

namespace piperun::file {
namespace {

using base::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST_F(FileTest, LinesWithAnyLineEndAndBlankLinesLeftOut) {
  put("a.ndjson", "\xEF\xBB\xBF{1}\r\n\n{22}\n\r\n{333}\n\n\r\n");
  EXPECT_THAT(all(*open("a.ndjson")), ElementsAre("{1}", "{22}", "{333}"));
  EXPECT_THAT(all(*open("a.ndjson"), 0, 0, 1), ElementsAre("{1}", "{22}", "{333}"));
}

TEST_F(FileTest, ALastLineWithoutItsEndIsARecord) {
  put("a.ndjson", "one\ntwo");
  EXPECT_THAT(all(*open("a.ndjson")), ElementsAre("one", "two"));
}

// What was read as a record was half of one.
TEST_F(FileTest, ALastLineThatGoesOnAfterItWasReadStops) {
  put("a.ndjson", "one\ntw");
  auto source = open("a.ndjson");
  auto slab = source->read(0, 0, 10, 1 << 20);
  ASSERT_THAT(slab->records, SizeIs(2));
  const std::string mark(slab->mark);
  std::ofstream(folder_ / "a.ndjson", std::ios::app) << "o\n";
  const auto running = source->partitions();
  ASSERT_FALSE(running);
  EXPECT_EQ(running.error().code, ErrorCode::PositionGone);
  EXPECT_THAT(running.error().message, HasSubstr("before it was complete"));
  const auto started = open("a.ndjson")->check(0, mark);
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("line that ends at byte 6"));
}

TEST_F(FileTest, ALastLineThatOnlyGetsItsEndLaterIsNoOtherRecord) {
  for (const ir::Format format : {ir::Format::Json, ir::Format::Raw}) {
    for (const std::string end : {"\n", "\r\n"}) {
      put("a", "one\ntwo");
      auto source = open("a", format);
      auto slab = source->read(0, 0, 10, 1 << 20);
      ASSERT_THAT(slab->records, SizeIs(2));
      const std::string mark(slab->mark);
      std::ofstream(folder_ / "a", std::ios::app | std::ios::binary) << end;
      EXPECT_TRUE(all(*source, 0, 7).empty());
      auto again = open("a", format);
      ASSERT_TRUE(again->check(0, mark));
      EXPECT_TRUE(all(*again, 0, 7).empty());
      std::ofstream(folder_ / "a", std::ios::app | std::ios::binary) << "three\n\n";
      auto later = open("a", format);
      ASSERT_TRUE(later->check(0, mark));
      for (connectors::Source* each : {source.get(), later.get()}) {
        if (format == ir::Format::Raw) EXPECT_THAT(all(*each, 0, 7), ElementsAre("three", ""));
        else EXPECT_THAT(all(*each, 0, 7), ElementsAre("three"));
      }
    }
  }
}

TEST_F(FileTest, RawKeepsEmptyLines) {
  put("a.log", "x\n\n\ny\n\n");
  EXPECT_THAT(all(*open("a.log", ir::Format::Raw)), ElementsAre("x", "", "", "y", ""));
}

TEST_F(FileTest, EmptyAndBlankFilesEndAtOnce) {
  put("empty", "");
  put("blank", "\n\r\n\n");
  put("header", "a,b\n");
  EXPECT_TRUE(all(*open("empty")).empty());
  EXPECT_TRUE(all(*open("blank")).empty());
  auto csv = open("header", ir::Format::Csv);
  const auto partition = csv->partitions()->front();
  EXPECT_EQ(partition.begin, partition.end);
  EXPECT_TRUE(open("*", ir::Format::Raw)->is_finite());
}

TEST_F(FileTest, PositionsAreBytesAndCanBeResumed) {
  put("a.ndjson", "one\r\ntwo\nthree\n");
  auto source = open("a.ndjson");
  auto slab = source->read(0, 0, 2, 1 << 20);
  ASSERT_THAT(slab->records, SizeIs(2));
  EXPECT_EQ(slab->records[0].offset, 0);
  EXPECT_EQ(slab->records[0].next, 5);
  EXPECT_EQ(slab->records[1].next, 9);
  EXPECT_THAT(all(*open("a.ndjson"), 0, 9), ElementsAre("three"));
  auto gone = source->read(0, 99, 2, 1 << 20);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::PositionGone);
}

TEST_F(FileTest, AppendedLinesAreFoundWhenTheEndIsAskedAgain) {
  put("a.ndjson", "one\n");
  auto source = open("a.ndjson");
  EXPECT_THAT(all(*source), ElementsAre("one"));
  std::ofstream(folder_ / "a.ndjson", std::ios::app) << "two\n";
  EXPECT_TRUE(source->read(0, 4, 10, 100)->records.empty());
  EXPECT_THAT(all(*source, 0, 4), ElementsAre("two"));
}

TEST_F(FileTest, APartitionPerFileInTheOrderOfNames) {
  put("b.ndjson", "b\n");
  put("a.ndjson", "a\n");
  put("c.txt", "c\n");
  auto source = open("*.ndjson");
  auto partitions = source->partitions();
  ASSERT_THAT(*partitions, SizeIs(2));
  EXPECT_EQ((*partitions)[0].topic, "a.ndjson");
  EXPECT_EQ((*partitions)[1].topic, "b.ndjson");
  EXPECT_THAT(all(*source, 1), ElementsAre("b"));
  auto missing = FileSource::open(folder_.path(), "*.none", ir::Format::Json, ',', true, clock_);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::CannotOpen);
}

TEST_F(FileTest, CsvRowsMayHoldLineEnds) {
  put("a.csv", "id,\"a \"\"note\"\"\"\r\n1,\"two\nlines\"\r\n\r\n2,\"x\"\"y\"\r\n3,plain\r\n");
  auto source = open("a.csv", ir::Format::Csv);
  auto slab = source->read(0, 0, 10, 1 << 20);
  ASSERT_TRUE(slab);
  EXPECT_EQ(slab->header, "id,\"a \"\"note\"\"\"");
  EXPECT_THAT(all(*source, 0, 0, 1), ElementsAre("1,\"two\nlines\"", "2,\"x\"\"y\"", "3,plain"));
  EXPECT_THAT(all(*open("a.csv", ir::Format::Csv, false)), SizeIs(4));
}

TEST_F(FileTest, AByteOrderMarkIsNoText) {
  put("a", "\xEF\xBB\xBFone\n\xEF\xBB\xBFtwo\n");
  EXPECT_EQ(read_file(folder_ / "a"), "one\n\xEF\xBB\xBFtwo\n");
}

// Neither of them is read as nothing, in silence.
TEST_F(FileTest, CarriageReturnsAloneEndNoRecord) {
  put("a.csv", "id,name\r1,Ada\r2,Bob\r");
  const auto partitions = open("a.csv", ir::Format::Csv)->partitions();
  ASSERT_FALSE(partitions);
  EXPECT_EQ(partitions.error().code, ErrorCode::CannotOpen);
  EXPECT_THAT(partitions.error().message, HasSubstr("a.csv: its header has a carriage return (CR) without a line feed"));
  EXPECT_THAT(all(*open("a.csv", ir::Format::Csv, false)), ElementsAre("id,name\r1,Ada\r2,Bob"))
      << "one row, which the decoder refuses";
  EXPECT_THAT(all(*open("a.csv", ir::Format::Json)), SizeIs(1));
  put("quoted.csv", "id,\"the\rname\"\r\n1,Ada\r\n");
  EXPECT_THAT(all(*open("quoted.csv", ir::Format::Csv)), ElementsAre("1,Ada"));
}

TEST_F(FileTest, LongLinesAndPadding) {
  const std::string line(3'000'000, 'x');
  put("a", "short\n" + line + "\nend");
  auto source = open("a");
  EXPECT_THAT(all(*source), ElementsAre("short", line, "end"));
  auto slab = source->read(0, 6 + 3'000'001, 1, 1 << 20);
  ASSERT_THAT(slab->records, SizeIs(1));
  const std::string_view last = *slab->records[0].value;
  for (std::size_t i = 0; i < record::kPadding; ++i) EXPECT_EQ(last.data()[last.size() + i], '\0');
}

TEST_F(FileTest, SinkAppendsWholeLines) {
  const std::vector<connectors::OutputRow> rows{{.encoded = "one"}, {.encoded = "two"}};
  {
    auto sink = FileSink::open(folder_ / "new/out.csv", "h1,h2");
    ASSERT_TRUE(sink);
    ASSERT_TRUE((*sink)->write(rows));
    ASSERT_TRUE((*sink)->await());
  }
  EXPECT_EQ(get("new/out.csv"), "h1,h2\none\ntwo\n");
  auto sink = FileSink::open(folder_ / "new/out.csv", "h1,h2");
  ASSERT_TRUE((*sink)->write(std::span(rows).first(1)));
  EXPECT_EQ(get("new/out.csv"), "h1,h2\none\ntwo\none\n") << "one header";
}

TEST_F(FileTest, SinkCutsAPartOfALine) {
  put("out", "one\ntw");
  ASSERT_TRUE(FileSink::open(folder_ / "out", ""));
  EXPECT_EQ(get("out"), "one\n");
  put("out", std::string(200'000, 'x'));
  ASSERT_TRUE(FileSink::open(folder_ / "out", "h"));
  EXPECT_EQ(get("out"), "h\n");
  EXPECT_EQ(FileSink::open(folder_.path(), "").error().code, ErrorCode::CannotOpen);
}

// In a process of its own, whose files may have so many bytes.
void limit_files(std::uint64_t bytes) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0) std::abort();
  limit.rlim_cur = bytes;
  if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) std::abort();
}

TEST_F(FileTest, ALineThatDidNotFitIsCompletedWhenThereIsSpace) {
  const std::string first(300, 'a'), second(300, 'b');
  const auto child = piperun::testing::in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    auto sink = FileSink::open(folder_ / "out", "");
    const std::vector<connectors::OutputRow> rows{{.encoded = first}, {.encoded = second}, {.encoded = "short"}};
    if (!sink) return 1;
    for (const std::uint64_t limit : {100, 450, 450, 900, 1203}) {
      limit_files(limit);
      const auto written = (*sink)->write(rows);
      if (written || written.error().code != ErrorCode::DiskFull || !written.error().message.contains("out")) return 2;
    }
    limit_files(RLIM_INFINITY);
    return (*sink)->write(rows) && (*sink)->await() ? 0 : 3;
  });
  ASSERT_EQ(piperun::testing::exit_status(child), 0);
  const std::string text = get("out");
  ASSERT_TRUE(text.ends_with(first + "\n" + second + "\nshort\n"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_TRUE(line == first || line == second || line == "short") << line;
}

TEST_F(FileTest, TableFindsRowsAndIsReadAgain) {
  ir::Program program;
  program.memory = std::make_unique<value::Arena>();
  ir::Table table;
  table.name = "countries";
  table.type = program.types.record(
      "Country", {{"code", program.types.scalar(value::TypeKind::String)}, {"n", program.types.scalar(value::TypeKind::Int)}});
  table.key = {0};
  table.format = ir::Format::Csv;
  table.cache = 1'000;
  put("c.csv", "n,code\n7,DE\n8,FR\n");
  auto opened = FileTable::open(folder_ / "c.csv", program, table, clock_);
  ASSERT_TRUE(opened) << opened.error().message;
  const auto look = [&](std::string_view code) -> std::int64_t {
    value::Arena arena;
    const value::Cell key = value::Cell::of(code);
    const value::Cell* keys[] = {&key};
    const value::Cell* rows[1];
    EXPECT_TRUE((*opened)->lookup(keys, arena, rows));
    return rows[0] == nullptr ? -1 : rows[0][1].i;
  };
  EXPECT_EQ(look("DE"), 7);
  EXPECT_EQ(look("US"), -1);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // another modification time
  put("c.csv", "n,code\n9,US\n");
  EXPECT_EQ(look("US"), -1);
  clock_.advance(1'000);
  EXPECT_EQ(look("US"), 9);
  put("c.csv", "n,code\n1,DE\n2,DE\n");
  auto repeated = FileTable::open(folder_ / "c.csv", program, table, clock_);
  ASSERT_FALSE(repeated);
  EXPECT_EQ(repeated.error().code, ErrorCode::SchemaMismatch);
  EXPECT_THAT(repeated.error().message, HasSubstr("c.csv:3:"));
}

}  // namespace
}  // namespace piperun::file
