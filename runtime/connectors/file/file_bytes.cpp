#include "runtime/connectors/file/file_bytes.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace piperun::file {

namespace {

using base::ErrorCode;
using base::Result;

std::unexpected<base::Error> system_failure(ErrorCode code, const char* what, const std::string& path) {
  return base::failure(code, fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)));
}

std::int64_t micros_of(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1'000; }

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

class GzipFile final : public FileBytes {
 public:
  GzipFile(std::string path, gzFile stream) : path_(std::move(path)), stream_(stream) { ::gzbuffer(stream_, 256 * 1024); }
  GzipFile(const GzipFile&) = delete;
  GzipFile& operator=(const GzipFile&) = delete;
  ~GzipFile() override { ::gzclose(stream_); }

  Result<std::size_t> read_at(std::int64_t position, char* to, std::size_t size) override {
    std::size_t done = 0;
    const auto in_window = position - window_begin_;
    if (in_window >= 0 && in_window < static_cast<std::int64_t>(window_.size())) {  // the end of the last read, asked for again
      done = std::min(size, window_.size() - static_cast<std::size_t>(in_window));
      std::memcpy(to, window_.data() + in_window, done);
    }
    if (done < size) {
      const auto from = position + static_cast<std::int64_t>(done);
      if (::gztell(stream_) != from && ::gzseek(stream_, from, SEEK_SET) < 0) return damaged();
      auto got = inflate(to + done, size - done);
      if (!got) return got;
      done += *got;
      window_.assign(to, done);
      window_begin_ = position;
    }
    return done;
  }

  Result<std::int64_t> size() override {
    struct stat found{};
    if (::stat(path_.c_str(), &found) != 0) return system_failure(ErrorCode::SystemUnavailable, "ask for the size of", path_);
    if (found.st_size == known_file_size_ && micros_of(found.st_mtim) == known_modified_) return known_size_;
    const auto other = open_file(path_);
    if (!other) return std::unexpected(other.error());
    std::string piece(1 << 18, '\0');
    known_size_ = 0;
    for (;;) {
      auto got = static_cast<GzipFile&>(**other).inflate(piece.data(), piece.size());
      if (!got) return std::unexpected(got.error());
      known_size_ += static_cast<std::int64_t>(*got);
      if (*got < piece.size()) break;
    }
    known_file_size_ = found.st_size;
    known_modified_ = micros_of(found.st_mtim);
    return known_size_;
  }

  std::int64_t modified() override {
    struct stat found{};
    return ::stat(path_.c_str(), &found) == 0 ? micros_of(found.st_mtim) : 0;
  }

 private:
  Result<std::size_t> inflate(char* to, std::size_t size) {
    std::size_t done = 0;
    while (done < size) {
      const int got = ::gzread(stream_, to + done, static_cast<unsigned>(std::min<std::size_t>(size - done, 1U << 30)));
      if (got < 0) return damaged();
      if (got == 0) {
        int error = Z_OK;
        ::gzerror(stream_, &error);
        if (error != Z_OK && error != Z_STREAM_END) return damaged();  // cut off
        break;
      }
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  std::unexpected<base::Error> damaged() {
    int error = Z_OK;
    const char* words = ::gzerror(stream_, &error);
    return base::failure(ErrorCode::CannotOpen,
                         fmt::format("cannot inflate {}: {}", path_, error == Z_ERRNO ? std::strerror(errno) : words));
  }

  std::string path_;
  gzFile stream_;
  std::string window_;
  std::int64_t window_begin_ = 0;
  std::int64_t known_size_ = 0, known_file_size_ = -1, known_modified_ = 0;
};

}  // namespace

Result<std::unique_ptr<FileBytes>> open_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return system_failure(ErrorCode::CannotOpen, "open", path);
  if (!path.ends_with(".gz")) return std::make_unique<PlainFile>(path, descriptor);
  gzFile stream = ::gzdopen(descriptor, "rb");
  if (stream == nullptr) {
    ::close(descriptor);
    return system_failure(ErrorCode::CannotOpen, "open", path);
  }
  return std::make_unique<GzipFile>(path, stream);
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
  return result;
}

}  // namespace piperun::file
