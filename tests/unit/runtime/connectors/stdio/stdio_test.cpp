#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <limits>
#include <thread>

#include "runtime/connectors/stdio/stdin_source.h"
#include "runtime/connectors/stdio/stdout_sink.h"

namespace piperun::stdio {
namespace {

using ::testing::ElementsAre;

class StdioTest : public ::testing::Test {
 protected:
  StdioTest() {
    if (::pipe(ends_) != 0) std::abort();
  }
  ~StdioTest() override {
    ::close(ends_[0]);
    close_input();
  }
  void type(std::string_view text) { ASSERT_EQ(::write(ends_[1], text.data(), text.size()), static_cast<ssize_t>(text.size())); }
  void close_input() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  static std::vector<std::string> values(const base::Result<record::Slab>& slab) {
    std::vector<std::string> result;
    if (!slab) return {slab.error().message};
    for (const auto& record : slab->records) result.emplace_back(*record.value);
    return result;
  }
  int ends_[2];
  base::VirtualClock clock_{0};
};

TEST_F(StdioTest, LinesComeAsTheyAreTyped) {
  StdinSource source(ends_[0], ir::Format::Json, ',', false, clock_);
  EXPECT_TRUE(values(source.read(0, 1'000, 10, 1 << 20)).empty()) << "nothing typed, nothing waited for";
  type("one\r\n\ntw");
  EXPECT_THAT(values(source.read(0, 1'000, 10, 1 << 20)), ElementsAre("one"));
  EXPECT_FALSE(source.is_finite());
  EXPECT_EQ(source.partitions()->front().end, std::numeric_limits<std::int64_t>::max());
  type("o\nlast");
  auto slab = source.read(0, 1'005, 10, 1 << 20);
  ASSERT_THAT(values(slab), ElementsAre("two"));
  EXPECT_EQ(slab->records[0].next, 1'010) << "positions go on from where an earlier run ended";
  close_input();
  EXPECT_THAT(values(source.read(0, 1'010, 10, 1 << 20)), ElementsAre("last"));
  EXPECT_TRUE(values(source.read(0, 1'014, 10, 1 << 20)).empty());
  EXPECT_TRUE(source.is_finite());
  EXPECT_EQ(source.partitions()->front().end, 1'014);
  EXPECT_FALSE(source.read(0, 1'005, 10, 1 << 20)) << "it cannot go back";
}

TEST_F(StdioTest, AtMostAsManyAsAskedAndCsvHeader) {
  StdinSource source(ends_[0], ir::Format::Csv, ',', true, clock_);
  type("a,b\n");
  EXPECT_TRUE(values(source.read(0, 0, 10, 1 << 20)).empty());
  type("1,\"x\ny\"\n2,z\n");
  close_input();
  auto slab = source.read(0, 0, 1, 1 << 20);
  EXPECT_THAT(values(slab), ElementsAre("1,\"x\ny\""));
  EXPECT_EQ(slab->header, "a,b");
  EXPECT_THAT(values(source.read(0, slab->records[0].next, 1, 1 << 20)), ElementsAre("2,z"));
}

TEST_F(StdioTest, AByteOrderMarkIsNoData) {
  StdinSource source(ends_[0], ir::Format::Csv, ',', false, clock_);
  type("\xEF\xBB");
  EXPECT_TRUE(values(source.read(0, 0, 10, 1 << 20)).empty());
  type(
      "\xBF"
      "1,a\n");
  EXPECT_THAT(values(source.read(0, 0, 10, 1 << 20)), ElementsAre("1,a"));
  type(
      "\xEF\xBB\xBF"
      "2,b\n");
  EXPECT_THAT(values(source.read(0, 4, 10, 1 << 20)), ElementsAre("\xEF\xBB\xBF"
                                                                  "2,b"))
      << "but at the beginning alone";
}

TEST_F(StdioTest, AShortFirstLineDoesNotWaitForAMark) {
  StdinSource source(ends_[0], ir::Format::Raw, ',', false, clock_);
  type("a\n");
  EXPECT_THAT(values(source.read(0, 0, 10, 1 << 20)), ElementsAre("a"));
}

TEST_F(StdioTest, CarriageReturnsAloneEndNoRecord) {
  StdinSource source(ends_[0], ir::Format::Csv, ',', true, clock_);
  type("a,b\r1,2\r3,4\r");
  close_input();
  const auto slab = source.read(0, 0, 10, 1 << 20);
  ASSERT_FALSE(slab);
  EXPECT_THAT(slab.error().message, ::testing::HasSubstr("a carriage return (CR) without a line feed"));
}

TEST_F(StdioTest, ARecordLongerThanOneReadIsWaitedFor) {
  StdinSource source(ends_[0], ir::Format::Json, ',', false, clock_);
  const std::string line(3'000'000, 'x');
  std::thread typist([&] {
    for (std::string_view left = line; !left.empty();) {
      const ssize_t done = ::write(ends_[1], left.data(), left.size());
      if (done <= 0) return;
      left.remove_prefix(static_cast<std::size_t>(done));
    }
    type("\nshort\n");
  });
  std::vector<std::string> read;
  std::int64_t position = 0;
  for (int i = 0; i < 5'000 && read.size() < 2; ++i) {
    auto slab = source.read(0, position, 10, 1 << 20);
    for (auto& value : values(slab)) read.push_back(std::move(value));
    if (slab && !slab->records.empty()) position = slab->records.back().next;
    source.wait(1'000);
  }
  if (read.size() < 2) std::abort();  // the typist would wait for ever
  typist.join();
  EXPECT_THAT(read, ElementsAre(line, "short"));
}

TEST_F(StdioTest, SinkWritesLinesAndOneHeader) {
  StdoutSink sink(ends_[1], "h");
  const std::vector<connectors::OutputRow> rows{{.encoded = "one"}, {.encoded = "two"}};
  ASSERT_TRUE(sink.write({}));
  ASSERT_TRUE(sink.write(rows));
  ASSERT_TRUE(sink.write(rows));
  char text[100];
  const ssize_t size = ::read(ends_[0], text, sizeof text);
  EXPECT_EQ(std::string(text, static_cast<std::size_t>(size)), "h\none\ntwo\none\ntwo\n");
}

}  // namespace
}  // namespace piperun::stdio
