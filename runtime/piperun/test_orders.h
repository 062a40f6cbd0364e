// Follows the input of a test line by line: records, and orders to the engine and its world. Between two orders the engine runs until
// the input is used up.
#pragma once
#include <optional>
#include <vector>

#include "lang/plan/manifest.h"
#include "runtime/base/clock.h"
#include "runtime/engine/engine.h"
#include "runtime/piperun/test_program.h"
#include "runtime/piperun/test_world.h"

namespace piperun::cli {

class TestOrders {
 public:
  // All outlive it. `program` is compiled.
  TestOrders(const TestFile& file, const TestCase& test, TestProgram& program);

  // All lines, and then what they left undone. A run that ended with an error is no problem if the test expects one.
  Problem follow_all();

  const std::vector<engine::UnitLedger>& ledgers() const { return ledgers_; }  // of the last run
  std::optional<std::string> error() const;  // `P2013: …`: why the last run ended

 private:
  Problem follow(const InputLine& line);
  Problem check_step(const std::string& wanted) const;
  Problem make_topics(const std::vector<InputLine>& input);
  Problem append(const InputLine& line);
  Problem flush();
  Problem run_engine();
  Problem ask_replays();
  Problem check_faults() const;

  const TestFile& file_;
  const TestCase& test_;
  TestProgram& program_;
  base::VirtualClock clock_;
  Faults faults_;
  plan::Upgrade upgrade_ = plan::Upgrade::None;
  std::int64_t time_shift_ = 0;  // of record times against the clock, microseconds
  bool waiting_ = false, has_run_ = false;
  std::vector<engine::UnitLedger> ledgers_;
  std::optional<base::Error> failed_;
};

}  // namespace piperun::cli
