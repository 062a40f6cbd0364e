// Makes up records of a type: always the same for one seed, partition and offset, so they can be read again.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "lang/ir/program.h"
#include "runtime/base/clock.h"
#include "runtime/connectors/source.h"

namespace piperun::generate {

struct GenerateOptions {
  std::int64_t rate = 0;        // records per second over all partitions; 0: as fast as they are taken
  std::int64_t count = 0;       // over all partitions; 0: for ever
  std::int64_t seed = 0;
  std::int64_t partitions = 1;
};

// Values are JSON objects with the names that the type's data has. Record n of all is number n / partitions of partition n % partitions.
// Timestamps begin at 2026-01-01T00:00:00Z and go on by 1 / rate (1 ms without a rate).
class GenerateSource final : public connectors::Source {
 public:
  // `program` and `clock` must outlive it.
  GenerateSource(const ir::Program& program, const ir::Source& source, GenerateOptions options, base::Clock& clock);

  base::Result<std::vector<connectors::Partition>> partitions() override;
  base::Result<std::int64_t> resolve(const std::string& start, std::uint32_t partition) override;
  base::Result<record::Slab> read(std::uint32_t partition, std::int64_t position, std::size_t max_records,
                                  std::size_t max_bytes) override;
  bool is_finite() const override { return options_.count > 0; }
  void wait(std::int64_t microseconds) override { clock_.sleep(microseconds); }

 private:
  std::int64_t last_of(std::uint32_t partition) const;  // offset behind the last record; without a count the greatest number
  std::int64_t time_of(std::int64_t number) const;
  void write_record(std::int64_t number, std::string& out) const;
  void write_value(value::TypeId type, std::uint64_t random, std::int64_t number, ir::TimeUnit unit, int depth,
                   std::string& out) const;
  void write_object(value::TypeId type, std::uint64_t random, std::int64_t number, int depth, std::string& out) const;

  const ir::Program& program_;
  const ir::Source& source_;
  GenerateOptions options_;
  base::Clock& clock_;
  std::int64_t started_ = -1;  // monotonic time of the first read, which may take what an earlier run had left over
  std::int64_t taken_ = 0;  // records handed out since
};

}  // namespace piperun::generate
