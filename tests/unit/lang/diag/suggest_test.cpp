#include "lang/diag/suggest.h"

#include <gtest/gtest.h>

#include <vector>

namespace piperun::diag {
namespace {

const std::vector<std::string> kNames = {"order_id", "customer", "currency", "id", "total"};

TEST(EditDistance, CountsInsertDeleteReplaceAndSwap) {
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("total", "total"), 0U);
  EXPECT_EQ(edit_distance("total", "totl"), 1U);
  EXPECT_EQ(edit_distance("total", "totla"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("Total", "total"), 0U);
}

TEST(Suggest, FindsTheNearestWithinAThirdOfTheWord) {
  EXPECT_EQ(suggest("costumer", kNames), "customer");
  EXPECT_EQ(suggest("orderid", kNames), "order_id");
  EXPECT_EQ(suggest("TOTAL", kNames), "total");
  EXPECT_EQ(suggest("quantity", kNames), std::nullopt);
  EXPECT_EQ(suggest("totzzl", kNames), "total");        // 2 edits in 6 letters
  EXPECT_EQ(suggest("tozzl", kNames), std::nullopt);    // 2 edits in 5
}

TEST(Suggest, NeverSuggestsTheWordOrAnUnrelatedOne) {
  EXPECT_EQ(suggest("total", std::vector<std::string_view>{"total"}), std::nullopt);
  EXPECT_EQ(suggest("x", std::vector<std::string_view>{"y"}), std::nullopt);
}

}  // namespace
}  // namespace piperun::diag
