#include "runtime/piperun/at_work.h"

#include <fmt/ostream.h>

#include <chrono>
#include <thread>

#include "runtime/piperun/bounds.h"

namespace piperun::cli {
namespace {

constexpr std::chrono::seconds kLongestSession{9};  // the engine's members are given up after 6 s
constexpr std::chrono::milliseconds kPause{250};

}  // namespace

base::Result<void> wait_until_idle(const StoreSet& set, const StoredUnit& unit, commit::Domain& domain, World& world,
                                   const std::stop_token& stop) {
  if (!unit.store->path.empty()) return {};
  std::string told;
  for (const auto begun = std::chrono::steady_clock::now();; std::this_thread::sleep_for(kPause)) {
    const auto members = members_of(set, unit.ledger.unit);
    if (!members) return std::unexpected(members.error());
    if (members->empty()) return domain.check_idle();
    if (std::chrono::steady_clock::now() - begun > kLongestSession) {
      return base::failure(base::ErrorCode::LostOwnership, fmt::format("the unit {} of {} is at work ({}): stop it first",
                                                                       unit.ledger.unit, unit.ledger.pipeline, *members));
    }
    if (stop.stop_requested())
      return base::failure(base::ErrorCode::SystemUnavailable, fmt::format("stopped while it waited for {}", *members));
    if (told.empty()) {
      told = *members;
      fmt::print(world.err, "waiting for {}: a process that was stopped is a member of the group for 6 s more\n", told);
    }
  }
}

}  // namespace piperun::cli
