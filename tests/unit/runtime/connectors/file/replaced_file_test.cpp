#include <gmock/gmock.h>

#include "tests/unit/runtime/connectors/file/file_test.h"

namespace piperun::file {
namespace {

using base::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A file is read up to some record; then somebody does something to it, and another run goes on.
class ReplacedFileTest : public FileTest {
 protected:
  struct Stored {
    std::int64_t position = 0;
    std::string mark;
  };
  static Stored stored(connectors::Source& source, std::int64_t position, std::size_t records) {
    const auto slab = source.read(0, position, records, 1 << 20);
    if (!slab || slab->records.empty()) {
      ADD_FAILURE() << "nothing to read";
      return {};
    }
    return {slab->records.back().next, std::string(slab->mark)};
  }
  Stored read(const std::string& name, std::size_t records, ir::Format format = ir::Format::Json) {
    return stored(*open(name, format), 0, records);
  }
  // "" or the words of the error.
  std::string check(const std::string& name, const Stored& before, ir::Format format = ir::Format::Json) {
    const auto checked = open(name, format)->check(0, before.mark);
    if (checked) return "";
    EXPECT_EQ(checked.error().code, ErrorCode::PositionGone);
    return checked.error().message;
  }
  void append(const std::string& name, const std::string& text) { std::ofstream(folder_ / name, std::ios::app) << text; }
};

TEST_F(ReplacedFileTest, ALongerFileInItsPlaceIsSeen) {
  put("a.ndjson", "one\ntwo\n");
  const Stored before = read("a.ndjson", 10);
  put("a.ndjson", "eins\nzwei\ndrei\n");
  EXPECT_THAT(check("a.ndjson", before), HasSubstr("a.ndjson: what stands before byte 8 is not what was read there"));
}

TEST_F(ReplacedFileTest, AFileThatGrewIsTheSame) {
  put("a.ndjson", "one\ntwo\n");
  const Stored before = read("a.ndjson", 1);
  EXPECT_EQ(before.position, 4);
  append("a.ndjson", "three\n");
  EXPECT_EQ(check("a.ndjson", before), "");
  EXPECT_THAT(all(*open("a.ndjson"), 0, before.position), ElementsAre("two", "three"));
}

TEST_F(ReplacedFileTest, AShorterFileSaysHowLongItIs) {
  put("a.ndjson", "one\ntwo\n");
  const Stored before = read("a.ndjson", 10);
  put("a.ndjson", "one\n");
  EXPECT_THAT(check("a.ndjson", before), HasSubstr("has 4 bytes, and the position is 8: it was cut or replaced"));
}

TEST_F(ReplacedFileTest, TheSameHeaderIsNotTheSameFile) {
  put("day.csv", "id,name\n1,Ada\n2,Bob\n");
  const Stored before = read("day.csv", 2, ir::Format::Csv);
  put("day.csv", "id,name\n7,Eve\n8,Dan\n9,Joe\n");
  EXPECT_NE(check("day.csv", before, ir::Format::Csv), "");
}

TEST_F(ReplacedFileTest, TheMarkDoesNotDependOnHowItWasRead) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "{\"n\":" + std::to_string(i) + "}\n\r\n";
  put("a.ndjson", text);
  put_gzip("a.gz", text);
  const Stored at_once = read("a.ndjson", 400);
  for (const char* name : {"a.ndjson", "a.gz"}) {
    for (const std::size_t step : {1U, 3U, 100U}) {
      auto source = open(name);
      Stored here;
      for (std::size_t done = 0; done < 400;) {
        const std::size_t now = std::min<std::size_t>(step, 400 - done);
        here = stored(*source, here.position, now);
        done += now;
      }
      EXPECT_EQ(here.mark, at_once.mark) << name << " by " << step;
    }
    auto resumed = open(name);
    EXPECT_EQ(stored(*resumed, read(name, 200).position, 200).mark, at_once.mark) << name << " by two runs";
    EXPECT_EQ(check(name, at_once), "");
  }
}

TEST_F(ReplacedFileTest, GzipIsKnownByItsText) {
  put_gzip("a.gz", "one\ntwo\n", "wb1");
  const Stored before = read("a.gz", 10);
  put_gzip("a.gz", "one\ntwo\nthree\n", "wb9");
  EXPECT_EQ(check("a.gz", before), "") << "compressed anew, and longer";
  put_gzip("a.gz", "eins\nzwei\ndrei\n");
  EXPECT_NE(check("a.gz", before), "");
}

TEST_F(ReplacedFileTest, WrittenOverWhileItIsRead) {
  put("a.ndjson", "one\ntwo\n");
  auto source = open("a.ndjson");
  const Stored before = stored(*source, 0, 10);
  append("a.ndjson", "three\n");
  ASSERT_TRUE(source->partitions());
  EXPECT_EQ(stored(*source, before.position, 10).position, 14);
  put("a.ndjson", "a new beginning, which is longer\n");
  const auto now = source->partitions();
  ASSERT_FALSE(now);
  EXPECT_THAT(now.error().message, HasSubstr("before byte 14"));
}

}  // namespace
}  // namespace piperun::file
