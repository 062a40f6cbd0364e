// File to file through `filter, set, map`: the CPU time of piperun (interpreter) as a multiple of a hand-written simdjson loop.
// Both read the same 400,000 records of seven fields, about 190 bytes each, and must write the same bytes; pairs run A B B A.
// usage: bench_file_to_file        (the program `piperun` must lie beside it)
#include <simdjson.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/bench/measure.h"

namespace {

constexpr int kRecords = 400'000;
constexpr int kPairs = 5;
constexpr const char* kProgram = R"(pipeline bench {
  delivery       = at_least_once
  commit_records = 10_000
}
type Bid { auction: int64, bidder: int64, price: decimal(12, 2), channel: string, url: string, at: timestamp, extra: string }
source bids: Bid = file { path = "bids.ndjson" }
sink out = file { path = "out.ndjson" }
flow f {
  from bids
  filter price > 20.00
  set total = price * 3
  map { auction, bidder, total, channel }
  to out
}
)";

void make_input(const std::string& path) {
  std::ofstream out(path, std::ios::binary);
  std::uint64_t state = 42;
  const auto next = [&](std::uint64_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
  };
  for (int i = 0; i < kRecords; ++i) {
    char line[512];
    std::snprintf(
        line, sizeof line,
        R"({"auction":%llu,"bidder":%llu,"price":%llu.%02llu,"channel":"channel-%llu","url":"https://www.example.org/item/%llu",)"
        R"("at":"2026-01-31T12:%02llu:%02lluZ","extra":"%016llx%016llx"})"
        "\n",
        1000ull + next(5000), 1000ull + next(90000), 0ull + next(120), 0ull + next(100), 0ull + next(40), 0ull + next(1000000),
        0ull + next(60), 0ull + next(60), 0ull + next(1ull << 31), 0ull + next(1ull << 31));
    out << line;
  }
}

// ---- The hand-written loop: on-demand parsing in document order, exact cents, one output buffer.

std::int64_t cents(std::string_view token) {
  std::int64_t value = 0;
  int decimals = -1;
  for (const char c : token) {
    if (c == '.') decimals = 0;
    else if (c >= '0' && c <= '9') {
      value = value * 10 + (c - '0');
      if (decimals >= 0) ++decimals;
    } else break;
  }
  for (decimals = std::max(decimals, 0); decimals < 2; ++decimals) value *= 10;
  return value;
}

int hand_written(const std::string& in, const std::string& to) {
  simdjson::padded_string text;
  if (simdjson::padded_string::load(in).get(text)) return 1;
  simdjson::ondemand::parser parser;
  std::string out;
  std::ofstream file(to, std::ios::binary);
  const char* line = text.data();
  const char* const end = line + text.size();
  while (line < end) {
    const char* const stop = std::find(line, end, '\n');
    auto document = parser.iterate(line, static_cast<std::size_t>(stop - line),
                                   static_cast<std::size_t>(end - line) + simdjson::SIMDJSON_PADDING);
    simdjson::ondemand::object object = document.get_object();
    const std::int64_t auction = object.find_field("auction").get_int64();
    const std::int64_t bidder = object.find_field("bidder").get_int64();
    simdjson::ondemand::value price = object.find_field("price").value();
    const std::int64_t amount = cents(price.raw_json_token());
    const std::string_view channel = object.find_field("channel").get_string();
    if (amount > 2000) {
      const std::int64_t total = amount * 3;
      out += "{\"auction\":";
      out += std::to_string(auction);
      out += ",\"bidder\":";
      out += std::to_string(bidder);
      out += ",\"total\":";
      out += std::to_string(total / 100);
      out += '.';
      out += static_cast<char>('0' + total / 10 % 10);
      out += static_cast<char>('0' + total % 10);
      out += ",\"channel\":\"";
      out += channel;
      out += "\"}\n";
    }
    if (out.size() > (1 << 20)) {
      file << out;
      out.clear();
    }
    line = stop + 1;
  }
  file << out;
  return file.flush() ? 0 : 1;
}

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

int main(int, char** words) {
  using namespace piperun::bench;
  const std::string piperun = std::filesystem::absolute(words[0]).parent_path() / "piperun";
  char folder[] = "/tmp/piperun-bench-XXXXXX";
  if (!mkdtemp(folder) || chdir(folder) != 0) return 1;
  make_input("bids.ndjson");
  std::ofstream("bench.pipe") << kProgram;

  const auto run_hand = [&] { return cost_of([] { _exit(hand_written("bids.ndjson", "hand.ndjson")); }).cpu; };
  const auto run_piperun = [&] {
    std::filesystem::remove_all(".piperun");
    std::filesystem::remove("out.ndjson");
    return cost_of_drain(piperun, "bench.pipe").cpu;
  };

  run_hand();
  run_piperun();
  const std::string expected = slurp("hand.ndjson");
  const bool same = !expected.empty() && expected == slurp("out.ndjson");
  std::vector<double> ratios, hand, engine;
  for (int i = 0; i < kPairs; ++i) {
    const double a1 = run_hand(), b1 = run_piperun(), b2 = run_piperun(), a2 = run_hand();
    for (const auto& [a, b] : {std::pair(a1, b1), std::pair(a2, b2)}) {
      ratios.push_back(b / a);
      hand.push_back(a);
      engine.push_back(b);
    }
  }
  std::filesystem::current_path("/");
  std::filesystem::remove_all(folder);
  std::printf("hand-written loop %.0f ns/record, piperun %.0f ns/record; ratio of CPU time: %s; outputs %s\n",
              median(hand) * 1e9 / kRecords, median(engine) * 1e9 / kRecords, summary(ratios).c_str(), same ? "equal" : "DIFFER");
  return same ? 0 : 1;
}
