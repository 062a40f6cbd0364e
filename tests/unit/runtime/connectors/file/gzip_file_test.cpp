#include <gmock/gmock.h>

#include "tests/unit/runtime/connectors/file/file_test.h"

namespace piperun::file {
namespace {

using base::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(FileTest, GzipReadsLikeTheTextItHolds) {
  std::string text;
  std::vector<std::string> expected;
  for (int i = 0; i < 20'000; ++i) {
    expected.push_back("{\"n\":" + std::to_string(i) + "}");
    text += expected.back() + "\n";
  }
  put_gzip("a.gz", text);
  put_gzip("a.gz", "last", "ab");  // a second member
  expected.push_back("last");
  auto source = open("a.gz");
  EXPECT_EQ(source->partitions()->front().end, static_cast<std::int64_t>(text.size()) + 4);
  EXPECT_EQ(all(*source, 0, 0, 777), expected);
  EXPECT_THAT(all(*source, 0, static_cast<std::int64_t>(text.size())), ElementsAre("last"));
  EXPECT_EQ(all(*source, 0, 0, 5'000), expected) << "from the beginning again";
}

// What is wrong with the file, as the source says when it is asked for its partitions.
class DamagedGzipTest : public FileTest {
 protected:
  std::string refusal() {
    auto partitions = open("a.gz")->partitions();
    if (partitions) return "";
    EXPECT_EQ(partitions.error().code, ErrorCode::CannotOpen);
    return partitions.error().message;
  }
  std::string gzip(const std::string& text) {
    put_gzip("member", text);
    return get("member");
  }
};

TEST_F(DamagedGzipTest, WhatIsNoGzipData) {
  put("a.gz", "{\"id\":1}\n");
  EXPECT_THAT(refusal(), HasSubstr("a.gz: it is no gzip data"));
  put("a.gz", "");
  EXPECT_THAT(refusal(), HasSubstr("no gzip data"));
  put("a.gz", "\x1f");
  EXPECT_THAT(refusal(), HasSubstr("no gzip data"));
  put("a.gz", std::string(100, '\0'));
  EXPECT_THAT(refusal(), HasSubstr("no gzip data"));
  put("a.gz", "\x1f\x8b\x07 not deflate ");
  EXPECT_THAT(refusal(), HasSubstr("cannot inflate"));
}

TEST_F(DamagedGzipTest, CutOffAnywhere) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += std::to_string(i * 7919) + "\n";
  const std::string whole = gzip(text);
  for (std::size_t size = 2; size < whole.size(); size += size < 30 || size + 12 > whole.size() ? 1 : 97) {
    put("a.gz", whole.substr(0, size));
    EXPECT_THAT(refusal(), HasSubstr("cut off")) << size << " of " << whole.size();
  }
  put("a.gz", whole + whole.substr(0, whole.size() - 1));
  EXPECT_THAT(refusal(), HasSubstr("cut off")) << "the second member";
}

TEST_F(DamagedGzipTest, AWrongByte) {
  std::string bytes = gzip(std::string(5'000, 'x') + "\n");
  bytes[bytes.size() - 6] = static_cast<char>(bytes[bytes.size() - 6] ^ 1);
  put("a.gz", bytes);
  EXPECT_THAT(refusal(), HasSubstr("incorrect data check"));
}

TEST_F(DamagedGzipTest, WhatFollowsTheLastMember) {
  const std::string member = gzip("one\n");
  put("a.gz", member + "more");
  EXPECT_THAT(refusal(), HasSubstr("something that is no gzip data follows"));
  put("a.gz", member + std::string(600'000, '\0') + "x");
  EXPECT_THAT(refusal(), HasSubstr("something that is no gzip data follows"));
  put("a.gz", member + std::string(600'000, '\0'));
  EXPECT_THAT(all(*open("a.gz")), ElementsAre("one")) << "zeros fill up a block of a tape";
}

TEST_F(DamagedGzipTest, MembersWithoutText) {
  put("a.gz", gzip("") + gzip("one\ntw") + gzip("") + gzip("o\n"));
  EXPECT_THAT(all(*open("a.gz")), ElementsAre("one", "two"));
  put("a.gz", gzip(""));
  EXPECT_TRUE(all(*open("a.gz")).empty());
}

TEST_F(DamagedGzipTest, AMemberAppendedWhileItIsRead) {
  put("a.gz", gzip("one\n"));
  auto source = open("a.gz");
  EXPECT_THAT(all(*source), ElementsAre("one"));
  const std::string member = gzip("two\n");
  std::ofstream(folder_ / "a.gz", std::ios::app | std::ios::binary) << member;
  EXPECT_THAT(all(*source, 0, 4), ElementsAre("two"));
}

}  // namespace
}  // namespace piperun::file
