// Of members with the same name the first counts.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace piperun::record {

// Indices of the members whose name did not come before, ascending. `name(i)` is the i-th of `count` names.
template <typename Name>
std::vector<std::uint32_t> first_of_each_name(std::size_t count, Name name) {
  std::vector<std::uint32_t> order(count);
  for (std::size_t i = 0; i < count; ++i) order[i] = static_cast<std::uint32_t>(i);
  std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
    const std::string_view left = name(a), right = name(b);
    return left != right ? left < right : a < b;
  });
  const auto repeats = std::ranges::unique(order, [&](std::uint32_t a, std::uint32_t b) { return name(a) == name(b); });
  order.erase(repeats.begin(), repeats.end());
  std::ranges::sort(order);
  return order;
}

// Whether any two are the same; quick for the usual few.
template <typename Name>
bool has_repeated_name(std::size_t count, Name name) {
  if (count > 24) return first_of_each_name(count, name).size() != count;
  for (std::size_t i = 1; i < count; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (name(i) == name(j)) return true;
    }
  }
  return false;
}

}  // namespace piperun::record
