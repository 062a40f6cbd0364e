// The modules of the standard library, as text within the binary: what `use std.NAME` reads.
#pragma once
#include <optional>
#include <span>
#include <string_view>

namespace piperun::stdlib {

struct Module {
  std::string_view name;  // "text", of `use std.text`
  std::string_view text;  // the file stdlib/text.pipe
};

std::span<const Module> modules();  // by name

// The text of a module, or nullopt if there is none of this name.
std::optional<std::string_view> module(std::string_view name);

}  // namespace piperun::stdlib
