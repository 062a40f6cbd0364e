#include "runtime/commit/slot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <random>
#include <string_view>

namespace piperun::commit {
namespace {

constexpr int kMostSlots = 1'000;

std::unexpected<base::Error> cannot(const std::string& path, const char* what) {
  return base::failure(base::ErrorCode::CannotOpen, fmt::format("{} `{}`: {}; the state directory must be writable (--state-dir)",
                                                                what, path, std::strerror(errno)));
}

struct File {
  ~File() {
    if (number >= 0) ::close(number);
  }
  int number;
};

// A whole line, or "": nobody has come that far, a disk was full, or the machine went down meanwhile.
std::string line_of(int file) {
  char text[64];
  const ssize_t size = ::pread(file, text, sizeof text, 0);
  const std::string_view read(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  const std::size_t end = read.find('\n');
  return end == std::string_view::npos ? std::string() : std::string(read.substr(0, end));
}

// Under the file's lock, so that of two first processes one writes and both read the same.
base::Result<std::string> host_id(const std::filesystem::path& directory) {
  const std::string path = (directory / "host").string();
  if (const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)}; file.number >= 0) {
    if (std::string id = line_of(file.number); !id.empty()) return id;
  }
  const File file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)};
  if (file.number < 0) return cannot(path, "cannot open");
  if (::flock(file.number, LOCK_EX) != 0) return cannot(path, "cannot lock");
  if (std::string id = line_of(file.number); !id.empty()) return id;
  std::random_device random;
  const std::string id = fmt::format("{:08x}", random());
  const std::string line = id + "\n";
  errno = ENOSPC;  // what a short write means
  if (::ftruncate(file.number, 0) != 0 || ::pwrite(file.number, line.data(), line.size(), 0) != std::ssize(line))
    return cannot(path, "cannot write");
  return id;
}

}  // namespace

base::Result<Slot> Slot::take(const std::string& state_dir, const std::string& pipeline) {
  std::error_code error;
  std::filesystem::create_directories(state_dir, error);
  const auto host = host_id(state_dir);
  if (!host) return std::unexpected(host.error());
  std::string file_name = pipeline;
  std::ranges::replace(file_name, '/', '_');
  for (int number = 0; number < kMostSlots; ++number) {
    const auto path = std::filesystem::path(state_dir) / fmt::format("{}.slot-{}", file_name, number);
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) return cannot(path.string(), "cannot open");
    if (::flock(file, LOCK_EX | LOCK_NB) == 0) return Slot(fmt::format("{}-{}", *host, number), file);
    ::close(file);
  }
  return base::failure(base::ErrorCode::CannotOpen, fmt::format("{} processes run `{}` here already", kMostSlots, pipeline));
}

Slot::~Slot() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace piperun::commit
