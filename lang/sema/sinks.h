// Sinks: one schema from all that flows in, the columns that their options name, and the expressions of their options.
#pragma once
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "lang/sema/flowing.h"

namespace piperun::sema {

class Sinks {
 public:
  Sinks(Context& context, Expressions& expressions) : context_(context), expressions_(expressions) {}

  // The sink that a stage or an option names, which is used then; nullopt: reported.
  std::optional<SinkId> find(const ast::Name& name, const std::vector<std::string>& words = {});  // `words`: might be meant, too

  void feed(SinkId id, const Flowing& flowing, Span where);  // what flows into it at a `to`
  void feed_dead_letters(SinkId id, Span where);

  // Checks what only the whole schema of a sink can tell: behind all flows.
  void finish();

 private:
  struct Inflow {
    Span where;  // of the `to`
    bool is_keyed = false;
  };
  void join_schema(SinkFact& sink, const RowSchema& row, Span first, Span where);
  void check_afters();
  void finish(SinkId id, SinkFact& sink);
  void read_version(SinkId id, SinkFact& sink);
  void check_deletes(SinkId id, const SinkFact& sink);
  void check_format(const SinkFact& sink);
  std::vector<int> columns(SinkId id, const SinkFact& sink, std::string_view option);
  void unknown_column(SinkId id, const SinkFact& sink, const OptionValue& option, const std::string& name);
  bool may_be_key_column(const Column& column, Span named_at);
  void read_expressions(SinkFact& sink);

  Context& context_;
  Expressions& expressions_;
  std::map<SinkId, std::vector<Inflow>> inflows_;  // whose schema is known
  std::map<SinkId, Span> dead_letters_;  // where the first policy names it
};

}  // namespace piperun::sema
