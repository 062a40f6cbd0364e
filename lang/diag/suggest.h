// "Did you mean": the nearest of the names that would have been right.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace piperun::diag {

// Edits (insert, delete, replace, swap of neighbours) that turn one into the other; bytes, case counts.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The nearest candidate within max(1, length of word / 3) edits; the first of equals. A difference in case alone always counts as near.
std::optional<std::string> suggest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace piperun::diag
