#include "runtime/connectors/postgres/lease_group.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "runtime/base/steady_now.h"

namespace piperun::postgres {

using base::Result;
using base::steady_now;

namespace {

constexpr std::int64_t kPollEvery = 10'000, kAskEvery = 250'000, kTellEvery = 1'000'000;  // microseconds
// Longer than the server lets a silent holder have the lock: after that, whoever has it is alive.
constexpr std::int64_t kSurelyHeld = 12'000'000;
constexpr std::int64_t kAnswerWithin = 5'000'000;

constexpr const char* kAsk = R"sql(
SELECT pg_try_advisory_lock(hashtextextended($1, 0)), pg_backend_pid(),
  (SELECT set_config('idle_session_timeout', '10s', false) WHERE current_setting('server_version_num')::int8 >= 140000))sql";

// A holder says something each second. Of other users' sessions this user may not see when.
constexpr const char* kLiveHolder = R"sql(
SELECT EXISTS (
  SELECT 1 FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
  WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND a.datname = current_database()
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    AND (l.classid::int8 << 32 | l.objid::int8) = hashtextextended($1, 0)
    AND a.state_change > clock_timestamp() - interval '3 s'))sql";

}  // namespace

Result<std::unique_ptr<LeaseGroup>> LeaseGroup::open(PostgresSettings settings, const std::string& pipeline,
                                                     const std::string& unit, connectors::RelayedSources sources) {
  if (settings.purpose.empty()) settings.purpose = unit;
  settings.statement_timeout = kAnswerWithin;
  auto session = Session::open(std::move(settings));
  if (!session) return std::unexpected(session.error());
  std::unique_ptr<LeaseGroup> group(
      new LeaseGroup(std::move(*session), fmt::format("piperun {} {}", pipeline, unit), std::move(sources)));
  group->asking_since_ = steady_now();
  return group;
}

Result<LeaseGroup::Polled> LeaseGroup::poll(std::int64_t wait, bool take_records, std::size_t max_records,
                                            std::size_t max_bytes) {
  for (const std::int64_t until = steady_now() + wait;;) {
    if (steady_now() >= ask_at_ && !(is_waiting_ && standing_ != Standing::Holding)) {
      const auto change = ask();
      ask_at_ = steady_now() + (standing_ == Standing::Holding ? kTellEvery : kAskEvery);
      if (!change) return std::unexpected(change.error());
      if (*change != Change::None) return told(*change);
    }
    if (take_records && standing_ == Standing::Holding && !is_waiting_) {
      auto slab = sources_.take(max_records, max_bytes);
      if (!slab) return std::unexpected(slab.error());
      if (*slab) return Polled{Change::None, {}, std::move(*slab)};
    }
    const std::int64_t left = until - steady_now();
    if (left <= 0) return Polled{};
    std::this_thread::sleep_for(std::chrono::microseconds(std::min(left, kPollEvery)));
  }
}

Result<LeaseGroup::Change> LeaseGroup::ask() {
  if (standing_ == Standing::Holding) {
    if (still_holds()) return Change::None;
    standing_ = Standing::Asking;
    asking_since_ = steady_now();
    return Change::Lost;
  }
  const auto answer = session_->query(kAsk, Parameters().text(name_));
  if (!answer) return std::unexpected(answer.error());
  if (answer->boolean(0, 0)) {
    backend_ = static_cast<int>(answer->integer(0, 1));
    standing_ = Standing::Holding;
    return Change::Assigned;
  }
  if (standing_ == Standing::StandingBy) return Change::None;
  const auto is_held = has_live_holder();
  if (!is_held) return std::unexpected(is_held.error());
  if (!*is_held && steady_now() - asking_since_ < kSurelyHeld) return Change::None;
  standing_ = Standing::StandingBy;
  return Change::Assigned;  // of nothing
}

Result<bool> LeaseGroup::has_live_holder() {
  const auto found = session_->query(kLiveHolder, Parameters().text(name_));
  if (!found) return std::unexpected(found.error());
  return found->boolean(0, 0);
}

// An outage counts as a loss: who cannot be heard may have a successor.
bool LeaseGroup::still_holds() {
  const auto heard = session_->query("SELECT pg_backend_pid()");
  return heard && heard->integer(0, 0) == backend_;
}

LeaseGroup::Polled LeaseGroup::told(Change change) {
  is_waiting_ = true;
  Polled result;
  result.change = change;
  const bool has_all = change == Change::Lost || standing_ == Standing::Holding;
  const std::vector<std::string> names = has_all ? sources_.names() : std::vector<std::string>{};
  for (const std::string& name : names) result.partitions.push_back({name, 0});
  if (change == Change::Assigned) sources_.assign(names);
  else sources_.hold();
  return result;
}

// Of an assignment that was lost meanwhile nothing is read: the loss is answered by let_go().
Result<void> LeaseGroup::read_from(std::span<const connectors::StartAt> partitions) {
  if (is_waiting_ && standing_ == Standing::Asking) return {};
  is_waiting_ = false;
  sources_.start(partitions);
  return {};
}

Result<void> LeaseGroup::let_go() {
  is_waiting_ = false;
  sources_.assign({});
  return {};
}

Result<bool> LeaseGroup::is_at_end() {
  if (is_waiting_ || standing_ == Standing::Asking) return false;
  return sources_.is_at_end();
}

}  // namespace piperun::postgres
