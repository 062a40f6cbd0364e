// Fields that stages name: `address.city`, and those that are keys.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "lang/sema/flowing.h"

namespace piperun::sema {

// Nullopt: there is no such field, which was reported unless the record is unknown.
std::optional<ColumnPath> find_path(Context& context, const ast::Path& written, const Flowing& flowing);

// Those of the paths that can be keys; `what` they are for is part of the messages: "a key of `dedup`".
std::vector<ColumnPath> find_keys(Context& context, const std::vector<ast::Path>& paths, const Flowing& flowing,
                                  std::string_view what);

}  // namespace piperun::sema
