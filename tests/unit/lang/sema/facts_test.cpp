// Types, null, failure, stability and schemas, as lowering reads them.
#include <gtest/gtest.h>

#include "tests/unit/lang/sema/program.h"

namespace piperun::sema {
namespace {

const char* kHead = R"(pipeline p { delivery = exactly_once }
type Line { sku: string, qty: int64, price: decimal(12, 2) }
type Address { city: string, street: string? }
type Order {
  id: string
  n: int64
  total: decimal(12, 2)
  ratio: float64
  note: string?
  address: Address?
  lines: list<Line>
  tags: map<string, string>
  tree: json
  at: timestamp
}
type Customer { id: string, country: string? }
source orders: Order = stdin
table customers: Customer = file { path = "c.ndjson", key = id }
sink out = stdout
flow f {
  from orders
)";

struct Flow : testing::Test {
  std::unique_ptr<Analysed> run(const std::string& stages) {
    auto program = analysed("test.pipe", kHead + stages + "\n  to out\n}\n", {});
    for (const diag::Diagnostic* each : program->report.sorted()) {
      EXPECT_EQ(each->severity(), diag::Severity::Warning) << program->rendered();
    }
    return program;
  }
  // The type of the field x that `set x = …` makes.
  std::string type_of(const std::string& expression) {
    const auto program = run("  set x = " + expression);
    return program->facts.types.name(std::prev(program->facts.flows.at(0).output.columns.end())->type);
  }
  std::string codes(const std::string& stages) {
    const auto program = analysed("test.pipe", kHead + stages + "\n  to out\n}\n", {});
    std::string all;
    for (const diag::Diagnostic* each : program->report.sorted()) {
      if (each->code == diag::Code::P0904) continue;  // the table of the head is there for some
      all += (all.empty() ? "" : " ") + std::string(diag::info(each->code).name);
    }
    return all;
  }
};

TEST_F(Flow, ArithmeticWidensExactly) {
  EXPECT_EQ(type_of("n + 1"), "int64");
  EXPECT_EQ(type_of("total + total"), "decimal(13, 2)");
  EXPECT_EQ(type_of("n * total"), "decimal(31, 2)");
  EXPECT_EQ(type_of("2 * total"), "decimal(13, 2)");
  EXPECT_EQ(type_of("total * 0.125"), "decimal(15, 5)");
  EXPECT_EQ(type_of("total - n"), "decimal(22, 2)");
  EXPECT_EQ(type_of("ratio * 2"), "float64");
  EXPECT_EQ(type_of("2.5 * ratio"), "float64");
  EXPECT_EQ(type_of("at - at"), "duration");
  EXPECT_EQ(type_of("at + 5m"), "timestamp");
  EXPECT_EQ(type_of("(at - at) / 1s"), "int64");
  EXPECT_EQ(type_of("round(n * total, 1)"), "decimal(31, 1)");
  EXPECT_EQ(type_of("to_decimal(total / n, 18, 4)!"), "decimal(18, 4)");
  EXPECT_EQ(codes("  set x = ratio * n"), "P0204");
  EXPECT_EQ(codes("  set x = total / n"), "P0213");
  EXPECT_EQ(codes("  set x = 1 / 0"), "P0305");
}

TEST_F(Flow, NullIsAskedFor) {
  EXPECT_EQ(type_of("note"), "string?");
  EXPECT_EQ(type_of("note ?? \"\""), "string");
  EXPECT_EQ(type_of("address?.city"), "string?");
  EXPECT_EQ(type_of("if note is not null then length(note) else 0"), "int64");
  EXPECT_EQ(type_of("if note is null then 0 else length(note)"), "int64");
  EXPECT_EQ(type_of("note is null or length(note) > 3"), "bool");
  EXPECT_EQ(type_of("address is not null and address.city == \"x\""), "bool");
  EXPECT_EQ(type_of("address?.street is not null and length(address.street) > 1"), "bool");
  EXPECT_EQ(type_of("tags[\"a\"]"), "string?");
  EXPECT_EQ(type_of("tags.a ?? \"b\""), "string");
  EXPECT_EQ(codes("  set x = length(note)"), "P0300");
  EXPECT_EQ(codes("  set x = note is not null or length(note) > 3"), "P0300");
  EXPECT_EQ(codes("  set x = address.city"), "P0306");
  EXPECT_EQ(codes("  set x = null"), "P0304");
  EXPECT_EQ(codes("  dedup note within 1h"), "P0302");
}

TEST_F(Flow, AFilterTakesTheQuestionMarkAway) {
  const auto program = run("  filter note is not null\n  dedup note within 1h\n  set note = upper(note)");
  const auto& stages = program->facts.flows.at(0).stages;
  EXPECT_EQ(program->facts.types.name(stages.at(1).before.columns[4].type), "string?");
  EXPECT_EQ(program->facts.types.name(stages.at(1).after.columns[4].type), "string");
  EXPECT_EQ(std::get<DedupFact>(stages.at(2).detail).within, 3'600'000'000);
  EXPECT_TRUE(stages.at(2).before.has_meta);
  EXPECT_FALSE(stages.at(2).after.has_meta);
}

TEST_F(Flow, FailureIsHandled) {
  EXPECT_EQ(type_of("to_int(id)!"), "int64");
  EXPECT_EQ(type_of("to_int(id) catch 0"), "int64");
  EXPECT_EQ(type_of("lines[0]!.price"), "decimal(12, 2)");
  EXPECT_EQ(type_of("to_int(tree[\"a\"][0].b) catch -1"), "int64");
  EXPECT_EQ(type_of("n / 2"), "int64");
  EXPECT_EQ(type_of("if n > 0 then n else fail(\"no {id}\")"), "int64");
  EXPECT_EQ(codes("  set x = to_int(id)"), "P0301");
  EXPECT_EQ(codes("  set x = n / n"), "P0301");
  EXPECT_EQ(codes("  set x = lines[0]"), "P0301");
  EXPECT_EQ(codes("  set x = tree.a"), "P0301");
  EXPECT_EQ(codes("  set x = to_int(id) ?? 0"), "P0303");
  EXPECT_EQ(codes("  set x = length(id)!"), "P0900");  // `length` never fails
  EXPECT_EQ(codes("  set x = id catch \"\""), "P0901");
  EXPECT_EQ(codes("  set x = id ?? \"\""), "P0902");
}

TEST_F(Flow, FoldsHaveTypes) {
  EXPECT_EQ(type_of("sum(l.qty * l.price for l in lines if l.qty > 0)"), "decimal(38, 2)");
  EXPECT_EQ(type_of("count(l for l in lines)"), "int64");
  EXPECT_EQ(type_of("max(l.price for l in lines)"), "decimal(12, 2)?");
  EXPECT_EQ(type_of("list(upper(l.sku) for l in lines)"), "list<string>");
  EXPECT_EQ(type_of("join(list(l.sku for l in lines), \", \")"), "string");
  EXPECT_EQ(type_of("any(l.qty > 1 for l in lines)"), "bool");
  EXPECT_EQ(codes("  set x = any(l.qty for l in lines)"), "P0207");
  EXPECT_EQ(codes("  set x = sum(to_int(l.sku) for l in lines)"), "P0301");
}

TEST_F(Flow, VolatileSpreads) {
  const auto program =
      run("  enrich c = customers[id]\n  set country = c?.country ?? \"none\"\n  set when = now()\n  set k = uuid()");
  const auto& columns = program->facts.flows.at(0).output.columns;
  ASSERT_EQ(columns.size(), 14U);
  EXPECT_FALSE(columns[0].is_volatile);
  EXPECT_TRUE(columns[10].is_volatile);
  EXPECT_TRUE(columns[11].is_volatile);
  EXPECT_TRUE(columns[12].is_volatile);
  EXPECT_FALSE(columns[13].is_volatile);
  EXPECT_EQ(codes("  set t = now()\n  dedup t within 1h"), "P0212");
}

TEST_F(Flow, NestedFieldsAreSetAndDropped) {
  const auto program = run("  filter address is not null\n  set address.zip = \"1\"\n  drop address.street, note");
  const auto& columns = program->facts.flows.at(0).output.columns;
  EXPECT_EQ(columns[4].name, "address");
  EXPECT_EQ(program->facts.types.name(columns[4].type), "{ city: string, zip: string }");
  const auto& set = std::get<SetFact>(program->facts.flows.at(0).stages.at(2).detail);
  EXPECT_EQ(set.target.column, 5);
  EXPECT_EQ(set.target.fields, std::vector{2});
}

TEST_F(Flow, ConversionsAreInTheTargets) {
  const auto program = run("  set x = total > 5\n  set y = [n, total]\n  set z = note ?? null");
  const auto& flow = std::get<ast::FlowDecl>(program->program.modules[0].module.declarations.back().node);
  const auto& set = std::get<ast::SetStage>(flow.stages.at(1).node);
  const auto& compare = std::get<ast::Binary>(program->program.pool[set.value].node);
  const ExprFact& five = program->facts[compare.right];
  ASSERT_NE(five.constant, kNone);
  EXPECT_EQ(program->facts.types.name(five.target), "decimal(12, 2)");
  EXPECT_EQ(program->facts.constants[five.constant].type, five.target);
  EXPECT_EQ(program->facts.types.name(program->facts.flows[0].output.columns[11].type), "list<decimal(21, 2)>");
}

TEST_F(Flow, LongChainsAndDeepNestingAreChecked) {
  std::string chain = "n";
  for (int i = 0; i < 990; ++i) chain += " + n";
  EXPECT_EQ(type_of(chain), "int64");
  EXPECT_EQ(type_of(std::string(190, '(') + "n" + std::string(190, ')')), "int64");
  std::string ifs = "0";
  for (int i = 0; i < 90; ++i) ifs = "if n == " + std::to_string(i) + " then 1 else (" + ifs + ")";
  EXPECT_EQ(type_of(ifs), "int64");
}

TEST_F(Flow, OneMistakeIsReportedOnce) {
  EXPECT_EQ(codes("  set x = totl + 1\n  set y = x * 2\n  filter y > 3 and x is not null\n  key by y"), "P0200");
  EXPECT_EQ(codes("  set x = to_int(id)\n  map { id, x }\n  filter x > 3"), "P0301");
  EXPECT_EQ(codes("  window tumbling 1m late drop\n  filter nobody > 3\n  map { a = nothing }"), "P0590");
}

TEST(Options, AMistypedOptionIsNotAlsoMissing) {
  const auto program = analysed("test.pipe", "sink out = file { paht = \"x\" }\n", {});
  EXPECT_EQ(program->report.error_count(), 1U) << program->rendered();
}

TEST(Consts, AreComputed) {
  const auto program = analysed(
      "test.pipe", "const a = 7\nconst b = (a * 24 + 2) / 10 - a % 4\nconst c = [1.50, a]\nconst d = \"{a}-{c[0]!}\"\n", {});
  EXPECT_EQ(program->report.error_count(), 1U) << program->rendered();  // only `d`: taking an element is not computed
  const auto& declaration = std::get<ast::ConstDecl>(program->program.modules[0].module.declarations.at(1).node);
  const std::uint32_t constant = program->facts[declaration.value].constant;
  ASSERT_NE(constant, kNone);
  EXPECT_EQ(to_text(program->facts.constants[constant], program->facts.types), "14");
}

TEST(Params, AreTypedConstants) {
  Options options;
  options.params["min"] = "5";
  const auto program =
      analysed("test.pipe",
               "pipeline p { delivery = at_least_once }\nparam min: decimal(12, 2) = 0.00\ntype T { t: decimal(12, 2) }\n"
               "source s: T = stdin\nsink out = stdout\nflow f {\n  from s\n  filter t > $min\n  to out\n}\n",
               options);
  EXPECT_EQ(program->rendered(), "");
  EXPECT_EQ(to_text(*program->facts.params.at(0).value, program->facts.types), "5.00");
}

TEST(Policies, FlowsOverrideThePipeline) {
  const auto program =
      analysed("test.pipe",
               "pipeline p {\n  delivery = at_least_once\n  on error { retry = 7, backoff = 1s..1m, dead_letter = keep }\n}\n"
               "type T { t: string }\nsource s: T = stdin\nsink out = stdout\nflow f {\n  from s\n"
               "  on error { dead_letter = skip }\n  to out\n}\n",
               {});
  EXPECT_EQ(program->rendered(), "");
  const ErrorPolicy& policy = program->facts.flows.at(0).policy;
  EXPECT_EQ(policy.retry, 7);
  EXPECT_EQ(policy.backoff_max, 60'000'000);
  EXPECT_EQ(policy.dead_letter, DeadLetter::Skip);
  EXPECT_EQ(program->facts.pipeline.policy.dead_letter, DeadLetter::Keep);
}

}  // namespace
}  // namespace piperun::sema
