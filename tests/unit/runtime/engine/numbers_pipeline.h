// A pipeline from a topic of numbers to a table, run by the engine in the world of topic_to_table.h.
#pragma once
#include <gtest/gtest.h>

#include <chrono>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "runtime/engine/engine.h"
#include "runtime/piperun/compile.h"
#include "tests/unit/runtime/engine/topic_to_table.h"

namespace piperun::engine {

constexpr const char* kNumbersPipeline = R"(pipeline numbers {
  delivery        = DELIVERY
  commit_records  = 10
  commit_interval = INTERVAL
  on error { dead_letter = keep, backoff = 1ms..2ms }
}
connection bus  = kafka { brokers = "nowhere:1" }
connection shop = postgres { url = secret("URL") }
type Number { n: int64 }
source numbers: Number = bus { topic = "numbers" }
sink kept = shop { table = "kept" }
flow f {
  from numbers
  to kept
}
)";

// Partitions of the topic with so many records, all of them assigned.
inline void give_numbers(World& world, std::vector<std::int64_t> ends) {
  world.ends = std::move(ends);
  std::vector<commit::PartitionName> all;
  for (std::size_t i = 0; i < world.ends.size(); ++i) all.push_back({"numbers", static_cast<std::int32_t>(i)});
  world.tell(connectors::Group::Change::Assigned, all);
}

// What a partition has then, from its beginning.
inline std::vector<std::int64_t> numbers(std::int64_t end) {
  std::vector<std::int64_t> result(static_cast<std::size_t>(end));
  std::iota(result.begin(), result.end(), 0);
  return result;
}

// Until the topic is used up, or a stop is asked for. Returns how long it took, in seconds.
inline double run_numbers(World& world, Observer& observer, std::stop_token stop, const std::string& interval, bool drain,
                          const std::string& delivery = "exactly_once") {
  std::string text = kNumbersPipeline;
  text.replace(text.find("DELIVERY"), 8, delivery);
  text.replace(text.find("INTERVAL"), 8, interval);
  cli::CompileOptions how;
  how.files = {{"numbers.pipe", text}};
  const auto compiled = cli::compile_file("numbers.pipe", how);
  if (!compiled || !compiled->ok()) {
    ADD_FAILURE() << "the program does not compile";
    return 0;
  }
  Options options = cli::engine_options(*compiled);
  options.drain = drain;
  options.compare = [](const std::vector<commit::Manifest>& stored, const std::vector<std::string>&) {
    UpgradeDecision decision;
    decision.kind = stored.empty() ? UpgradeDecision::Kind::New : UpgradeDecision::Kind::Equal;
    return UpgradePlan{{decision}, {}};
  };
  FakeConnectors connectors(world);
  WorldClock clock(world);
  const auto begun = std::chrono::steady_clock::now();
  const RunResult result = engine::run(*compiled->program, connectors, clock, observer, options, std::move(stop));
  EXPECT_FALSE(result.error) << result.error->message;
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

}  // namespace piperun::engine
