#include "lang/plan/lower.h"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "tests/unit/lang/plan/lower_source.h"

namespace piperun::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// `stages` between a source of records `t` and a sink.
std::string program(const std::string& stages, const std::string& declarations = "") {
  return R"(pipeline p { delivery = at_least_once }
type Line { sku: string, qty: int64, price: decimal(8, 2) }
type Address { street: string, city: string }
type T { id: string, n: int64, d: decimal(12, 2), note: string?, flag: bool, lines: list<Line>, address: Address, back: Address?, raw: json, tags: map<string, string> }
source t: T = file { path = "t.ndjson", format = json }
sink out = stdout
)" + declarations +
         R"(
flow f {
  from t
)" + stages +
         R"(
  to out
}
)";
}

std::string text_of(const std::string& stages, const std::string& declarations = "", bool optimized = true) {
  const ir::Program lowered_program = lowered(program(stages, declarations), optimized);
  return ir::print(lowered_program, lowered_program.graph);
}

std::string file(const std::string& path) {
  std::ifstream in(std::string(PIPERUN_SOURCE_DIR) + "/" + path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(Lower, EveryExampleVerifies) {
  for (const char* name : {"orders", "payments", "sensors", "logs", "customers"}) {
    SCOPED_TRACE(name);
    const ir::Program plain = lowered(file(std::string("examples/") + name + ".pipe"), false);
    const ir::Program optimized = lowered(file(std::string("examples/") + name + ".pipe"), true);
    EXPECT_FALSE(plain.graph.nodes.empty());
    EXPECT_LE(optimized.graph.nodes.size(), plain.graph.nodes.size());
  }
}

TEST(Lower, StatelessStagesBecomeOneFunction) {
  EXPECT_EQ(text_of("  filter n > 1\n  set m = n + 1\n  map { id, m }"),
            "  node 0 input t -> 1 ; f: from t\n"
            "    (id: string, n: int64)\n"
            "  node 1 apply f.filter + f.set + f.map -> 2 ; f: filter, set m, map\n"
            "    function f.filter + f.set + f.map (id: string, n: int64)\n"
            "      port 0 (id: string, m: int64)\n"
            "      block 0:\n"
            "        %2 = const 1 : int64\n"
            "        %3 = lt.int %2, %1 : bool\n"
            "        branch %3 block 1 else block 2\n"
            "      block 1:\n"
            "        %4 = const 1 : int64\n"
            "        %5 = add.int %1, %4 : int64 else die  ; t.pipe:11:11\n"
            "        emit 0: %0, %5\n"
            "      block 2:\n"
            "        filtered\n"
            "  node 2 output out (id, m) ; f: to out\n");
}

TEST(Lower, CatchIsABranchAndCoversOverflow) {
  const std::string text = text_of("  set m = n * 2 catch 0\n  map { m }");
  EXPECT_THAT(text, HasSubstr("mul.int"));
  EXPECT_THAT(text, Not(HasSubstr("else die")));
}

TEST(Lower, BangDies) { EXPECT_THAT(text_of("  set m = to_int(id)!\n  map { m }"), HasSubstr("text.to_int : int64 else die")); }

TEST(Lower, FailInsideCatchGoesOnBehindIt) {
  EXPECT_THAT(text_of("  set m = (if n > 3 then fail(\"big\") else n) catch 7\n  map { m }"), Not(HasSubstr("fail %")));
  EXPECT_THAT(text_of("  set m = if n > 3 then fail(\"big {id}\") else n\n  map { m }"), HasSubstr("fail %"));
}

TEST(Lower, ANullTestNarrowsWithoutReadingTheNull) {
  const std::string text = text_of("  filter note is not null and length(note) > 3\n  map { note }");
  EXPECT_THAT(text, HasSubstr("port 0 (note: string)"));
  EXPECT_THAT(text, HasSubstr("is_null"));
  EXPECT_THAT(text, Not(HasSubstr("= and ")));  // the right side runs only if there is a note
}

TEST(Lower, AndWithoutRiskNeedsNoBlock) { EXPECT_THAT(text_of("  filter n > 1 and flag\n  map { id }"), HasSubstr("= and ")); }

TEST(Lower, WhatCanFailRunsOnlyIfItIsReached) {
  EXPECT_THAT(text_of("  filter flag and n * 2 > 1\n  map { id }"), Not(HasSubstr("= and ")));
}

TEST(Lower, CoalesceAndSafeAccess) {
  const std::string text = text_of("  map { city = back?.city ?? \"none\" }");
  EXPECT_THAT(text, HasSubstr("port 0 (city: string)"));
  EXPECT_THAT(text, HasSubstr("field"));
}

TEST(Lower, NestedFieldsAreSetAndDropped) {
  EXPECT_THAT(text_of("  set address.city = address.street\n  map { address }"), HasSubstr("= record %"));
  EXPECT_THAT(text_of("  drop address.street\n  map { address }"), HasSubstr("{ city: string }"));
}

TEST(Lower, FoldsTakeTheirCapturesAlong) {
  const std::string text = text_of("  map { total = sum(l.qty * n for l in lines if l.qty > 0) }");
  EXPECT_THAT(text, HasSubstr("sum of f.map.sum"));
  EXPECT_THAT(text, HasSubstr("(l: Line, #capture: int64)"));
}

TEST(Lower, FunctionsAreInlinedAndTheirArgumentsEvaluatedOnce) {
  const std::string text = text_of("  map { x = twice(n * 3) }", "fn twice(a: int64) -> int64 = a + a\n");
  EXPECT_EQ(text.find("mul.int"), text.rfind("mul.int"));
  EXPECT_THAT(text, HasSubstr("add.int"));
}

TEST(Lower, NumbersAreConverted) {
  const std::string text = text_of("  map { x = n * d, y = round(d, 1) }");
  EXPECT_THAT(text, HasSubstr("int_to_dec"));
  EXPECT_THAT(text, HasSubstr("mul.dec"));
  EXPECT_THAT(text, HasSubstr("rescale.dec"));
}

// Conversions too: a dead letter says where.
TEST(Lower, WhatCanFailHasAPlace) {
  for (const char* stages : {"  map { x = n + d }", "  set d = n + 1.5", "  filter n * d > 1.00", "  map { x = [n, d] }",
                             "  map { y = if flag then n else d }", "  set x = note ?? \"1\"\n  map { z = to_int(x)! * d }",
                             "  flatten lines as l\n  map { z = sum(k.qty * 1.5 for k in lines), w = l.price + 1 }"}) {
    SCOPED_TRACE(stages);
    int found = 0;
    for (const ir::Function& function : lowered(program(stages)).functions) {
      for (const ir::Block& block : function.blocks) {
        for (const ir::Instruction& instruction : block.code) {
          if (!ir::can_fail(instruction.op)) continue;
          ++found;
          EXPECT_GT(instruction.site.line, 0U) << ir::name(instruction.op);
        }
      }
    }
    EXPECT_GT(found, 0);
  }
}

TEST(Lower, CollectionsJsonAndText) {
  const std::string text = text_of(
      "  map { a = lines[0]!.qty, b = tags[\"x\"] ?? \"\", c = to_int(raw.a[1])!, e = n in [1, 2], f = [n, 2], g = \"{id}: "
      "{n}\", h = { n, k = id } }");
  for (const char* op : {"list_index", "map_get", "json_get", "json_index", "json_to", "list_contains", "= list %", "to_text",
                         "concat", "= record %"}) {
    EXPECT_THAT(text, HasSubstr(op));
  }
}

TEST(Lower, DedupReadsTheTimeAndFlattenAppends) {
  const std::string text = text_of("  dedup id within 1h\n  flatten lines as line at i\n  map { id, i, sku = line.sku }");
  EXPECT_THAT(text, HasSubstr("dedup"));
  EXPECT_THAT(text, HasSubstr("key id time #time within 3600000000us"));
  EXPECT_THAT(text, HasSubstr("flatten #list at"));
}

TEST(Lower, ADedupKnowsWhatItsKeyIs) {
  const ir::Program found = lowered(program("  dedup \"id\",   address.city within 1h"), true);
  for (const ir::Node& node : found.graph.nodes) {
    if (const auto* dedup = std::get_if<ir::Dedup>(&node.op)) {
      EXPECT_THAT(dedup->fields, ElementsAre("id", "address.city"));
      return;
    }
  }
  FAIL() << "no dedup";
}

TEST(Lower, MetaIsReadOnlyWhereItIsUsed) {
  EXPECT_THAT(text_of("  map { id }"), Not(HasSubstr("#meta")));
  EXPECT_THAT(text_of("  map { o = meta.offset }"), HasSubstr("(#meta.offset: int64)"));
}

TEST(Lower, EnrichReadsTheTableAndIsVolatile) {
  const std::string text = text_of("  enrich c = people[id] ?? fail(\"no {id}\")\n  map { id, name = c.name }",
                                   "type P { id: string, name: string }\n"
                                   "connection db = embedded { path = \"x.db\" }\n"
                                   "table people: P = db { table = \"people\", key = id }\n");
  EXPECT_THAT(text, HasSubstr("enrich people key id"));
  EXPECT_THAT(text, HasSubstr("name: string volatile"));
  EXPECT_THAT(text, HasSubstr("fail %"));
}

TEST(Lower, RouteHasAPortPerCase) {
  const ir::Program routed = lowered(R"(pipeline p { delivery = at_least_once }
type T { id: string, n: int64 }
source t: T = file { path = "t.ndjson", format = json }
sink a = file { path = "a.ndjson" }
sink b = file { path = "b.ndjson" }
flow f {
  from t
  route {
    when n > 10 to a
    else to b
  }
}
)",
                                     true);
  const std::string text = ir::print(routed, routed.graph);
  EXPECT_THAT(text, HasSubstr("port 1"));
  EXPECT_THAT(text, HasSubstr("-> 2 | 3"));
}

TEST(Lower, UnionsConvertEachInput) {
  const ir::Program united = lowered(R"(pipeline p { delivery = at_least_once }
type A { id: string, n: int64 }
type B { n: int64, id: string, note: string? }
type C { id: string, n: int64, note: string? }
source a: A = file { path = "a.ndjson", format = json }
source b: B = file { path = "b.ndjson", format = json }
sink out = stdout
flow f {
  from a, b as C
  to out
}
)",
                                     true);
  const std::string text = ir::print(united, united.graph);
  EXPECT_THAT(text, HasSubstr("port 0 (id: string, n: int64, note: string?)"));
  EXPECT_THAT(text, HasSubstr("= const null : string?"));
}

TEST(Lower, AFlowReadByTwoOthersIsLoweredOnce) {
  const ir::Program shared = lowered(R"(pipeline p { delivery = at_least_once }
type T { id: string, n: int64 }
source t: T = file { path = "t.ndjson", format = json }
sink a = stdout
sink b = file { path = "b.ndjson" }
flow shaped {
  from t
  set m = n + 1
}
flow one {
  from shaped
  filter m > 1
  to a
}
flow two {
  from shaped
  on error { retry = 0, dead_letter = skip }
  to b
}
)");
  const std::string text = ir::print(shared, shared.graph);
  EXPECT_EQ(text.find("add.int"), text.rfind("add.int"));
  EXPECT_EQ(shared.policies.size(), 2U);
  EXPECT_EQ(shared.policies[1].dead_letter, ir::DeadLetter::Skip);
}

// A tombstone has only its key: filters let it pass, what it lacks is zero, and the key reaches the sink.
TEST(Lower, TombstonesCarryTheirKeyThrough) {
  const ir::Program changes = lowered(R"(pipeline p { delivery = at_least_once }
type T { id: string, n: int64 }
connection db = embedded { path = "x.db" }
source t: T = db { topic = "t", key = id, tombstone = delete }
sink copy = db { table = "copy", key = id }
flow f {
  from t
  filter n > 0
  set m = n + 1
  to copy
}
)",
                                      true);
  const std::string text = ir::print(changes, changes.graph);
  EXPECT_THAT(text, HasSubstr("remove #delete"));
  EXPECT_THAT(text, Not(HasSubstr("fail %")));
}

TEST(Lower, DeleteWhenMarksTheRow) {
  const ir::Program mirror = lowered(R"(pipeline p { delivery = at_least_once }
type T { id: string, op: string }
connection db = embedded { path = "x.db" }
source t: T = db { topic = "t" }
sink copy = db { table = "copy", key = id }
flow f {
  from t
  delete when op == "d"
  to copy
}
)",
                                     true);
  EXPECT_THAT(ir::print(mirror, mirror.graph), HasSubstr("remove #delete.when"));
}

}  // namespace
}  // namespace piperun::plan
