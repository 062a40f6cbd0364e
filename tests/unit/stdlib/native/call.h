// Calls a native as a program would: with the types that its declaration in the .pipe module gives.
#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lang/value/type.h"

namespace piperun::native {

struct Signature {
  std::vector<value::TypeId> parameters;
  value::TypeId result;
  bool is_fallible = false;  // `-> T!`
};

// Of `intrinsic fn` in the module: "text.upper"; nullopt if it is not declared.
std::optional<Signature> declared(value::TypeTable& types, std::string_view name);

// Names of all intrinsics that the modules declare.
std::vector<std::string> all_declared();

// Arguments as text: strings and bytes as they are, everything else as JSON would write it (times without quotes).
// The result as interpolation writes it, or the name of the fault.
std::string call(std::string_view name, std::initializer_list<std::string_view> arguments);

}  // namespace piperun::native
