// Time is injected, so that tests move it by hand.
#pragma once
#include <atomic>
#include <cstdint>

namespace piperun::base {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t now() = 0;                       // microseconds since 1970-01-01T00:00:00Z
  virtual std::int64_t monotonic() = 0;                 // microseconds since some beginning
  virtual void sleep(std::int64_t microseconds) = 0;    // a virtual clock moves instead of waiting
};

// The machine's clocks. Any thread.
class SystemClock final : public Clock {
 public:
  std::int64_t now() override;
  std::int64_t monotonic() override;
  void sleep(std::int64_t microseconds) override;
};

// Stands still unless somebody moves it; `sleep` moves it too and returns at once. Any thread.
class VirtualClock final : public Clock {
 public:
  explicit VirtualClock(std::int64_t now) : now_(now) {}
  std::int64_t now() override { return now_; }
  std::int64_t monotonic() override { return passed_; }
  void sleep(std::int64_t microseconds) override { advance(microseconds); }

  void advance(std::int64_t microseconds);  // not backwards: a negative span is none
  void set(std::int64_t now) { now_ = now; }  // the time of day alone; `monotonic` goes on

 private:
  std::atomic<std::int64_t> now_;
  std::atomic<std::int64_t> passed_ = 0;
};

}  // namespace piperun::base
