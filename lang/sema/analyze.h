// The front door of semantic analysis: reads the modules a program uses, and finds out what everything in it means.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lang/ast/ast.h"
#include "lang/diag/report.h"
#include "lang/sema/facts.h"
#include "lang/source/source.h"

namespace piperun::sema {

// Where the texts of modules come from.
class ModuleLoader {
 public:
  virtual ~ModuleLoader() = default;
  virtual std::optional<std::string> standard(std::string_view name) = 0;  // "text" of `use std.text`
  virtual std::optional<std::string> file(const std::string& path) = 0;    // already relative to the working directory
  virtual std::vector<std::string> standard_names() = 0;                   // for suggestions
};

struct LoadedModule {
  ast::Module module;
  std::string name;                                // "" of the main file; `text` of std.text, path of a local file
  bool is_standard = false;
  std::map<std::string, std::uint32_t> uses;       // name it has here → index of the module
};

// All files of a program; [0] is the main one. A module comes before those that it uses; each is there once.
struct Program {
  ast::Pool pool;
  std::vector<LoadedModule> modules;
};

// Parses the main file and, transitively, what it uses. Cycles and missing modules are reported.
Program load(source::FileId main, ModuleLoader& loader, source::SourceMap& sources, diag::Report& report);

struct Options {
  bool local = false;                              // --local: servers are replaced, so kafka and postgres are there
  bool run = false;                                // about to run: env() must be set
  std::map<std::string, std::string> params;       // --param and PIPE_PARAM_
  std::function<std::optional<std::string>(const std::string&)> environment;  // none: every variable is unset
};

Facts analyze(const Program& program, const Options& options, const source::SourceMap& sources, diag::Report& report);

}  // namespace piperun::sema
