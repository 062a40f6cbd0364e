#include "runtime/connectors/generate/generate_source.h"

#include <gtest/gtest.h>

#include <set>

#include "runtime/record/decoder.h"

namespace piperun::generate {
namespace {

using value::TypeKind;

class GenerateTest : public ::testing::Test {
 protected:
  GenerateTest() {
    program_.memory = std::make_unique<value::Arena>();
    value::TypeTable& types = program_.types;
    const value::TypeId channel = types.intern({.kind = TypeKind::Enum, .name = "Channel", .values = {"web", "shop"}});
    source_.name = "made";
    source_.type = types.record("Made", {{"id", types.scalar(TypeKind::Int)},
                                         {"name", types.with_null(types.scalar(TypeKind::String))},
                                         {"price", types.decimal(12, 2)},
                                         {"small", types.decimal(1, 1)},
                                         {"at", types.scalar(TypeKind::Timestamp)},
                                         {"channel", channel},
                                         {"lines", types.list(types.record("", {{"n", types.scalar(TypeKind::Float)}}))},
                                         {"ok", types.scalar(TypeKind::Bool)}});
  }
  std::vector<std::string> read(GenerateOptions options, std::uint32_t partition = 0, std::int64_t position = 0,
                                std::size_t most = 1'000) {
    GenerateSource source(program_, source_, options, clock_);
    std::vector<std::string> result;
    auto slab = source.read(partition, position, most, 1 << 20);
    for (const auto& record : slab->records) result.emplace_back(*record.value);
    return result;
  }
  ir::Program program_;
  ir::Source source_;
  base::VirtualClock clock_{0};
};

TEST_F(GenerateTest, RecordsFitTheirType) {
  auto decoder = record::make_decoder(program_, source_);
  value::Arena arena;
  std::vector<value::Cell> cells(32);
  for (std::string text : read({.count = 500})) {
    const std::size_t size = text.size();
    text.append(record::kPadding, '\0');
    const auto fault = decoder->decode(std::string_view(text).substr(0, size), arena, cells.data());
    ASSERT_FALSE(fault) << fault->detail << "\n" << text;
  }
}

TEST_F(GenerateTest, TheSameSeedMakesTheSameRecordsFromAnyPosition) {
  const auto all = read({.count = 100, .seed = 7});
  ASSERT_EQ(all.size(), 100u);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 100u);
  EXPECT_EQ(read({.count = 100, .seed = 7}, 0, 40, 1), std::vector<std::string>{all[40]});
  EXPECT_NE(read({.count = 100, .seed = 8}), all);
  EXPECT_EQ(read({.count = 100, .seed = 7, .partitions = 3}, 1, 2, 1), std::vector<std::string>{all[7]});
}

TEST_F(GenerateTest, TheCountIsSpreadOverPartitions) {
  GenerateSource source(program_, source_, {.count = 10, .partitions = 3}, clock_);
  std::int64_t total = 0;
  const auto partitions = *source.partitions();
  for (std::uint32_t i = 0; i < 3; ++i) {
    auto slab = source.read(i, 0, 1'000, 1 << 20);
    EXPECT_EQ(static_cast<std::int64_t>(slab->records.size()), partitions[i].end);
    total += partitions[i].end;
    EXPECT_TRUE(source.read(i, partitions[i].end, 10, 100)->records.empty());
  }
  EXPECT_EQ(total, 10);
  EXPECT_TRUE(source.is_finite());
  EXPECT_FALSE(GenerateSource(program_, source_, {}, clock_).is_finite());
}

TEST_F(GenerateTest, TheRateIsKeptByTheClock) {
  GenerateSource source(program_, source_, {.rate = 10}, clock_);
  std::int64_t position = 0;
  const auto take = [&] {
    const auto count = static_cast<std::int64_t>(source.read(0, position, 1'000, 1 << 20)->records.size());
    position += count;
    return count;
  };
  EXPECT_EQ(take(), 1);
  EXPECT_EQ(take(), 0);
  clock_.advance(1'000'000);
  EXPECT_EQ(take(), 10);
}

}  // namespace
}  // namespace piperun::generate
