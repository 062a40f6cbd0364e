#include "lang/plan/unit_order.h"

#include <gmock/gmock.h>

namespace piperun::plan {
namespace {

using testing::ElementsAre;

// Link n is sink n and source n.
struct Units {
  void add(const char* name, std::vector<std::uint32_t> reads, std::vector<std::uint32_t> writes) {
    ir::Unit unit;
    unit.name = name;
    unit.sources = std::move(reads);
    unit.sinks = std::move(writes);
    program.units.push_back(std::move(unit));
  }
  std::vector<std::string> ordered(std::uint32_t links) {
    for (std::uint32_t i = 0; i < links; ++i) program.links.push_back({.topic = "t", .system = 0, .sink = i, .source = i});
    order_units(program);
    std::vector<std::string> names;
    for (const ir::Unit& unit : program.units) names.push_back(unit.name);
    return names;
  }
  ir::Program program;
};

TEST(UnitOrder, WritersOfLinksThenNames) {
  Units units;
  units.add("b.x", {}, {});
  units.add("a.x", {0}, {});
  units.add("z.z", {}, {0});
  EXPECT_THAT(units.ordered(1), ElementsAre("z.z", "a.x", "b.x"));
}

TEST(UnitOrder, AWriterComesBeforeItsReadersWhateverTheyAreCalled) {
  Units units;
  units.add("a.b", {1}, {2});  // in the middle of a chain, and the first by name
  units.add("m.a", {0}, {1});
  units.add("b.c", {2}, {});
  units.add("z.m", {}, {0});
  EXPECT_THAT(units.ordered(3), ElementsAre("z.m", "m.a", "a.b", "b.c"));
}

TEST(UnitOrder, UnitsThatFeedEachOtherAreAllThere) {
  Units units;
  units.add("b.a", {0}, {1});
  units.add("a.b", {1}, {0});
  units.add("c.c", {}, {});
  EXPECT_THAT(units.ordered(2), ElementsAre("c.c", "a.b", "b.a"));
}

}  // namespace
}  // namespace piperun::plan
