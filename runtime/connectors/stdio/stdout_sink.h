// Writes lines to the standard output, or any descriptor: all rows of a batch in one go.
#pragma once
#include <string>

#include "runtime/connectors/sink.h"

namespace piperun::stdio {

class StdoutSink final : public connectors::Sink {
 public:
  // Does not own the descriptor. `header`: written before the first row; "" for none.
  StdoutSink(int descriptor, std::string header) : descriptor_(descriptor), header_(std::move(header)) {}
  base::Result<void> write(std::span<const connectors::OutputRow> rows) override;
  base::Result<void> await() override { return {}; }

 private:
  int descriptor_;
  std::string header_;
  std::string buffer_;
};

}  // namespace piperun::stdio
