#include "runtime/piperun/stop_report.h"

#include <fmt/ostream.h>

namespace piperun::cli {
namespace {

const char* what_is_given_up(ir::Delivery delivery) {
  switch (delivery) {
    case ir::Delivery::AtMostOnce:
      return "What was read and not written is lost, as at_most_once allows; the next start counts it as unknown.";
    case ir::Delivery::AtLeastOnce: return "Nothing is lost: what was not committed is done again by the next start.";
    case ir::Delivery::ExactlyOnce: return "Nothing is lost or repeated: what was not committed is done by the next start.";
  }
  return "";
}

}  // namespace

engine::Verdict StopReport::after(const ir::Unit& unit, const ir::Step& step) {
  {
    const std::lock_guard lock(mutex_);
    last_[unit.name] = {step, {}};
    has_begun_ = true;
  }
  return next_.after(unit, step);
}

void StopReport::retrying(const ir::Unit& unit, const base::Error& error, int attempt, std::int64_t wait, bool paused) {
  {
    const std::lock_guard lock(mutex_);
    last_[unit.name].trouble = fmt::format("tries again (attempt {}): {}", attempt, error.message);
  }
  next_.retrying(unit, error, attempt, wait, paused);
}

void StopReport::recovered(const ir::Unit& unit) {
  {
    const std::lock_guard lock(mutex_);
    last_[unit.name].trouble.clear();
  }
  next_.recovered(unit);
}

bool StopReport::has_begun() {
  const std::lock_guard lock(mutex_);
  return has_begun_;
}

void StopReport::print(std::ostream& out, std::int64_t seconds) {
  const std::lock_guard lock(mutex_);
  fmt::print(out, "not stopped in good order within {} s: a system does not answer\n", seconds);
  for (const ir::Unit& unit : program_.units) {
    const auto found = last_.find(unit.name);
    if (found == last_.end()) fmt::print(out, "  {} has not begun\n", unit.name);
    else if (!found->second.trouble.empty()) fmt::print(out, "  {} {}\n", unit.name, found->second.trouble);
    else
      fmt::print(out, "  {}: the last step that was done is `{}`\n", unit.name,
                 ir::step_name(found->second.step, program_.sinks));
  }
  fmt::print(out, "{}\n", has_begun_ ? what_is_given_up(program_.delivery) : "Nothing was read yet.");
  out.flush();
}

}  // namespace piperun::cli
