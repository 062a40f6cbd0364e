#include "lang/sema/flowing.h"

namespace piperun::sema {

void Flowing::forget(const std::string& path) {
  present.erase(path);
  present.erase(present.lower_bound(path + '.'), present.lower_bound(path + static_cast<char>('.' + 1)));
}

void Flowing::lose(std::string name, Span where) {
  forget(name);
  lost[std::move(name)] = where;
}

void Flowing::lose_meta(Span where) {
  if (row.has_meta) lose("meta", where);
  row.has_meta = false;
}

}  // namespace piperun::sema
