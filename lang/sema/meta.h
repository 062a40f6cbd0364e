// The hidden columns of a record as it was read: `meta.key`, `meta.offset`, …
#pragma once
#include <span>
#include <string_view>

#include "lang/sema/facts.h"

namespace piperun::sema {

struct MetaColumn {
  Meta meta;
  std::string_view name;  // behind `meta.`
};
std::span<const MetaColumn> meta_columns();

value::TypeId meta_type(Meta meta, value::TypeTable& types);

}  // namespace piperun::sema
