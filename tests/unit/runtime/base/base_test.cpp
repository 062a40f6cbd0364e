#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "runtime/base/clock.h"
#include "runtime/base/random.h"
#include "runtime/base/read_file.h"
#include "runtime/base/result.h"

namespace piperun::base {
namespace {

TEST(Errors, TraitsComeFromTheTable) {
  EXPECT_STREQ(traits(ErrorCode::InvalidJson).code, "P1001");
  EXPECT_EQ(traits(ErrorCode::InvalidJson).error_class, ErrorClass::Data);
  EXPECT_STREQ(traits(ErrorCode::DatabaseLocked).code, "P2003");
  EXPECT_EQ(traits(ErrorCode::DatabaseLocked).error_class, ErrorClass::Transient);
  EXPECT_EQ(traits(ErrorCode::LostOwnership).error_class, ErrorClass::Ownership);
  EXPECT_STREQ(traits(ErrorCode::BadSample).code, "P2015");
}

TEST(Errors, EachCodeOccursOnce) {
  std::set<std::string> codes;
  std::size_t count = 0;
#define ERROR(code, name, error_class, title, explanation) codes.insert(#code), ++count;
#include "runtime/base/errors.def"
#undef ERROR
  EXPECT_EQ(codes.size(), count);
}

TEST(VirtualClock, MovesByHandAndBySleep) {
  VirtualClock clock(1'000);
  const std::int64_t began = clock.monotonic();
  clock.sleep(500);
  EXPECT_EQ(clock.now(), 1'500);
  clock.advance(-10);
  EXPECT_EQ(clock.now(), 1'500);
  clock.set(99);
  EXPECT_EQ(clock.now(), 99);
  EXPECT_EQ(clock.monotonic() - began, 500);
}

TEST(SystemClock, SleepsAtLeastAsLongAsAsked) {
  SystemClock clock;
  const std::int64_t began = clock.monotonic();
  clock.sleep(2'000);
  EXPECT_GE(clock.monotonic() - began, 2'000);
  EXPECT_GT(clock.now(), 1'600'000'000'000'000);  // the year 2020, in microseconds
}

TEST(ReadFile, ATextMayBeAsLongAsIsSaid) {
  const std::string folder = std::filesystem::temp_directory_path(),
                    path = folder + "/piperun-text." + std::to_string(::getpid());
  std::ofstream(path) << std::string(70'000, 'x');
  EXPECT_EQ(read_file(path, 70'000)->size(), 70'000U);
  EXPECT_EQ(read_file(path, 69'999).error(), "it has more than 69999 bytes");
  std::filesystem::remove(path);
  EXPECT_EQ(read_file(path, 10).error(), "No such file or directory");
  EXPECT_EQ(read_file(folder, 10).error(), "Is a directory");
}

TEST(Random, SameSeedSameNumbers) {
  Random a(7), b(7), c(8);
  std::set<std::int64_t> seen;
  bool differs = false;
  for (int i = 0; i < 1'000; ++i) {
    const std::int64_t number = a.below(10);
    EXPECT_EQ(number, b.below(10));
    differs |= number != c.below(10);
    seen.insert(number);
  }
  EXPECT_TRUE(differs);
  EXPECT_EQ(seen.size(), 10u);
  EXPECT_EQ(*seen.begin(), 0);
  EXPECT_EQ(a.below(0), 0);
}

}  // namespace
}  // namespace piperun::base
