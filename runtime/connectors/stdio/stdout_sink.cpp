#include "runtime/connectors/stdio/stdout_sink.h"

#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace piperun::stdio {

base::Result<void> StdoutSink::write(std::span<const connectors::OutputRow> rows) {
  buffer_.clear();
  if (!header_.empty() && !rows.empty()) buffer_ = std::exchange(header_, {}) + "\n";
  for (const connectors::OutputRow& row : rows) {
    if (row.encoded) buffer_.append(*row.encoded).push_back('\n');
  }
  for (std::string_view left = buffer_; !left.empty();) {
    const ssize_t done = ::write(descriptor_, left.data(), left.size());
    if (done >= 0) {
      left.remove_prefix(static_cast<std::size_t>(done));
      continue;
    }
    if (errno == EAGAIN) {
      pollfd asked{descriptor_, POLLOUT, 0};
      ::poll(&asked, 1, -1);
    } else if (errno != EINTR) {  // a reader that went away does not come back
      return base::failure(base::ErrorCode::CannotOpen,
                           fmt::format("cannot write to the standard output: {}", std::strerror(errno)));
    }
  }
  return {};
}

}  // namespace piperun::stdio
