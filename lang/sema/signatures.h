// Signatures of the catalog's functions as data, and which of them a call means.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "lang/sema/types.h"

namespace piperun::sema {

struct Signature {
  std::vector<std::string_view> parameters;  // as text: `string`, `list<T>`, `decimal`, `secret`, `number`
  std::string_view result;
  bool can_fail = false;
};
Signature read_signature(std::string_view text);

// What `T` and `decimal` stand for in one call.
struct Bindings {
  TypeId any;       // T; Error: not bound yet
  TypeId decimal;   // the first decimal argument's
};

// The type that an argument of this type becomes for this parameter; nullopt: it does not fit. `exact`: without conversion.
std::optional<TypeId> match_parameter(Context& context, std::string_view parameter, TypeId argument, Bindings& bindings,
                                      bool exact);
TypeId result_type(Context& context, std::string_view result, const Bindings& bindings);

}  // namespace piperun::sema
