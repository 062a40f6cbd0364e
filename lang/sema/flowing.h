// A record on its way through a flow: what is known of it between two stages.
#pragma once
#include <map>
#include <set>
#include <string>

#include "lang/sema/expressions.h"

namespace piperun::sema {

struct Flowing {
  RowSchema row;
  bool is_known = true;              // false behind a mistake
  bool is_ended = false;             // behind `route`
  bool has_output = false;           // some of it goes to a sink
  std::set<std::string> present;     // paths known not to be null
  std::map<std::string, Span> lost;  // fields that are gone, and the stage that left them behind

  // What expressions of the next stage can name. Valid as long as this is, and follows its changes except in `present`.
  Scope scope() const { return {.row = &row, .is_row_known = is_known, .lost = &lost, .present = present}; }

  void forget(const std::string& path);  // whatever was known of it and of what is in it
  void lose(std::string name, Span where);
  void lose_meta(Span where);
};

}  // namespace piperun::sema
