// Reads lines from the standard input, or any descriptor. They cannot be read again.
#pragma once
#include <memory>
#include <string>

#include "lang/ir/program.h"
#include "runtime/base/clock.h"
#include "runtime/connectors/source.h"

namespace piperun::stdio {

// One partition, `stdin`. Positions count bytes, on from the position of the first read: what an earlier run stored goes on growing.
// Its end is not known, and `is_finite` false, until the input is closed.
class StdinSource final : public connectors::Source {
 public:
  // Does not own the descriptor.
  StdinSource(int descriptor, ir::Format format, char delimiter, bool has_header, base::Clock& clock)
      : descriptor_(descriptor),
        format_(format),
        delimiter_(delimiter),
        has_header_(has_header && format == ir::Format::Csv),
        clock_(clock) {}

  base::Result<std::vector<connectors::Partition>> partitions() override;
  base::Result<std::int64_t> resolve(const std::string&, std::uint32_t) override { return 0; }
  // PositionGone unless `position` is where the last read ended. CannotOpen for a record of more than 256 MiB.
  base::Result<record::Slab> read(std::uint32_t partition, std::int64_t position, std::size_t max_records,
                                  std::size_t max_bytes) override;
  bool is_finite() const override { return is_closed_; }
  void wait(std::int64_t microseconds) override;

 private:
  bool has_input(int milliseconds) const;
  base::Result<void> take_header(std::string_view line);
  base::Result<void> make_room();
  base::Result<void> take_input(std::size_t most);

  int descriptor_;
  ir::Format format_;
  char delimiter_;
  bool has_header_;
  base::Clock& clock_;
  std::string header_;
  std::string pending_;  // read, but not handed out
  std::int64_t position_ = -1;  // of `pending_`; -1: nothing was read yet
  std::size_t longest_ = 0;  // as much is read, because a record did not fit into less
  bool is_begin_ = true;  // a byte-order mark may come
  bool is_closed_ = false;
};

}  // namespace piperun::stdio
