// Fusion, folding and pruning never change a result: random programs run on random records as written and optimized, and every
// output, every record's fate and every failure must be the same.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "lang/diag/render.h"
#include "runtime/engine/process.h"
#include "runtime/piperun/compile.h"
#include "tests/unit/runtime/piperun/random_flows.h"

namespace piperun::cli {
namespace {

constexpr std::uint32_t kPrograms = 300;
constexpr int kRecords = 40;

// Person n for keys that 3 does not divide; odd ones have no level.
class People final : public connectors::Table {
 public:
  base::Result<void> lookup(std::span<const value::Cell* const> keys, value::Arena& arena,
                            std::span<const value::Cell*> rows) override {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const std::int64_t key = keys[i][0].i;
      if (key % 3 == 0) continue;
      value::Cell* row = arena.cells(4);
      row[0].i = key;
      row[1] = value::Cell::of(std::string_view(key % 2 ? "Ada 1" : "Bea 2"));
      row[2] = value::Cell::of(key % 2 != 0);
      row[3].i = key % 2 ? 0 : key;
      rows[i] = row;
    }
    return {};
  }
};

base::Result<Compiled> compile(const std::string& text, bool optimized) {
  CompileOptions options;
  options.optimized = optimized;
  options.files["random.pipe"] = text;
  return compile_file("random.pipe", options);
}

std::string text_of(std::string_view sink, const connectors::OutputRow& row, std::uint32_t record) {
  return fmt::format("{} record {}{}: key {} value {}\n", sink, record, row.remove ? " removed" : "",
                     row.message_key.value_or("-"), row.encoded.value_or("-"));
}

// All that a unit makes of the records, as text.
std::string result_of(const Compiled& compiled, const std::vector<std::string>& records) {
  const ir::Program& program = *compiled.program;
  const engine::Options options = engine_options(compiled);
  std::string result;
  for (const ir::Unit& unit : program.units) {
    std::vector<std::unique_ptr<connectors::Table>> tables;
    for (std::size_t i = 0; i < unit.tables.size(); ++i) tables.push_back(std::make_unique<People>());
    const std::vector<engine::ReadPartition> partitions = {{0, 0, {"rows", 0}, 42}};
    engine::Process process(program, unit, options.natives, {}, tables, partitions);

    std::string padded;
    for (const std::string& record : records) padded += record;
    padded.append(record::kPadding, ' ');
    std::vector<record::RawRecord> raw(records.size());
    engine::Batch batch;
    batch.now = 1'769'860'800'000'000;
    std::size_t at = 0;
    for (std::size_t i = 0; i < records.size(); ++i) {
      raw[i].offset = static_cast<std::int64_t>(i);
      raw[i].value = std::string_view(padded).substr(at, records[i].size());
      at += records[i].size();
      engine::BatchRecord record;
      record.raw = &raw[i];
      batch.records.push_back(record);
    }
    engine::Processed out;
    const auto no_keys = [](const std::string&, std::span<const std::string>) { return std::vector<commit::KeyEntry>(); };
    const auto done = process.run(batch, 0, records.size(), no_keys, out);
    if (!done) return "failed: " + done.error().message;

    for (std::size_t sink = 0; sink < out.sinks.size(); ++sink) {
      const std::string& name = program.sinks[unit.sinks[sink]].name;
      for (std::size_t i = 0; i < out.sinks[sink].rows.size(); ++i)
        result += text_of(name, out.sinks[sink].rows[i], out.sinks[sink].records[i]);
    }
    for (const engine::StageClaims& stage : out.claims) {
      for (const commit::KeyClaim& claim : stage.claims)
        result += fmt::format("{} claims {} {}\n", stage.stage, claim.key, claim.set.size());
    }
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
      const engine::BatchRecord& record = batch.records[i];
      if (const auto dead = batch.dead.find(static_cast<std::uint32_t>(i)); dead != batch.dead.end()) {
        const engine::Failure& why = dead->second;
        result += fmt::format("{}: dead, {} {} at {}:{}\n", i, base::traits(why.code).code, why.message, why.site.line,
                              why.site.column);
      } else {
        result += fmt::format("{}: used {} duplicate {} filtered {}\n", i, record.used, record.duplicate, record.filtered);
      }
    }
  }
  return result;
}

TEST(Optimizer, NeverChangesAResult) {
  std::uint32_t compared = 0, refused = 0, rows = 0, dead = 0, smaller = 0;
  for (std::uint32_t seed = 1; compared < kPrograms; ++seed) {
    const std::string text = random_flows(seed);
    const auto written = compile(text, false), optimized = compile(text, true);
    ASSERT_TRUE(written && optimized);
    ASSERT_EQ(written->ok(), optimized->ok()) << text;
    if (!written->ok()) {
      ++refused;
      ASSERT_LT(refused, kPrograms / 2) << text << diag::render(written->report, *written->sources, {});
      continue;
    }
    ++compared;
    const std::vector<std::string> records = random_records(seed, kRecords);
    const std::string want = result_of(*written, records);
    ASSERT_EQ(want, result_of(*optimized, records)) << "seed " << seed << "\n" << text;
    for (std::size_t at = want.find(" value "); at != std::string::npos; at = want.find(" value ", at + 1)) ++rows;
    for (std::size_t at = want.find(": dead"); at != std::string::npos; at = want.find(": dead", at + 1)) ++dead;
    for (std::size_t unit = 0; unit < written->program->units.size(); ++unit) {
      smaller += optimized->program->units[unit].dataflow.nodes.size() < written->program->units[unit].dataflow.nodes.size();
    }
  }
  // The programs do something: rows come out, records die for good reasons, and stages were fused.
  EXPECT_GT(rows, kPrograms * kRecords / 10);
  EXPECT_GT(dead, kPrograms * kRecords / 50);
  EXPECT_GT(smaller, kPrograms / 2);
  fmt::print("{} programs compared, {} refused; {} rows, {} dead records, {} units made smaller\n", compared, refused, rows, dead,
             smaller);
}

}  // namespace
}  // namespace piperun::cli
