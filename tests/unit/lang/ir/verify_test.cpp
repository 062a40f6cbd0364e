#include "lang/ir/verify.h"

#include <gmock/gmock.h>

#include "tests/unit/lang/ir/hand_built.h"

namespace piperun::ir {
namespace {

using testing::HasSubstr;

struct Chain : HandBuilt {
  Schema columns{{"x", integer}, {"note", nullable_string}};
  Chain() {
    add_input(columns);
    add_apply(add(plus(columns, 0, 1)));
    add_output(columns);
    connect(0, 1);
    connect(1, 2);
  }
  Function& function() { return program.functions[0]; }
  Block& block() { return function().blocks[0]; }
};

TEST(Verify, AcceptsAWellFormedProgram) { EXPECT_EQ(Chain().faults(), ""); }

TEST(Verify, RefusesAnOperandOfAnotherType) {
  Chain t;
  t.block().code[1].operands[0] = 1;
  EXPECT_THAT(t.faults(), HasSubstr("operand 0 of add.int is a string?"));
}

TEST(Verify, RefusesARegisterThatIsNotSet) {
  Chain t;
  std::swap(t.block().code[0], t.block().code[1]);
  EXPECT_THAT(t.faults(), HasSubstr("before it is set"));
}

// One way to the join leaves the register unset.
TEST(Verify, RefusesARegisterThatIsSetOnOneWayOnly) {
  HandBuilt t;
  FunctionBuilder b(t.program.types, "f");
  const Value c = b.add_input({"c", t.boolean});
  const Value result = b.fresh(t.integer);
  const BlockId yes = b.new_block(), join = b.new_block();
  b.branch(c, yes, join);
  b.go_to(yes);
  b.copy(b.constant(t.number(1)), result);
  b.jump(join);
  b.go_to(join);
  b.add_output({{"x", t.integer}});
  b.emit(0, {result});
  t.add(b.finish());
  EXPECT_THAT(t.faults(), HasSubstr("emit reads %"));
}

TEST(Verify, RefusesARegisterThatIsNotThere) {
  Chain t;
  t.block().end.emit.values[0] = 99;
  EXPECT_THAT(t.faults(), HasSubstr("reads %99, which is not there"));
}

TEST(Verify, RefusesWritingTheInput) {
  Chain t;
  t.block().code[1].result = 0;
  EXPECT_THAT(t.faults(), HasSubstr("writes the input %0"));
}

TEST(Verify, RefusesABranchBackwards) {
  Chain t;
  t.block().end = {.kind = Terminator::Kind::Jump, .jump = {0}, .branch = {}, .emit = {}, .fail = {}};
  EXPECT_THAT(t.faults(), HasSubstr("goes back to block 0"));
}

TEST(Verify, RefusesAnEmitOfAnotherSchema) {
  Chain t;
  std::swap(t.block().end.emit.values[0], t.block().end.emit.values[1]);
  EXPECT_THAT(t.faults(), HasSubstr("emits a string? as `x`, a int64"));
}

TEST(Verify, RefusesAnEdgeBackwards) {
  Chain t;
  t.program.graph.nodes[1].next[0][0].to = 0;
  EXPECT_THAT(t.faults(), HasSubstr("leads back to node 0"));
}

TEST(Verify, RefusesSchemasThatDiffer) {
  Chain t;
  t.program.graph.nodes[0].output.pop_back();
  EXPECT_THAT(t.faults(), HasSubstr("takes another schema"));
}

TEST(Verify, RefusesANullBitWithoutPayload) {
  Chain t;
  t.function().registers.push_back(t.nullable_string);
  EXPECT_THAT(t.faults(), HasSubstr("null bit without a payload"));
}

TEST(Verify, RefusesAConstantThatIsNotThere) {
  Chain t;
  t.block().code[0].index = 7;
  EXPECT_THAT(t.faults(), HasSubstr("no such constant"));
}

TEST(Verify, RefusesASinkColumnOfAnotherType) {
  Chain t;
  std::get<Output>(t.program.graph.nodes[2].op).columns = {0, 0};
  EXPECT_THAT(t.faults(), HasSubstr("`note` has another type in the sink"));
}

TEST(Verify, RefusesANullableKey) {
  Chain t;
  t.add_node(Dedup{"f.dedup", {1}, 0, 60}, t.columns, 1);
  t.connect(0, 3);
  EXPECT_THAT(t.faults(), HasSubstr("the key `note` may be null"));
  EXPECT_THAT(t.faults(), HasSubstr("has no time"));
}

TEST(Verify, RefusesDecimalsOfAnotherScale) {
  HandBuilt t;
  FunctionBuilder b(t.program.types, "f");
  const Value x = b.add_input({"x", t.program.types.decimal(5, 2)});
  b.add(Op::AddDec, t.program.types.decimal(6, 3), {x, x});
  b.filtered();
  t.add(b.finish());
  EXPECT_THAT(t.faults(), HasSubstr("an operand has another scale"));
}

}  // namespace
}  // namespace piperun::ir
