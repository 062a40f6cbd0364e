#include "runtime/commit/kafka/known_cluster.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "runtime/commit/kafka/admin.h"
#include "runtime/commit/kafka/groups.h"

namespace piperun::kafka {

using base::ErrorCode;
using base::Result;

namespace {

constexpr std::int64_t kPatience = 2'000'000;  // for positions in a transaction that is open

std::string first_line(const std::string& path) {
  std::string line;
  std::getline(std::ifstream(path), line);
  return line;
}

// Renamed into its place, so that others find all of it or what was there.
Result<void> write_line(const std::string& path, const std::string& line) {
  const std::string part = fmt::format("{}.{}", path, ::getpid());
  std::ofstream file(part, std::ios::trunc);
  file << line << '\n';
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(part, path, error);
  if (file && !error) return {};
  return base::failure(ErrorCode::CannotOpen,
                       fmt::format("cannot write `{}`; the state directory must be writable (--state-dir)", path));
}

}  // namespace

Result<void> check_known_cluster(rd_kafka_t* handle, const std::string& group, const std::string& state_dir) {
  const auto now = cluster_id(handle);
  if (!now) return std::unexpected(now.error());
  std::string name = group;
  std::ranges::replace(name, '/', '_');
  const std::string path = (std::filesystem::path(state_dir) / (name + ".cluster")).string();
  const std::string known = first_line(path);
  if (known == *now) return {};
  if (!known.empty()) {
    const auto positions = group_offsets(handle, group, kPatience);
    if (!positions) return std::unexpected(positions.error());
    if (positions->empty()) {
      return base::failure(
          ErrorCode::PositionGone,
          fmt::format("{} was begun in the cluster {}, and the connection leads to the cluster {}, which has none of them; "
                      "if it shall begin anew there, at `start`, remove the file {}",
                      group, known, *now, path));
    }
  }
  return write_line(path, *now);
}

}  // namespace piperun::kafka
