#include "lang/source/source.h"

#include <gtest/gtest.h>

namespace piperun::source {
namespace {

TEST(SourceFile, CountsLinesAndColumnsFromOneInBytes) {
  const SourceFile file("a.pipe",
                        "ab\n\nc\xC3\xA9"
                        "d");
  EXPECT_EQ(file.place(0), (Place{1, 1}));
  EXPECT_EQ(file.place(2), (Place{1, 3}));  // the newline belongs to its line
  EXPECT_EQ(file.place(3), (Place{2, 1}));
  EXPECT_EQ(file.place(4), (Place{3, 1}));
  EXPECT_EQ(file.place(7), (Place{3, 4}));  // behind a letter of two bytes
  EXPECT_EQ(file.place(8), (Place{3, 5}));  // the end
  EXPECT_EQ(file.place(99), (Place{3, 5}));
  EXPECT_EQ(file.line_count(), 3U);
}

TEST(SourceFile, LineTextHasNoLineEnd) {
  const SourceFile file("a.pipe", "one\r\ntwo\nthree");
  EXPECT_EQ(file.line_text(1), "one");
  EXPECT_EQ(file.line_text(2), "two");
  EXPECT_EQ(file.line_text(3), "three");
  EXPECT_EQ(file.place(5), (Place{2, 1}));
}

TEST(SourceFile, AFinalNewlineBeginsAnEmptyLine) {
  const SourceFile file("a.pipe", "one\n");
  EXPECT_EQ(file.line_count(), 2U);
  EXPECT_EQ(file.line_text(2), "");
  EXPECT_EQ(file.place(4), (Place{2, 1}));
}

TEST(SourceFile, AByteOrderMarkIsNoColumn) {
  const SourceFile file("a.pipe",
                        "\xEF\xBB\xBF"
                        "ab");
  EXPECT_EQ(file.content_begin(), 3U);
  EXPECT_EQ(file.place(3), (Place{1, 1}));
  EXPECT_EQ(file.place(4), (Place{1, 2}));
  EXPECT_EQ(file.line_text(1), "ab");
}

TEST(SourceFile, OffsetIsTheInverseOfPlace) {
  const SourceFile file("a.pipe",
                        "\xEF\xBB\xBF"
                        "ab\r\n\ncd");
  for (const std::uint32_t offset : {3U, 4U, 5U, 7U, 8U, 9U, 10U}) EXPECT_EQ(file.offset(file.place(offset)), offset);
  EXPECT_EQ(file.offset({1, 50}), 5U);
  EXPECT_EQ(file.offset({50, 1}), 8U);
}

TEST(SourceFile, EmptyTextHasOneLine) {
  const SourceFile file("a.pipe", "");
  EXPECT_EQ(file.line_count(), 1U);
  EXPECT_EQ(file.place(0), (Place{1, 1}));
  EXPECT_EQ(file.line_text(1), "");
}

TEST(SourceMap, FindsFilesAndTexts) {
  SourceMap map;
  const FileId first = map.add("a.pipe", "let");
  const FileId second = map.add("b.pipe", "x\nyz");
  EXPECT_EQ(map.find("b.pipe"), second);
  EXPECT_EQ(map.find("c.pipe"), std::nullopt);
  EXPECT_EQ(map.text({second, 2, 4}), "yz");
  EXPECT_EQ(map.where({second, 3, 4}), "b.pipe:2:2");
  EXPECT_EQ(map.file(first).path(), "a.pipe");
}

TEST(Span, CoversFromTheFirstToTheLastByte) {
  const Span covered = cover({FileId{1}, 8, 9}, {FileId{1}, 2, 4});
  EXPECT_EQ(covered, (Span{FileId{1}, 2, 9}));
}

}  // namespace
}  // namespace piperun::source
