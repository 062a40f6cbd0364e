#include "lang/ir/passes.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/unit/lang/ir/hand_built.h"

namespace piperun::ir {
namespace {

using testing::HasSubstr;
using testing::Not;

std::size_t instruction_count(const Function& function) {
  std::size_t count = 0;
  for (const Block& block : function.blocks) count += block.code.size();
  return count;
}

TEST(FoldConstants, ComputesWhatIsKnown) {
  HandBuilt t;
  FunctionBuilder b(t.program.types, "f");
  const Value sum = b.add(Op::AddInt, t.integer, {b.constant(t.number(20)), b.constant(t.number(22))});
  b.add_output({{"x", t.integer}});
  b.emit(0, {sum});
  Function f = b.finish();
  fold_constants(t.program, f);
  drop_dead_code(t.program.types, f);
  EXPECT_EQ(print(t.program, f),
            "function f ()\n"
            "  port 0 (x: int64)\n"
            "  block 0:\n"
            "    %0 = const 42 : int64\n"
            "    emit 0: %0\n");
  EXPECT_TRUE(verify(t.program, f).empty());
}

TEST(FoldConstants, LeavesWhatWouldFail) {
  HandBuilt t;
  FunctionBuilder b(t.program.types, "f");
  const Value quotient = b.add(Op::DivInt, t.integer, {b.constant(t.number(1)), b.constant(t.number(0))});
  b.add_output({{"x", t.integer}});
  b.emit(0, {quotient});
  Function f = b.finish();
  fold_constants(t.program, f);
  drop_dead_code(t.program.types, f);
  EXPECT_THAT(print(t.program, f), HasSubstr("div.int %0, %1 : int64 else die"));
}

TEST(FoldConstants, TakesTheKnownBranchAndDropsTheOther) {
  HandBuilt t;
  FunctionBuilder b(t.program.types, "f");
  const BlockId yes = b.new_block(), no = b.new_block();
  b.branch(b.constant(t.truth(false)), yes, no);
  b.go_to(yes);
  b.filtered();
  b.go_to(no);
  b.add_output({});
  b.emit(0, {});
  Function f = b.finish();
  fold_constants(t.program, f);
  EXPECT_EQ(f.blocks.size(), 1U);
  EXPECT_EQ(f.blocks[0].end.kind, Terminator::Kind::Emit);
}

// A register that two branches write is not the constant of either.
TEST(FoldConstants, ForgetsWhatBranchesBringTogether) {
  HandBuilt t;
  FunctionBuilder b(t.program.types, "f");
  const Value condition = b.add_input({"c", t.boolean});
  const Value result = b.fresh(t.integer);
  const BlockId yes = b.new_block(), no = b.new_block(), join = b.new_block();
  b.branch(condition, yes, no);
  b.go_to(yes);
  b.copy(b.constant(t.number(1)), result);
  b.jump(join);
  b.go_to(no);
  b.copy(b.constant(t.number(2)), result);
  b.jump(join);
  b.go_to(join);
  const Value sum = b.add(Op::AddInt, t.integer, {result, b.constant(t.number(1))});
  b.add_output({{"x", t.integer}});
  b.emit(0, {sum});
  Function f = b.finish();
  fold_constants(t.program, f);
  drop_dead_code(t.program.types, f);
  EXPECT_TRUE(verify(t.program, f).empty());
  EXPECT_THAT(print(t.program, f), HasSubstr("add.int"));
}

TEST(FoldConstants, KeepsSecretsUnread) {
  HandBuilt t;
  FunctionBuilder b(t.program.types, "f");
  Constant secret{.type = t.string, .secret = "KEY"};
  secret.cells[0] = value::Cell::of(std::string_view(""));
  const Value same = b.add(Op::EqText, t.boolean, {b.constant(secret), b.constant(secret)});
  b.add_output({{"x", t.boolean}});
  b.emit(0, {same});
  Function f = b.finish();
  fold_constants(t.program, f);
  EXPECT_THAT(print(t.program, f), HasSubstr("const secret:KEY"));
  EXPECT_THAT(print(t.program, f), HasSubstr("eq.text"));
}

TEST(DropDeadCode, KeepsWhatCanFail) {
  HandBuilt t;
  FunctionBuilder b(t.program.types, "f");
  const Value x = b.add_input({"x", t.integer});
  b.add(Op::AddInt, t.integer, {x, x});
  b.add(Op::EqInt, t.boolean, {x, x});
  b.add_output({{"x", t.integer}});
  b.emit(0, {x});
  Function f = b.finish();
  drop_dead_code(t.program.types, f);
  EXPECT_EQ(instruction_count(f), 1U);
  EXPECT_EQ(f.blocks[0].code[0].op, Op::AddInt);
}

TEST(Fuse, JoinsAChainIntoOneFunction) {
  HandBuilt t;
  const Schema columns{{"x", t.integer}, {"note", t.nullable_string}};
  t.add_input(columns);
  const NodeId first = t.add_apply(t.add(t.plus(columns, 0, 1)));
  const NodeId second = t.add_apply(t.add(t.plus(columns, 0, 2)));
  const NodeId out = t.add_output(columns);
  t.connect(0, first);
  t.connect(first, second);
  t.connect(second, out);
  ASSERT_EQ(t.faults(), "");
  fuse(t.program, t.program.graph);
  ASSERT_EQ(t.program.graph.nodes.size(), 3U);
  EXPECT_EQ(t.faults(), "");
  const Function& fused = t.program.functions[std::get<Apply>(t.program.graph.nodes[1].op).function];
  EXPECT_EQ(fused.blocks.size(), 1U);
  EXPECT_EQ(std::ranges::count(fused.blocks[0].code, Op::AddInt, &Instruction::op), 2);
}

TEST(Fuse, LeavesWhatHasTwoReaders) {
  HandBuilt t;
  const Schema columns{{"x", t.integer}};
  t.add_input(columns);
  const NodeId first = t.add_apply(t.add(t.plus(columns, 0, 1)));
  const NodeId second = t.add_apply(t.add(t.plus(columns, 0, 2)));
  const NodeId third = t.add_output(columns);
  const NodeId fourth = t.add_output(columns);
  t.connect(0, first);
  t.connect(first, second);
  t.connect(first, third);
  t.connect(second, fourth);
  fuse(t.program, t.program.graph);
  EXPECT_EQ(t.program.graph.nodes.size(), 5U);
  EXPECT_EQ(t.faults(), "");
}

TEST(Fuse, LeavesADifferentErrorPolicy) {
  HandBuilt t;
  t.program.policies.emplace_back();
  const Schema columns{{"x", t.integer}};
  t.add_input(columns);
  const NodeId first = t.add_apply(t.add(t.plus(columns, 0, 1)));
  const NodeId second = t.add_apply(t.add(t.plus(columns, 0, 2)));
  t.program.graph.nodes[second].policy = 1;
  t.connect(0, first);
  t.connect(first, second);
  fuse(t.program, t.program.graph);
  EXPECT_EQ(t.program.graph.nodes.size(), 3U);
}

// A function of two ports with another one behind each.
TEST(Fuse, GoesOnBehindEveryPort) {
  HandBuilt t;
  const Schema columns{{"x", t.integer}, {"c", t.boolean}};
  t.add_input(columns);
  FunctionBuilder b(t.program.types, "route");
  const Value x = b.add_input(columns[0]), c = b.add_input(columns[1]);
  const BlockId yes = b.new_block(), no = b.new_block();
  b.branch(c, yes, no);
  b.go_to(yes);
  b.add_output(columns);
  b.emit(0, {x, c});
  b.go_to(no);
  b.add_output(columns);
  b.emit(1, {x, c});
  const NodeId route = t.add_apply(t.add(b.finish()));
  const NodeId one = t.add_apply(t.add(t.plus(columns, 0, 1)));
  const NodeId two = t.add_apply(t.add(t.plus(columns, 0, 2)));
  const NodeId first_out = t.add_output(columns), second_out = t.add_output(columns);
  t.connect(0, route);
  t.connect(route, one, 0);
  t.connect(route, two, 1);
  t.connect(one, first_out);
  t.connect(two, second_out);
  ASSERT_EQ(t.faults(), "");
  fuse(t.program, t.program.graph);
  EXPECT_EQ(t.faults(), "");
  ASSERT_EQ(t.program.graph.nodes.size(), 4U);
  EXPECT_EQ(t.program.graph.nodes[1].next[0][0].to, 2U);
  EXPECT_EQ(t.program.graph.nodes[1].next[1][0].to, 3U);
}

TEST(Prune, DropsColumnsThatNobodyReads) {
  HandBuilt t;
  const Schema columns{{"x", t.integer}, {"note", t.nullable_string}, {"y", t.integer}};
  t.add_input(columns);
  const NodeId apply = t.add_apply(t.add(t.plus(columns, 2, 1)));
  const NodeId out = t.add_output({{"y", t.integer}});
  std::get<Output>(t.program.graph.nodes[out].op).columns = {2};
  t.connect(0, apply);
  t.connect(apply, out);
  ASSERT_EQ(t.faults(), "");
  prune(t.program, t.program.graph);
  EXPECT_EQ(t.faults(), "");
  EXPECT_EQ(print(t.program.types, t.program.graph.nodes[0].output), "(y: int64)");
  EXPECT_EQ(print(t.program.types, t.program.graph.nodes[1].output), "(y: int64)");
  EXPECT_EQ(std::get<Output>(t.program.graph.nodes[2].op).columns, std::vector<int>{0});
}

// What can fail stays although its result is not read, and so does the column it reads.
TEST(Prune, NeverDropsACheck) {
  HandBuilt t;
  const Schema columns{{"x", t.integer}, {"y", t.integer}};
  t.add_input(columns);
  const NodeId apply = t.add_apply(t.add(t.plus(columns, 0, 1)));
  const NodeId out = t.add_output({{"y", t.integer}});
  std::get<Output>(t.program.graph.nodes[out].op).columns = {1};
  t.connect(0, apply);
  t.connect(apply, out);
  prune(t.program, t.program.graph);
  EXPECT_EQ(t.faults(), "");
  EXPECT_EQ(print(t.program.types, t.program.graph.nodes[0].output), "(x: int64, y: int64)");
  EXPECT_EQ(print(t.program.types, t.program.graph.nodes[1].output), "(y: int64)");
}

TEST(Prune, KeepsTheKeyOfADedup) {
  HandBuilt t;
  const Schema columns{
      {"id", t.string}, {"x", t.integer}, {"unread", t.integer}, {"#time", t.program.types.scalar(value::TypeKind::Timestamp)}};
  t.add_input(columns);
  const NodeId dedup = t.add_node(Dedup{"f.dedup", {0}, 3, 60}, columns, 1);
  const NodeId out = t.add_output({{"x", t.integer}});
  std::get<Output>(t.program.graph.nodes[out].op).columns = {1};
  t.connect(0, dedup);
  t.connect(dedup, out);
  prune(t.program, t.program.graph);
  EXPECT_EQ(t.faults(), "");
  EXPECT_EQ(print(t.program.types, t.program.graph.nodes[0].output), "(id: string, x: int64, #time: timestamp)");
  EXPECT_EQ(std::get<Dedup>(t.program.graph.nodes[1].op).time, 2);
}

// What an operator in front reads for itself flows through the next one, though nobody behind it reads that.
TEST(Prune, PassesOnWhatAnOperatorInFrontNeeds) {
  HandBuilt t;
  const value::TypeId list = t.program.types.list(t.integer), time = t.program.types.scalar(value::TypeKind::Timestamp);
  const Schema columns{{"id", t.string}, {"a", t.integer}, {"#time", time}, {"xs", list}};
  t.add_input(columns);
  const NodeId dedup = t.add_node(Dedup{"f.dedup", {0}, 2, 60}, columns, 1);
  const Schema flat{{"id", t.string}, {"a", t.integer}, {"#time", time}, {"x", t.integer}};
  const NodeId flatten = t.add_node(Flatten{}, flat, 1);
  const NodeId apply = t.add_apply(t.add(t.plus(flat, 3, 1)));
  const NodeId out = t.add_output({{"x", t.integer}});
  std::get<Output>(t.program.graph.nodes[out].op).columns = {3};
  t.connect(0, dedup);
  t.connect(dedup, flatten);
  t.connect(flatten, apply);
  t.connect(apply, out);
  ASSERT_EQ(t.faults(), "");
  prune(t.program, t.program.graph);
  EXPECT_EQ(t.faults(), "");
  EXPECT_EQ(print(t.program.types, t.program.graph.nodes[flatten].output), "(id: string, #time: timestamp, x: int64)");
}

TEST(Prune, DropsTheNumberOfAFlattenThatNobodyReads) {
  HandBuilt t;
  const value::TypeId list = t.program.types.list(t.integer);
  t.add_input({{"a", t.integer}, {"xs", list}});
  const NodeId flatten = t.add_node(Flatten{true}, {{"a", t.integer}, {"x", t.integer}, {"n", t.integer}}, 1);
  const NodeId out = t.add_output({{"x", t.integer}});
  std::get<Output>(t.program.graph.nodes[out].op).columns = {1};
  t.connect(0, flatten);
  t.connect(flatten, out);
  ASSERT_EQ(t.faults(), "");
  prune(t.program, t.program.graph);
  EXPECT_EQ(t.faults(), "");
  EXPECT_EQ(print(t.program.types, t.program.graph.nodes[1].output), "(x: int64)");
  EXPECT_FALSE(std::get<Flatten>(t.program.graph.nodes[1].op).with_index);
}

// Two readers of one node get the same columns: those that any of them reads.
TEST(Prune, SendsAllReadersTheSame) {
  HandBuilt t;
  const Schema columns{{"x", t.integer}, {"y", t.integer}, {"z", t.integer}};
  t.add_input(columns);
  const NodeId first = t.add_output({{"x", t.integer}});
  const NodeId second = t.add_output({{"z", t.integer}});
  std::get<Output>(t.program.graph.nodes[second].op).columns = {2};
  t.connect(0, first);
  t.connect(0, second);
  prune(t.program, t.program.graph);
  EXPECT_EQ(t.faults(), "");
  EXPECT_EQ(print(t.program.types, t.program.graph.nodes[0].output), "(x: int64, z: int64)");
}

TEST(Optimize, DropsFunctionsThatNothingApplies) {
  HandBuilt t;
  const Schema columns{{"x", t.integer}};
  t.add_input(columns);
  const NodeId apply = t.add_apply(t.add(t.plus(columns, 0, 1)));
  t.add(t.plus(columns, 0, 5));
  const NodeId out = t.add_output(columns);
  t.connect(0, apply);
  t.connect(apply, out);
  optimize(t.program);
  EXPECT_EQ(t.program.functions.size(), 1U);
  EXPECT_EQ(t.faults(), "");
  EXPECT_THAT(print(t.program), Not(HasSubstr("const 5")));
}

}  // namespace
}  // namespace piperun::ir
