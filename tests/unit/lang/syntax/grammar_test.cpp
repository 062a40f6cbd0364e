// PEGTL's own search for left recursion and for loops that consume nothing.
#include <gtest/gtest.h>

#include <tao/pegtl/contrib/analyze.hpp>

#include "lang/syntax/items.h"

namespace piperun::syntax {
namespace {

struct left_recursive : tao::pegtl::sor<tao::pegtl::seq<left_recursive, tao::pegtl::one<'+'>>, tao::pegtl::one<'1'>> {};

TEST(Grammar, HasNoProblems) {
  EXPECT_EQ(tao::pegtl::analyze<rules::file>(1), 0u);
  EXPECT_EQ(tao::pegtl::analyze<rules::lone_expression>(1), 0u);
}

TEST(Grammar, AProblemWouldBeFound) { EXPECT_NE(tao::pegtl::analyze<left_recursive>(-1), 0u); }

}  // namespace
}  // namespace piperun::syntax
