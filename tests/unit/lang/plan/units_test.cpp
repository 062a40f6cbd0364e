#include "lang/plan/units.h"

#include <gmock/gmock.h>

#include "lang/plan/names.h"

namespace piperun::plan {
namespace {

using testing::ElementsAre;

// A graph by hand: nodes are added in topological order, each with the nodes before it.
class Build {
 public:
  explicit Build(ir::Delivery delivery) {
    program.name = program.id = "p";
    program.delivery = delivery;
    program.policies.emplace_back();
    schema = {{"id", program.types.scalar(value::TypeKind::String), false}};
  }
  ir::SystemId system(const char* name, ir::SystemKind kind) {
    program.systems.push_back({name, kind, {}, false});
    return static_cast<ir::SystemId>(program.systems.size() - 1);
  }
  ir::NodeId from(const char* name, ir::SystemId system) {
    ir::Source source;
    source.name = name;
    source.system = system;
    program.sources.push_back(source);
    return node(name, ir::Input{static_cast<ir::SourceId>(program.sources.size() - 1)}, {});
  }
  ir::NodeId dedup(const char* flow, ir::NodeId before) { return node(flow, ir::Dedup{"", {0}, -1, 1000}, {before}); }
  ir::NodeId enrich(const char* flow, ir::NodeId before) {
    program.tables.resize(1);
    return node(flow, ir::Enrich{0, {0}}, {before});
  }
  ir::NodeId flatten(const char* flow, std::vector<ir::NodeId> before) { return node(flow, ir::Flatten{}, before); }
  ir::NodeId to(const char* name, ir::SystemId system, ir::NodeId before) {
    ir::Sink sink;
    sink.name = name;
    sink.system = system;
    program.sinks.push_back(sink);
    ir::Output output;
    output.sink = static_cast<ir::SinkId>(program.sinks.size() - 1);
    return node(name, output, {before});
  }
  template <typename Op>
  ir::NodeId node(const char* flow, Op op, std::vector<ir::NodeId> before) {
    ir::Node made;
    made.flow = flow;
    made.op = op;
    made.next = {{}};
    made.output = schema;
    program.graph.nodes.push_back(made);
    const auto id = static_cast<ir::NodeId>(program.graph.nodes.size() - 1);
    for (const ir::NodeId b : before) program.graph.nodes[b].next[0].push_back({id});
    return id;
  }
  std::vector<std::string> units() {
    cut(program, {}, report);
    std::vector<std::string> names;
    for (const ir::Unit& unit : program.units) names.push_back(unit.name);
    return names;
  }
  std::vector<std::string> codes() {
    std::vector<std::string> found;
    for (const auto* d : report.sorted()) found.emplace_back(diag::info(d->code).name);
    return found;
  }
  template <typename Op>
  static long count(const ir::Unit& unit) {
    return std::ranges::count_if(unit.dataflow.nodes, [](const ir::Node& n) { return std::holds_alternative<Op>(n.op); });
  }
  ir::Program program;
  ir::Schema schema;
  diag::Report report;
};

using ir::Delivery;
using ir::SystemKind;

TEST(Cut, OneUnitPerSourceAndDomain) {
  Build b(Delivery::ExactlyOnce);
  const auto k = b.system("k", SystemKind::Kafka), one = b.system("one", SystemKind::Postgres),
             two = b.system("two", SystemKind::Embedded);
  const auto in = b.from("orders", k);
  b.to("a", one, in);
  b.to("b", two, in);
  b.to("c", k, in);
  EXPECT_THAT(b.units(), ElementsAre("k.k", "k.one", "k.two"));
  EXPECT_TRUE(b.program.links.empty());  // nothing that must not be done twice
  EXPECT_TRUE(b.report.empty());
}

TEST(Cut, SharedStateIsDoneOnceAndHandedOnByATopic) {
  Build b(Delivery::ExactlyOnce);
  const auto k = b.system("k", SystemKind::Kafka), one = b.system("one", SystemKind::Postgres),
             two = b.system("two", SystemKind::Embedded);
  const auto unique = b.dedup("unique", b.from("orders", k));
  b.to("a", one, unique);
  b.to("b", two, b.flatten("lines", {unique}));
  EXPECT_THAT(b.units(), ElementsAre("k.k", "k.one", "k.two"));  // the writer of the link first
  ASSERT_EQ(b.program.links.size(), 1U);
  EXPECT_EQ(b.program.links[0].topic, "p.unique");
  EXPECT_EQ(Build::count<ir::Dedup>(b.program.units[0]), 1);
  EXPECT_THAT(b.program.units[0].sinks, ElementsAre(b.program.links[0].sink));
  for (const int reader : {1, 2}) {
    EXPECT_EQ(Build::count<ir::Dedup>(b.program.units[static_cast<std::size_t>(reader)]), 0);
    EXPECT_THAT(b.program.units[static_cast<std::size_t>(reader)].sources, ElementsAre(b.program.links[0].source));
  }
  EXPECT_EQ(b.program.units[0].operators[0].name, "unique.dedup");
}

// What cannot be decoded is the failure of the flows that are there, and of these it follows the one that gives up the least.
TEST(Cut, AnInputFollowsThePolicyOfTheFlowsOfItsUnit) {
  for (const bool is_reversed : {false, true}) {
    Build b(Delivery::ExactlyOnce);
    const auto k = b.system("k", SystemKind::Kafka), one = b.system("one", SystemKind::Postgres);
    b.program.policies.resize(3);
    b.program.policies[1].dead_letter = ir::DeadLetter::Skip;
    b.program.policies[2].dead_letter = ir::DeadLetter::Keep;
    const auto in = b.from("orders", k);
    const auto to = [&](const char* name, ir::SystemId system, std::uint32_t policy) {
      b.program.graph.nodes[b.to(name, system, in)].policy = policy;
    };
    to("a", one, 1);
    to(is_reversed ? "c" : "b", k, is_reversed ? 2 : 1);
    to(is_reversed ? "b" : "c", k, is_reversed ? 1 : 2);
    EXPECT_THAT(b.units(), ElementsAre("k.k", "k.one"));
    EXPECT_EQ(b.program.units[0].dataflow.nodes[0].policy, 2U);
    EXPECT_EQ(b.program.units[1].dataflow.nodes[0].policy, 1U);
  }
}

TEST(Cut, LookUpsAreNotRepeatedEither) {
  Build b(Delivery::ExactlyOnce);
  const auto k = b.system("k", SystemKind::Kafka), one = b.system("one", SystemKind::Postgres);
  const auto rich = b.enrich("rich", b.from("orders", k));
  b.to("a", one, rich);
  b.to("b", k, rich);
  EXPECT_THAT(b.units(), ElementsAre("k.k", "k.one"));
  ASSERT_EQ(b.program.links.size(), 1U);
  EXPECT_EQ(Build::count<ir::Enrich>(b.program.units[1]), 0);
  EXPECT_EQ(Build::count<ir::Output>(b.program.units[0]), 2);  // its own sink and the link, in one transaction
}

TEST(Cut, AWayAroundTheSharedPartReadsTheSource) {
  Build b(Delivery::ExactlyOnce);
  const auto k = b.system("k", SystemKind::Kafka), one = b.system("one", SystemKind::Postgres);
  const auto in = b.from("orders", k);
  const auto unique = b.dedup("unique", in);
  b.to("a", one, unique);
  b.to("b", k, unique);
  b.to("raw", one, in);
  EXPECT_THAT(b.units(), ElementsAre("k.k", "k.one"));
  EXPECT_EQ(b.program.units[1].sources.size(), 2U);
}

TEST(Cut, AtLeastOnceIsOneUnitPerSourceConnection) {
  Build b(Delivery::AtLeastOnce);
  const auto k = b.system("k", SystemKind::Kafka), one = b.system("one", SystemKind::Postgres),
             f = b.system("f", SystemKind::File);
  b.to("a", one, b.from("orders", k));
  b.to("b", k, b.from("clicks", k));
  b.to("c", k, b.from("lines", f));
  EXPECT_THAT(b.units(), ElementsAre("f.state", "k.k"));
  EXPECT_EQ(state_store_file(b.program), "p.db");
}

TEST(Cut, NamesCountWithinTheirFlow) {
  Build b(Delivery::ExactlyOnce);
  const auto k = b.system("k", SystemKind::Kafka);
  b.to("a", k, b.dedup("f", b.dedup("g", b.dedup("f", b.from("orders", k)))));
  b.units();
  std::vector<std::string> names;
  for (const auto& state : b.program.units[0].operators) names.push_back(state.name);
  EXPECT_THAT(names, ElementsAre("f.dedup", "f.dedup2", "g.dedup"));
}

TEST(Cut, UnionOfConnectionsRunsOncePerConnection) {
  Build b(Delivery::ExactlyOnce);
  const auto k = b.system("k", SystemKind::Kafka), e = b.system("e", SystemKind::Embedded),
             one = b.system("one", SystemKind::Postgres);
  const auto x = b.from("x", k), y = b.from("y", e);
  b.to("a", one, b.flatten("all", {x, y}));
  EXPECT_THAT(b.units(), ElementsAre("e.one", "k.one"));
  EXPECT_EQ(b.program.units[0].sources.size(), 1U);
}

TEST(Cut, Refusals) {
  {
    Build b(Delivery::ExactlyOnce);
    const auto one = b.system("one", SystemKind::Kafka), two = b.system("two", SystemKind::Kafka);
    b.to("a", two, b.from("x", one));
    b.units();
    EXPECT_THAT(b.codes(), ElementsAre("P0411"));
  }
  {
    Build b(Delivery::ExactlyOnce);
    const auto f = b.system("f", SystemKind::File), one = b.system("one", SystemKind::Embedded),
               two = b.system("two", SystemKind::Embedded);
    const auto unique = b.dedup("u", b.from("x", f));
    b.to("a", one, unique);
    b.to("b", two, unique);
    b.units();
    EXPECT_THAT(b.codes(), ElementsAre("P0413"));
  }
  {
    Build b(Delivery::AtMostOnce);
    const auto k = b.system("k", SystemKind::Kafka);
    b.to("a", k, b.dedup("u", b.from("x", k)));
    b.units();
    EXPECT_THAT(b.codes(), ElementsAre("P0414"));
  }
}

}  // namespace
}  // namespace piperun::plan
