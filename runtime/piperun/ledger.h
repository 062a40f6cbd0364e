// The ledger for people, for programs, and for tests: what became of every record.
#pragma once
#include <string>
#include <vector>

#include "runtime/engine/engine.h"

namespace piperun::cli {

// `used 8 + filtered 2`: a class that nobody is in is left out.
struct CountClass {
  const char* name;
  std::int64_t commit::Counts::* count;
};
inline constexpr CountClass kCountClasses[] = {
    {"used", &commit::Counts::used},       {"filtered", &commit::Counts::filtered}, {"duplicates", &commit::Counts::duplicates},
    {"late", &commit::Counts::late},       {"skipped", &commit::Counts::skipped},   {"dead", &commit::Counts::dead},
    {"unknown", &commit::Counts::unknown},
};

// `orders.shop   read 10,000 = used 9,000 + dead 1,000` and a line per sink.
std::string ledger_table(const std::vector<engine::UnitLedger>& ledgers);

// One object per unit and line.
std::string ledger_json(const std::vector<engine::UnitLedger>& ledgers);

// `orders.shop: read 3, used 1, duplicates 1, dead 1` and `order_lines: rows 1`: the form of a test's ledger section.
std::vector<std::string> ledger_lines(const std::vector<engine::UnitLedger>& ledgers);

}  // namespace piperun::cli
