// What a kill does to a record, per step of the batch: the table that `explain` prints.
#pragma once
#include <string>
#include <vector>

#include "lang/ir/program.h"

namespace piperun::prove {

// How often a record takes effect. Two numbers where a kill decides: what was queued then was sent or not.
struct Effects {
  int least = 0;
  int most = 0;  // 2 stands for "more than once"
  friend bool operator==(const Effects&, const Effects&) = default;
};
// "lost", "once", "once or lost", "once or twice", …
std::string words(const Effects& effects);

// What a kill right behind a step of `batch` does to the record that is being processed.
struct CrashRow {
  std::string step;
  bool position_moved = false;  // what is stored then says: this batch is done
  std::vector<Effects> visible, finally;  // per sink: effects right behind the kill, and when all is done after a restart
};
std::vector<CrashRow> crash_table(const ir::Program& program, const ir::Unit& unit);

}  // namespace piperun::prove
