// What all parts of lowering share: the checked program that is read, and the one that grows.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "lang/ir/builder.h"
#include "lang/ir/program.h"
#include "lang/sema/analyze.h"

namespace piperun::plan {

struct LowerContext {
  const sema::Program& files;
  const sema::Facts& facts;
  const source::SourceMap& sources;
  ir::Program& program;
  std::uint32_t frames = 0;  // calls of declared functions so far: each has arguments of its own

  value::TypeTable& types() { return program.types; }
  const value::Type& type(value::TypeId id) const { return program.types[id]; }
  ir::Site site(source::Span span) const;

  // With all that it points at copied into the program's memory.
  ir::Constant constant(const sema::Constant& constant);
  ir::Constant constant(std::string_view text);
  ir::Constant constant(bool value);
  ir::Constant zero(value::TypeId type);  // null if it may be, else 0, "", an empty list, a record of zeros

  // Index into Program::natives of the function with these types, which is added if it is new.
  std::uint32_t native(std::string_view name, const std::vector<value::TypeId>& arguments, value::TypeId result);
};

}  // namespace piperun::plan
