// Random pipelines as text, and records for them: every stateless stage, `dedup` and `enrich` over typed fields.
#pragma once
#include <random>
#include <string>
#include <vector>

namespace piperun::cli {

// The same for the same seed. Reads `rows` (topic), writes `out0` … (topics), looks up `people`. A few programs break a rule of the
// types (a decimal that grows too wide): they do not compile, and the caller makes another.
std::string random_flows(std::uint32_t seed);

// JSON texts for the source `rows`; some do not fit its type, some are no JSON.
std::vector<std::string> random_records(std::uint32_t seed, int count);

}  // namespace piperun::cli
