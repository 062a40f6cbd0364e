#include "runtime/piperun/progress.h"

#include <fmt/ostream.h>

#include "runtime/piperun/numbers.h"

namespace piperun::cli {

namespace {
constexpr std::int64_t kEvery = 200'000;  // microseconds
}

void Progress::committed(const ir::Unit& unit, const commit::Counts& batch) {
  const std::lock_guard lock(mutex_);
  read_ += batch.read;
  dead_ += batch.dead;
  trouble_.erase(unit.name);
  show(false);
}

void Progress::retrying(const ir::Unit& unit, const base::Error& error, int attempt, std::int64_t, bool paused) {
  const std::lock_guard lock(mutex_);
  trouble_[unit.name] =
      fmt::format("{} {} (attempt {}): {}", unit.name, paused ? "is paused" : "tries again", attempt, error.message);
  show(true);
}

void Progress::recovered(const ir::Unit& unit) {
  const std::lock_guard lock(mutex_);
  trouble_.erase(unit.name);
  show(true);
}

void Progress::clear() {
  const std::lock_guard lock(mutex_);
  if (has_line_) *out_ << "\r\x1b[K" << std::flush;
  has_line_ = false;
}

void Progress::show(bool at_once) {
  const std::int64_t now = clock_.monotonic();
  if (out_ == nullptr || (!at_once && now - shown_ < kEvery)) return;
  shown_ = now;
  const double seconds = static_cast<double>(now - begun_) / 1e6;
  std::string line = counted(read_, "record");
  if (seconds > 0.5) line += fmt::format(", {}/s", with_commas(static_cast<std::int64_t>(static_cast<double>(read_) / seconds)));
  if (dead_ > 0) line += fmt::format(", {} dead", with_commas(dead_));
  for (const auto& [unit, words] : trouble_) line += fmt::format(" - {}", words);
  *out_ << "\r\x1b[K" << line.substr(0, 160) << std::flush;
  has_line_ = true;
}

}  // namespace piperun::cli
