// The hidden columns of a record as it was read: `meta.key`, `meta.offset`, …
#pragma once
#include <span>
#include <string_view>

#include "lang/sema/facts.h"

namespace piperun::sema {

struct MetaColumn {
  Meta meta;
  std::string_view name;  // behind `meta.`
  std::string_view type;  // as text
  std::string_view doc;
};
std::span<const MetaColumn> meta_columns();

}  // namespace piperun::sema
