#include "lang/plan/lineage.h"

#include <gmock/gmock.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tests/unit/lang/plan/lower_source.h"

namespace piperun::plan {
namespace {

using testing::ElementsAre;

// `source: field, field` for each way to the dedup of the flow that is called `f`; a value of its own is `-`.
std::vector<std::string> ways_to_dedup(const std::string& flows) {
  const ir::Program program = lowered(R"(
    pipeline p { delivery = exactly_once }
    type T { id: string, shop: string?, n: int64, tags: list<string> }
    connection k = kafka { brokers = "b:1" }
    source a: T = k { topic = "a" }
    source b: T = k { topic = "b" }
    table names: T = k { topic = "names", key = id }
    sink out = k { topic = "out" }
)" + flows);
  std::vector<std::string> result;
  for (ir::NodeId id = 0; id < program.graph.nodes.size(); ++id) {
    const ir::Node& node = program.graph.nodes[id];
    const auto* dedup = std::get_if<ir::Dedup>(&node.op);
    if (dedup == nullptr || node.flow != "f") continue;
    for (const Origin& origin : origins(program, program.graph, id, dedup->key)) {
      std::vector<std::string> fields;
      for (const std::string& field : origin.fields) fields.push_back(field.empty() ? "-" : field);
      result.push_back(fmt::format("{}: {}", program.sources[origin.source].name, fmt::join(fields, ", ")));
    }
  }
  return result;
}

TEST(Lineage, NamesMayChange) {
  EXPECT_THAT(ways_to_dedup("flow f {\n from a\n filter n > 1\n map { x = id, y = n, id = n }\n set z = x\n drop x\n dedup z, y "
                            "within 1h\n to out\n}"),
              ElementsAre("a: id, n"));
}

TEST(Lineage, ValuesMayNot) {
  EXPECT_THAT(ways_to_dedup("flow f {\n from a\n set n = n + 1\n set id = \"x{id}\"\n dedup id, n within 1h\n to out\n}"),
              ElementsAre("a: -, -"));
  EXPECT_THAT(ways_to_dedup("flow f {\n from a\n set id = if n > 1 then id else \"none\"\n dedup id within 1h\n to out\n}"),
              ElementsAre("a: -"));
  EXPECT_THAT(ways_to_dedup("flow f {\n from a\n set place = shop ?? \"none\"\n dedup place within 1h\n to out\n}"),
              ElementsAre("a: -"));
}

TEST(Lineage, WhatIsKnownToBeThereIsTheSame) {
  EXPECT_THAT(ways_to_dedup("flow f {\n from a\n filter shop is not null\n dedup shop within 1h\n to out\n}"),
              ElementsAre("a: shop"));
}

TEST(Lineage, StagesThatAddColumnsKeepTheOthers) {
  EXPECT_THAT(ways_to_dedup("flow f {\n from a\n flatten tags as tag at i\n dedup id, tag, i within 1h\n to out\n}"),
              ElementsAre("a: id, -, -"));
  EXPECT_THAT(
      ways_to_dedup(
          "flow f {\n from a\n set here = meta.partition\n dedup n within 1m as first\n dedup id, here within 1h\n to out\n}"),
      ElementsAre("a: n", "a: id, #meta.partition"));
}

TEST(Lineage, EachWayIsFollowed) {
  EXPECT_THAT(ways_to_dedup("flow f {\n from a, b as T\n dedup id within 1h\n to out\n}"), ElementsAre("a: id", "b: id"));
  EXPECT_THAT(ways_to_dedup("flow x {\n from a\n map { id, k = id }\n}\nflow y {\n from a\n map { id, k = \"{n}\" }\n}\n"
                            "flow f {\n from x, y\n dedup k within 1h\n to out\n}"),
              ElementsAre("a: -", "a: id"));
}

}  // namespace
}  // namespace piperun::plan
