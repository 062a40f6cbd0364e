// `match(variant, lambdas…)`: one lambda per alternative; the compiler names the alternative that was forgotten.
#pragma once
#include <utility>
#include <variant>

namespace piperun::ast {

template <typename... Lambdas>
struct Overloaded : Lambdas... {
  using Lambdas::operator()...;
};

template <typename Variant, typename... Lambdas>
decltype(auto) match(Variant&& variant, Lambdas&&... lambdas) {
  return std::visit(Overloaded<std::decay_t<Lambdas>...>{std::forward<Lambdas>(lambdas)...}, std::forward<Variant>(variant));
}

}  // namespace piperun::ast
