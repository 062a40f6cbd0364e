// Durable names: functions of the pipeline's id, the unit and the operator, never of what other flows contain.
#pragma once
#include <string>
#include <string_view>

#include "lang/ir/program.h"

namespace piperun::plan {

// `orders.shop`: source connection, domain connection.
std::string unit_name(const ir::Program& program, ir::SystemId source, ir::SystemId domain);

// `paid_lines.dedup`, the second one of that flow `paid_lines.dedup2`; `count` begins at 1.
std::string operator_name(std::string_view flow, std::string_view kind, int count);

// `<id>.<flow>`, the second one `<id>.<flow>2`: a topic between two units.
std::string link_topic(const ir::Program& program, std::string_view flow, int count);

// `<id>.<unit>.dead-letters.<sink>`: letters of a unit on their way to a sink in another system.
std::string letter_topic(const ir::Program& program, const ir::Unit& unit, const ir::Sink& sink);

// `orders.shop.dead-letters`: what carries letters from one system into another.
std::string letter_relay_name(const ir::Program& program, ir::SystemId from, ir::SystemId to);

std::string state_store_file(const ir::Program& program);  // `<id>.db`, below the state directory

// What a unit keeps in the system that it commits in, in words.
struct Stores {
  std::string positions;  // and what lies beside them: `the tables piperun.offsets, piperun.keys and piperun.manifests of shop`
  std::string dead_letters;  // `the table piperun.dead_letters of shop`
};
Stores stores_of(const ir::Program& program, const ir::Unit& unit);

}  // namespace piperun::plan
