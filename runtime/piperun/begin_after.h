// `--after NAME`: a pipeline that has nothing stored yet begins where the run of `--as NAME` ended, so that each record is read by one
// of both.
#pragma once
#include <map>
#include <optional>
#include <stop_token>
#include <string>

#include "runtime/connectors/connectors.h"
#include "runtime/engine/options.h"
#include "runtime/piperun/compile.h"

namespace piperun::cli {

// What `--after` is about.
struct After {
  std::string run;  // NAME
  std::string path;  // of the FILE
  std::string state_dir;
};

struct Beginnings {
  std::map<std::string, engine::Beginning> units;
  std::optional<Exit> refused;  // the FILE cannot follow any run; said already
};

// Of each unit that has nothing stored yet, resolved once for all its partitions. Units that go on from positions of their own have
// none, which is told. Blocks while a member of that run may still be seen at work, until `stop` is asked for.
base::Result<Beginnings> begin_after(const After& after, const Compiled& live, const CompileOptions& options,
                                     connectors::Connectors& connectors, std::stop_token stop, World& world);

}  // namespace piperun::cli
