// Columns that no user names: by these names lowering asks for what is known of a record beside its fields, and the runtime fills it in
// (what each holds: Input in dataflow.h).
#pragma once
#include <string_view>

namespace piperun::ir {

inline constexpr std::string_view kTimeColumn = "#time";
inline constexpr std::string_view kExtraColumn = "#extra";
inline constexpr std::string_view kDeleteColumn = "#delete";
inline constexpr std::string_view kMetaColumns = "#meta.";  // `#meta.key`, …

}  // namespace piperun::ir
