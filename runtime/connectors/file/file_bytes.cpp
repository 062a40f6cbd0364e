#include "runtime/connectors/file/file_bytes.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/connectors/file/gzip_file.h"
#include "runtime/connectors/file/splitter.h"

namespace piperun::file {

namespace {

using base::ErrorCode;
using base::Result;

std::unexpected<base::Error> system_failure(ErrorCode code, const char* what, const std::string& path) {
  return base::failure(code, fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)));
}

class PlainFile final : public FileBytes {
 public:
  PlainFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;
  ~PlainFile() override { ::close(descriptor_); }

  Result<std::size_t> read_at(std::int64_t position, char* to, std::size_t size) override {
    std::size_t done = 0;
    while (done < size) {
      const ssize_t got = ::pread(descriptor_, to + done, size - done, position + static_cast<std::int64_t>(done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return system_failure(ErrorCode::SystemUnavailable, "read", path_);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Result<std::int64_t> size() override {
    struct stat found{};
    if (::fstat(descriptor_, &found) != 0) return system_failure(ErrorCode::SystemUnavailable, "ask for the size of", path_);
    return found.st_size;
  }

  std::int64_t modified() override {
    struct stat found{};
    return ::fstat(descriptor_, &found) == 0 ? micros_of(found.st_mtim) : 0;
  }

 private:
  std::string path_;
  int descriptor_;
};

}  // namespace

std::int64_t micros_of(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1'000; }

Result<std::unique_ptr<FileBytes>> open_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return system_failure(ErrorCode::CannotOpen, "open", path);
  struct stat found{};
  if (::fstat(descriptor, &found) == 0 && S_ISDIR(found.st_mode)) {
    ::close(descriptor);
    return base::failure(ErrorCode::CannotOpen, fmt::format("cannot read {}: it is a directory, and a file is needed", path));
  }
  if (!path.ends_with(".gz")) return std::make_unique<PlainFile>(path, descriptor);
  return std::make_unique<GzipFile>(path, descriptor);
}

Result<std::string> read_file(const std::string& path) {
  auto bytes = open_file(path);
  if (!bytes) return std::unexpected(bytes.error());
  auto size = (*bytes)->size();
  if (!size) return std::unexpected(size.error());
  std::string result(static_cast<std::size_t>(*size), '\0');
  auto got = (*bytes)->read_at(0, result.data(), result.size());
  if (!got) return std::unexpected(got.error());
  result.resize(*got);
  if (result.starts_with(kByteOrderMark)) result.erase(0, kByteOrderMark.size());
  return result;
}

}  // namespace piperun::file
