// The bodies of the standard library's intrinsic functions, by name. The .pipe modules declare their signatures.
#pragma once
#include <span>
#include <string_view>

#include "lang/value/native.h"

namespace piperun::native {

// One table per module file; together they are all natives.
std::span<const value::Native> text_functions();
std::span<const value::Native> regex_functions();
std::span<const value::Native> math_functions();
std::span<const value::Native> time_functions();
std::span<const value::Native> zone_functions();
std::span<const value::Native> json_functions();
std::span<const value::Native> hash_functions();
std::span<const value::Native> bytes_functions();
std::span<const value::Native> url_functions();
std::span<const value::Native> stable_functions();
std::span<const value::Native> convert_functions();

// By name, "text.upper"; null if there is none.
const value::Native* find(std::string_view name);

// All of them, one table after the other.
std::span<const std::span<const value::Native>> tables();

}  // namespace piperun::native
