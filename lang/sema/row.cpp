#include "lang/sema/row.h"

#include <algorithm>
#include <numeric>

namespace piperun::sema {

int Columns::index_of(std::string_view name) const {
  const auto name_of = [&](std::uint32_t place) -> std::string_view { return list_[place].name; };
  if (by_name_.size() != list_.size()) {
    by_name_.resize(list_.size());
    std::iota(by_name_.begin(), by_name_.end(), 0U);
    std::ranges::stable_sort(by_name_, {}, name_of);
  }
  const auto found = std::ranges::lower_bound(by_name_, name, {}, name_of);
  return found == by_name_.end() || name_of(*found) != name ? -1 : static_cast<int>(*found);
}

void Columns::erase(const std::set<std::string>& names) {
  std::erase_if(list_, [&](const Column& column) { return names.contains(column.name); });
  by_name_.clear();
}

}  // namespace piperun::sema
