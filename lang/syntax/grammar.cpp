// The one place where the grammar is instantiated.
#include "lang/syntax/items.h"
#include "lang/syntax/tree.h"

namespace piperun::syntax {

namespace {

Reading finish(rules::State&& state) { return std::move(state.result); }

}  // namespace

Reading read_file(std::string_view text) {
  rules::Input in(text.data(), text.data() + text.size(), "");
  rules::State state;
  (void)rules::attempt<rules::file>(in, state);  // reports, never fails
  return finish(std::move(state));
}

Reading read_expression(std::string_view text) {
  rules::Input in(text.data(), text.data() + text.size(), "");
  rules::State state;
  try {
    (void)rules::attempt<rules::lone_expression>(in, state);
  } catch (const rules::Thrown& thrown) { state.result.mistakes.push_back(thrown.mistake); }
  return finish(std::move(state));
}

}  // namespace piperun::syntax
