// Stages: what each does to the record that flows through it.
#pragma once
#include "lang/sema/field_stages.h"
#include "lang/sema/sinks.h"

namespace piperun::sema {

class Stages {
 public:
  Stages(Context& context, TypeReader& types, Expressions& expressions, Sinks& sinks)
      : context_(context), expressions_(expressions), sinks_(sinks), fields_(context, types, expressions) {}

  // Any stage but `from`; `flowing` is then what is known behind it.
  StageDetail read(const ast::Stage& stage, Flowing& flowing);

 private:
  StageDetail filter(const ast::FilterStage& filter, Flowing& flowing);
  StageDetail flatten(const ast::FlattenStage& flatten, Flowing& flowing);
  StageDetail dedup(const ast::DedupStage& dedup, const ast::Stage& stage, Flowing& flowing);
  StageDetail enrich(const ast::EnrichStage& enrich, Flowing& flowing);
  StageDetail key_by(const ast::KeyStage& key, Flowing& flowing);
  StageDetail delete_when(const ast::DeleteStage& remove, Flowing& flowing);
  StageDetail route(const ast::RouteStage& route, Flowing& flowing);
  StageDetail to(const ast::ToStage& to, Flowing& flowing);
  StageDetail not_yet(std::string_view feature, const ast::Stage& stage, Flowing& flowing);

  Context& context_;
  Expressions& expressions_;
  Sinks& sinks_;
  FieldStages fields_;
};

}  // namespace piperun::sema
