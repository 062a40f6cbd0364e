// Dead letters: a record that failed, with all that is needed to understand and to replay it.
#pragma once
#include <string>

#include "lang/ir/program.h"
#include "runtime/engine/batch.h"

namespace piperun::engine {

// The letter of batch.records[index], which batch.dead says is dead. Times are the batch's.
commit::Letter make_letter(const ir::Program& program, const ir::Unit& unit, const Batch& batch, std::uint32_t index,
                           const commit::PartitionName& partition);

// As one JSON object: what a sink of dead letters gets, and `piperun dlq show` prints. Bytes that are not UTF-8 are written as
// `{"base64": "…"}`.
std::string letter_json(const commit::Letter& letter);

// `orders.pipe:12:3`, or "" for nowhere.
std::string site_text(const ir::Program& program, ir::Site site);

}  // namespace piperun::engine
