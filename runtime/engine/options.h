// How a program is to be run; what no .pipe file says.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lang/ir/program.h"
#include "lang/value/native.h"
#include "runtime/base/clock.h"
#include "runtime/commit/domain.h"
#include "runtime/connectors/connectors.h"
#include "runtime/expr/row_function.h"

namespace piperun::engine {

// What an observer wants of the engine.
enum class Verdict : std::uint8_t {
  GoOn,
  Crash,  // stop here at once, as if the process were killed: nothing more is done, the transaction is gone
};

// Hears of every step after it was done. Progress, fault injection and tests are observers. Called by the executor thread.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual Verdict after(const ir::Unit& unit, const ir::Step& step) {
    (void)unit, (void)step;
    return Verdict::GoOn;
  }
  // A batch was committed.
  virtual void committed(const ir::Unit& unit, const commit::Counts& batch) { (void)unit, (void)batch; }
  // A system fails; the unit tries again in `wait` microseconds. `paused`: all attempts are used up, from now on it probes.
  virtual void retrying(const ir::Unit& unit, const base::Error& error, int attempt, std::int64_t wait, bool paused) {
    (void)unit, (void)error, (void)attempt, (void)wait, (void)paused;
  }
};

// What an upgrade means. Decided by plan; passed in, because the engine does not know plan.
struct UpgradeDecision {
  enum class Kind : std::uint8_t {
    New,         // nothing is stored of it
    Equal,
    Compatible,  // the same positions, a new manifest
    Moved,       // it takes over what is stored of the unit `from`, which is gone
    Refused,
  };
  struct StageMove {
    std::string from, to;  // `to` empty: the keys are forgotten
  };
  Kind kind = Kind::New;
  std::string reason;         // for Refused: code, what changed, and the ways out
  std::string from;           // for Moved
  std::string left_behind;    // for Moved: the manifest of `from` from then on
  std::vector<StageMove> keys;  // of stages whose keys do not stay as they are; for Moved: of all stages of `from`
};
struct UpgradePlan {
  std::vector<UpgradeDecision> units;  // one per manifest of now
  std::vector<std::string> retired;    // units of which all that is stored has been taken over
};
using CompareManifests =
    std::function<UpgradePlan(const std::vector<commit::Manifest>& stored, const std::vector<std::string>& now)>;

// The process environment: NAME, or the text of the file that NAME_FILE names without its last newline.
std::optional<std::string> secret_from_environment(const std::string& name);

struct Options {
  bool drain = false;        // stop when the input is used up
  std::uint32_t workers = 1; // per unit
  bool inline_intake = false;  // no intake thread: for tests that must be deterministic
  std::vector<std::string> manifests;  // one per unit, JSON
  CompareManifests compare;
  std::vector<value::NativeFn> natives;  // one per Program::natives
  std::function<std::optional<std::string>(const std::string&)> secret = secret_from_environment;
};

}  // namespace piperun::engine
