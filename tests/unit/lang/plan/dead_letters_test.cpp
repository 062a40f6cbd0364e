#include "lang/plan/dead_letters.h"

#include <gmock/gmock.h>

namespace piperun::plan {
namespace {

using ir::Delivery;
using ir::SystemKind;
using testing::ElementsAre;

// Units as they come out of cutting, each one node with a policy of its own.
class Build {
 public:
  explicit Build(Delivery delivery = Delivery::ExactlyOnce) {
    program.name = program.id = "p";
    program.delivery = delivery;
    program.policies.emplace_back();
  }
  ir::SystemId system(const char* name, SystemKind kind) {
    program.systems.push_back({name, kind, {}, false});
    return static_cast<ir::SystemId>(program.systems.size() - 1);
  }
  ir::SinkId sink(const char* name, ir::SystemId system) {
    ir::Sink made;
    made.name = made.object = name;
    made.system = system;
    program.sinks.push_back(made);
    return static_cast<ir::SinkId>(program.sinks.size() - 1);
  }
  void unit(ir::SystemId source, ir::SystemId domain, ir::SinkId letters) {
    ir::ErrorPolicy policy;
    policy.dead_letter = ir::DeadLetter::Sink;
    policy.dead_letter_sink = letters;
    program.policies.push_back(policy);
    ir::Unit made;
    made.name = program.systems[source].name + "." + program.systems[domain].name;
    made.source_system = source;
    made.domain = domain;
    made.sinks = {letters};
    ir::Node node;
    node.op = ir::Input{0};
    node.policy = static_cast<std::uint32_t>(program.policies.size() - 1);
    made.dataflow.nodes.push_back(node);
    program.units.push_back(made);
  }
  std::vector<std::string> units() {
    relay_dead_letters(program, {}, report);
    std::vector<std::string> names;
    for (const ir::Unit& unit : program.units) names.push_back(unit.name);
    return names;
  }
  // Where the unit's letters go.
  std::string way(std::size_t unit) const {
    const ir::ErrorPolicy& policy = program.policies[program.units[unit].dataflow.nodes[0].policy];
    return program.sinks[policy.dead_letter_sink].name;
  }
  std::vector<std::string> sinks_of(std::size_t unit) const {
    std::vector<std::string> names;
    for (const ir::SinkId id : program.units[unit].sinks) names.push_back(program.sinks[id].name);
    return names;
  }

  ir::Program program;
  diag::Report report;
};

TEST(DeadLetters, AreRelayedIntoAnotherSystem) {
  Build b;
  const auto k = b.system("k", SystemKind::Kafka), db = b.system("db", SystemKind::Postgres);
  b.unit(k, k, b.sink("bad", db));
  EXPECT_THAT(b.units(), ElementsAre("k.k", "k.db.dead-letters"));
  EXPECT_EQ(b.way(0), "p.k.k.dead-letters.bad");
  EXPECT_THAT(b.sinks_of(0), ElementsAre("p.k.k.dead-letters.bad"));
  EXPECT_THAT(b.sinks_of(1), ElementsAre("bad"));
  ASSERT_EQ(b.program.links.size(), 1U);
  const ir::Source& read = b.program.sources[b.program.links[0].source];
  EXPECT_EQ(read.format, ir::Format::Raw);
  EXPECT_EQ(read.system, k);
  EXPECT_EQ(read.options.count("topic"), 1U);
}

TEST(DeadLetters, LieInAnOutboxWhereTheUnitCommitsInPostgres) {
  Build b;
  const auto k = b.system("k", SystemKind::Kafka), db = b.system("db", SystemKind::Postgres);
  b.unit(k, db, b.sink("bad", k));
  EXPECT_THAT(b.units(), ElementsAre("k.db", "db.k.dead-letters"));
  EXPECT_EQ(b.program.sources[b.program.links[0].source].options.count("outbox"), 1U);
}

TEST(DeadLetters, JoinTheTransactionWhereTheyCan) {
  Build b;
  const auto k = b.system("k", SystemKind::Kafka), db = b.system("db", SystemKind::Postgres);
  const auto bad = b.sink("bad", db);
  b.unit(k, k, bad);
  b.unit(k, db, bad);
  EXPECT_THAT(b.units(), ElementsAre("k.k", "k.db", "k.db.dead-letters"));
  EXPECT_EQ(b.way(0), "p.k.k.dead-letters.bad");
  EXPECT_EQ(b.way(1), "bad") << "the policy of another unit stays as it is";
}

TEST(DeadLetters, OneUnitRelaysAllBetweenTwoSystems) {
  Build b;
  const auto k = b.system("k", SystemKind::Kafka), one = b.system("one", SystemKind::Embedded),
             db = b.system("db", SystemKind::Postgres);
  const auto bad = b.sink("bad", db), worse = b.sink("worse", db);
  b.unit(k, k, bad);
  b.unit(one, k, worse);
  EXPECT_THAT(b.units(), ElementsAre("k.k", "one.k", "k.db.dead-letters"));
  EXPECT_THAT(b.sinks_of(2), ElementsAre("bad", "worse"));
  EXPECT_EQ(b.program.units[2].sources.size(), 2U);
}

TEST(DeadLetters, OfARelayAreKept) {
  Build b;
  const auto k = b.system("k", SystemKind::Kafka), db = b.system("db", SystemKind::Postgres);
  b.unit(k, k, b.sink("bad", db));
  b.units();
  for (const ir::Node& node : b.program.units[1].dataflow.nodes)
    EXPECT_EQ(b.program.policies[node.policy].dead_letter, ir::DeadLetter::Keep);
}

TEST(DeadLetters, AreSentDirectlyWithoutATransaction) {
  for (const Delivery delivery : {Delivery::AtLeastOnce, Delivery::AtMostOnce}) {
    Build b(delivery);
    const auto k = b.system("k", SystemKind::Kafka), f = b.system("f", SystemKind::File);
    b.unit(k, k, b.sink("bad", f));
    EXPECT_THAT(b.units(), ElementsAre("k.k"));
    EXPECT_EQ(b.way(0), "bad");
    EXPECT_FALSE(b.report.has_errors());
  }
}

TEST(DeadLetters, AreRefusedWhereARelayCouldRepeatThem) {
  for (const SystemKind kind : {SystemKind::File, SystemKind::Stdout, SystemKind::Kafka}) {
    Build b;
    const auto k = b.system("k", SystemKind::Kafka), other = b.system("other", kind);
    const auto bad = b.sink("bad", other);
    b.unit(k, k, bad);
    b.unit(other, k, bad);
    b.units();
    ASSERT_EQ(b.report.sorted().size(), 1U) << "once for a sink";
    EXPECT_EQ(b.report.sorted()[0]->code, diag::Code::P0415);
  }
}

}  // namespace
}  // namespace piperun::plan
