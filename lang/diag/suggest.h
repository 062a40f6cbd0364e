// "Did you mean": the nearest of the names that would have been right.
#pragma once
#include <cstddef>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>

namespace piperun::diag {

// Edits (insert, delete, replace, swap of neighbours) that turn one into the other; over bytes, upper and lower case are the same.
std::size_t edit_distance(std::string_view a, std::string_view b);

// How far a suggestion may be from `word`: max(1, length / 3) edits.
std::size_t suggestion_reach(std::string_view word);

// The nearest candidate within reach; the first of equals. A candidate that shares nothing with `word`, or is `word`, is none.
// Candidates: any range of strings or string views.
template <std::ranges::input_range Candidates>
std::optional<std::string> suggest(std::string_view word, const Candidates& candidates) {
  std::optional<std::string> nearest;
  std::size_t best = suggestion_reach(word) + 1;
  for (const auto& each : candidates) {
    const std::string_view candidate(each);
    if (candidate == word) continue;
    const std::size_t distance = edit_distance(word, candidate);
    if (distance >= best || distance >= word.size()) continue;
    best = distance;
    nearest = std::string(candidate);
  }
  return nearest;
}

}  // namespace piperun::diag
