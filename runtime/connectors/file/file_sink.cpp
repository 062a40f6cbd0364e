#include "runtime/connectors/file/file_sink.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace piperun::file {

using base::ErrorCode;
using base::Result;

Result<std::unique_ptr<connectors::Sink>> FileSink::open(const std::string& path, const std::string& header) {
  std::error_code ignored;
  const auto folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0) return base::failure(ErrorCode::CannotOpen, fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  std::unique_ptr<FileSink> result(new FileSink(path, descriptor));
  if (auto repaired = result->repair(); !repaired) return std::unexpected(repaired.error());
  if (!header.empty() && ::lseek(descriptor, 0, SEEK_END) == 0) {
    if (auto written = result->append(header + "\n"); !written) return std::unexpected(written.error());
  }
  return result;
}

FileSink::~FileSink() { ::close(descriptor_); }

Result<void> FileSink::repair() {
  struct stat found{};
  if (::fstat(descriptor_, &found) != 0) return std::unexpected(system_error("look at"));
  if (!S_ISREG(found.st_mode)) return {};  // a pipe or /dev/null has no lines to mend
  std::int64_t keep = found.st_size;
  std::string piece(64 * 1024, '\0');
  while (keep > 0) {
    const std::int64_t from = std::max<std::int64_t>(0, keep - static_cast<std::int64_t>(piece.size()));
    const ssize_t got = ::pread(descriptor_, piece.data(), static_cast<std::size_t>(keep - from), from);
    if (got < 0) return std::unexpected(system_error("read"));
    const std::size_t line_end = std::string_view(piece.data(), static_cast<std::size_t>(got)).rfind('\n');
    keep = line_end == std::string_view::npos ? from : from + static_cast<std::int64_t>(line_end) + 1;
    if (line_end != std::string_view::npos) break;
  }
  if (keep < found.st_size && ::ftruncate(descriptor_, keep) != 0) return std::unexpected(system_error("cut the last line of"));
  return {};
}

Result<void> FileSink::write(std::span<const connectors::OutputRow> rows) {
  buffer_.clear();
  for (const connectors::OutputRow& row : rows) {
    if (row.encoded) buffer_.append(*row.encoded).push_back('\n');
  }
  return append(buffer_);
}

// Whole lines.
Result<void> FileSink::append(std::string_view lines) {
  const std::string all = torn_.empty() ? std::string() : torn_ + std::string(lines);
  const std::string_view text = torn_.empty() ? lines : all;
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t now = ::write(descriptor_, text.data() + done, text.size() - done);
    if (now >= 0) {
      done += static_cast<std::size_t>(now);
      continue;
    }
    if (errno == EINTR) continue;
    const base::Error error = system_error("write");
    const bool is_between_lines = done == 0 ? torn_.empty() : text[done - 1] == '\n';
    torn_ = is_between_lines ? std::string() : std::string(text.substr(done, text.find('\n', done) + 1 - done));
    return std::unexpected(error);
  }
  torn_.clear();
  return {};
}

Result<void> FileSink::await() {
  if (::fdatasync(descriptor_) == 0 || errno == EINVAL || errno == EROFS) return {};  // pipes and devices have nothing to sync
  return std::unexpected(system_error("sync"));
}

base::Error FileSink::system_error(const char* what) const {
  const int error = errno;
  return {error == ENOSPC || error == EDQUOT || error == EFBIG ? ErrorCode::DiskFull : ErrorCode::SystemUnavailable,
          fmt::format("cannot {} {}: {}", what, path_, std::strerror(error)),
          {},
          -1};
}

}  // namespace piperun::file
