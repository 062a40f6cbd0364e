// From a .pipe file to a program that can run: parse, analyze, lower, cut, prove. The one way that all commands take.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lang/diag/render.h"
#include "lang/diag/report.h"
#include "lang/ir/program.h"
#include "lang/plan/places.h"
#include "lang/prove/prove.h"
#include "lang/sema/analyze.h"
#include "lang/source/source.h"
#include "runtime/base/result.h"
#include "runtime/engine/options.h"
#include "runtime/piperun/command.h"
#include "runtime/piperun/range.h"

namespace piperun::cli {

constexpr std::size_t kMostFileBytes = 16U << 20;  // of a program or a test: a device that never ends is none

struct CompileOptions {
  bool local = false;
  bool run = false;                           // about to run: env() must be set
  std::map<std::string, std::string> params;
  std::optional<ir::Delivery> delivery;       // --delivery: only under `local`
  using Range = cli::Range;
  std::optional<Range> range;                 // --as
  bool optimized = true;                      // false: stages stay as written, for `explain`
  std::string folder;                         // put before paths when they are read from the disk; "": none
  std::map<std::string, std::string> files;   // virtual files, by path; looked at before the disk
  std::function<std::optional<std::string>(const std::string&)> environment;
};

// All phases' results. Movable: the parts refer to each other by id, and to `sources`, which is stable.
struct Compiled {
  std::unique_ptr<source::SourceMap> sources = std::make_unique<source::SourceMap>();
  diag::Report report;
  sema::Program files;
  sema::Facts facts;
  std::optional<ir::Program> program;  // none: the report has errors
  plan::Places places;
  std::vector<prove::Proof> proofs;    // one per unit
  std::vector<std::string> manifests;  // one per unit

  bool ok() const { return program.has_value(); }
};

// Never fails otherwise than by the report; a file that cannot be read is an error of the world.
base::Result<Compiled> compile_file(const std::string& path, const CompileOptions& options);

// From --local, --param and --as with its bounds. What is wrong with them is told as an error.
std::expected<CompileOptions, std::string> compile_options(const Arguments& arguments, const World& world);

// Compiles as the arguments say and prints what there is to say. An exit code if there is no program.
std::expected<Compiled, Exit> compile_or_tell(const std::string& path, const CompileOptions& options, World& world);

// What the engine needs beside the program.
engine::Options engine_options(const Compiled& compiled);

Exit exit_of(const base::Error& error);
Exit tell(const base::Error& error, World& world, const std::vector<std::string>& helps = {});  // prints it; returns exit_of it

}  // namespace piperun::cli
