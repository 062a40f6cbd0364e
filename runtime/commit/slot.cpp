#include "runtime/commit/slot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

namespace piperun::commit {
namespace {

constexpr int kMostSlots = 1'000;

std::unexpected<base::Error> cannot(const std::string& path, const char* what) {
  return base::failure(base::ErrorCode::CannotOpen, fmt::format("{} `{}`: {}; the state directory must be writable (--state-dir)",
                                                                what, path, std::strerror(errno)));
}

// Written beside and linked into place, so that of two first processes one wins and both read the same.
base::Result<std::string> host_id(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "host";
  std::string id;
  if (std::ifstream(path) >> id) return id;
  std::random_device random;
  const std::filesystem::path draft = directory / fmt::format("host.{}", ::getpid());
  std::ofstream(draft) << fmt::format("{:08x}\n", random());
  const int linked = ::link(draft.c_str(), path.c_str());
  const int error = errno;
  ::unlink(draft.c_str());
  errno = error;
  if (linked != 0 && errno != EEXIST) return cannot(path.string(), "cannot write");
  if (std::ifstream(path) >> id) return id;
  return cannot(path.string(), "cannot read");
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
