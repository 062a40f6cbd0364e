// What a dead letter says.
#include "runtime/engine/letters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lang/value/text.h"

namespace piperun::engine {
namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;

commit::Letter letter_that_says(const std::string& message) {
  ir::Program program;
  program.policies.emplace_back();
  const ir::Unit unit;
  record::RawRecord raw;
  raw.value = "{}";
  Batch batch;
  batch.records.emplace_back().raw = &raw;
  batch.dead[0].message = message;
  return make_letter(program, unit, batch, 0, {"orders", 3});
}

TEST(Letters, AReasonThatIsTooLongIsItsBeginningAndItsEnd) {
  EXPECT_EQ(letter_that_says(std::string(8'000, 'x')).message, std::string(8'000, 'x'));
  for (const std::string_view before : {"", "x", "xx"}) {  // so that the cuts meet every place in a code point
    std::string text(before);
    for (int i = 0; i < 10'000; ++i) text += "€";
    const std::string message = letter_that_says("order 17: " + text + " is none").message;
    EXPECT_LE(message.size(), 8'000u);
    EXPECT_TRUE(value::is_utf8(message));
    EXPECT_THAT(message, StartsWith("order 17: " + std::string(before) + "€€"));
    EXPECT_THAT(message, EndsWith("€€ is none"));
  }
}

}  // namespace
}  // namespace piperun::engine
