#include "runtime/connectors/file/gzip_file.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <span>

namespace piperun::file {

namespace {

using base::ErrorCode;
using base::Result;

constexpr std::size_t kInput = 256 * 1024, kSkip = 256 * 1024;
constexpr int kGzipAlone = 16 + MAX_WBITS;  // of inflateInit2: not zlib's own header

}  // namespace

GzipFile::GzipFile(std::string path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor), input_(std::make_unique_for_overwrite<unsigned char[]>(kInput)) {
  stream_.next_in = input_.get();
  if (inflateInit2(&stream_, kGzipAlone) != Z_OK) throw std::bad_alloc();
}

GzipFile::~GzipFile() {
  inflateEnd(&stream_);
  ::close(descriptor_);
}

Result<std::size_t> GzipFile::read_at(std::int64_t position, char* to, std::size_t size) {
  std::size_t done = 0;
  const std::int64_t in_window = position - window_begin_;
  if (in_window >= 0 && in_window < std::ssize(window_)) {  // the end of the last read, asked for again
    done = std::min(size, window_.size() - static_cast<std::size_t>(in_window));
    std::memcpy(to, window_.data() + in_window, done);
  }
  if (done == size) return done;
  if (auto there = go_to(position + static_cast<std::int64_t>(done)); !there) return std::unexpected(there.error());
  auto got = inflate(to + done, size - done);
  if (!got) return got;
  done += *got;
  window_.assign(to, done);
  window_begin_ = position;
  return done;
}

// Forwards by inflating what lies between, backwards by beginning anew. Less far if the text ends before.
Result<void> GzipFile::go_to(std::int64_t position) {
  if (position < position_) {
    stream_.avail_in = 0;
    file_position_ = 0;
    position_ = 0;
    in_member_ = has_members_ = false;
  }
  std::string scrap(static_cast<std::size_t>(std::min<std::int64_t>(position - position_, kSkip)), '\0');
  while (position_ < position) {
    auto got = inflate(scrap.data(), static_cast<std::size_t>(std::min<std::int64_t>(position - position_, std::ssize(scrap))));
    if (!got) return std::unexpected(got.error());
    if (*got == 0) break;
  }
  return {};
}

Result<std::size_t> GzipFile::inflate(char* to, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    if (!in_member_) {
      auto begun = begin_member();
      if (!begun) return std::unexpected(begun.error());
      if (!*begun) break;
    }
    if (auto filled = fill_input(1); !filled || !*filled)
      return filled ? damaged("it is cut off in the middle of its compressed data") : std::unexpected(filled.error());
    const auto wanted = static_cast<unsigned>(std::min<std::size_t>(size - done, 1U << 30));
    stream_.next_out = reinterpret_cast<unsigned char*>(to + done);
    stream_.avail_out = wanted;
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    done += wanted - stream_.avail_out;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
      return damaged(stream_.msg == nullptr ? zError(result) : stream_.msg);
    in_member_ = result != Z_STREAM_END;
  }
  position_ += static_cast<std::int64_t>(done);
  return done;
}

// False: the file ends here.
Result<bool> GzipFile::begin_member() {
  auto filled = fill_input(2);
  if (!filled) return filled;
  if (!*filled && stream_.avail_in == 0 && has_members_) return false;
  if (*filled && stream_.next_in[0] == 0x1f && stream_.next_in[1] == 0x8b) {
    inflateReset(&stream_);
    in_member_ = has_members_ = true;
    return true;
  }
  if (!has_members_) return damaged("it is no gzip data; a name that ends in .gz says that it is");
  for (;;) {
    if (std::ranges::count(std::span(stream_.next_in, stream_.avail_in), 0) != stream_.avail_in)
      return damaged("something that is no gzip data follows the compressed data");
    stream_.avail_in = 0;
    filled = fill_input(1);
    if (!filled || !*filled) return filled;
  }
}

// True: at least so many bytes of the file are there for inflate; false: it has fewer left.
Result<bool> GzipFile::fill_input(std::size_t least) {
  if (stream_.avail_in >= least) return true;
  std::memmove(input_.get(), stream_.next_in, stream_.avail_in);
  stream_.next_in = input_.get();
  while (stream_.avail_in < least) {
    const ssize_t got = ::pread(descriptor_, input_.get() + stream_.avail_in, kInput - stream_.avail_in, file_position_);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return base::failure(ErrorCode::SystemUnavailable, fmt::format("cannot read {}: {}", path_, std::strerror(errno)));
    if (got == 0) return false;
    stream_.avail_in += static_cast<unsigned>(got);
    file_position_ += got;
  }
  return true;
}

Result<std::int64_t> GzipFile::size() {
  struct stat found{};
  if (::fstat(descriptor_, &found) != 0) return damaged(std::strerror(errno));
  const std::int64_t modified_now = micros_of(found.st_mtim);
  if (found.st_size == known_file_size_ && modified_now == known_modified_) return known_size_;
  const int other = ::dup(descriptor_);
  if (other < 0) return damaged(std::strerror(errno));
  GzipFile whole(path_, other);
  std::string piece(kSkip, '\0');
  for (;;) {
    auto got = whole.inflate(piece.data(), piece.size());
    if (!got) return std::unexpected(got.error());
    if (*got < piece.size()) break;
  }
  known_size_ = whole.position_;
  known_file_size_ = found.st_size;
  known_modified_ = modified_now;
  return known_size_;
}

std::int64_t GzipFile::modified() {
  struct stat found{};
  return ::fstat(descriptor_, &found) == 0 ? micros_of(found.st_mtim) : 0;
}

std::unexpected<base::Error> GzipFile::damaged(const char* what) const {
  return base::failure(ErrorCode::CannotOpen, fmt::format("cannot inflate {}: {}", path_, what));
}

}  // namespace piperun::file
