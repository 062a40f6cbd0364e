#include "lang/sema/meta.h"

namespace piperun::sema {

std::span<const MetaColumn> meta_columns() {
  static constexpr MetaColumn columns[] = {
      {Meta::Key, "key"},     {Meta::Headers, "headers"},     {Meta::Timestamp, "timestamp"},
      {Meta::Topic, "topic"}, {Meta::Partition, "partition"}, {Meta::Offset, "offset"},
  };
  return columns;
}

value::TypeId meta_type(Meta meta, value::TypeTable& types) {
  using value::TypeKind;
  switch (meta) {
    case Meta::Key: return types.with_null(types.scalar(TypeKind::String));  // a record may have none
    case Meta::Headers: return types.map(types.scalar(TypeKind::String));
    case Meta::Timestamp: return types.scalar(TypeKind::Timestamp);
    case Meta::Topic: return types.scalar(TypeKind::String);
    case Meta::Partition:
    case Meta::Offset: break;
  }
  return types.scalar(TypeKind::Int);
}

}  // namespace piperun::sema
