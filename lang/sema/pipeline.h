// The pipeline's own options, and what it and its flows do `on error`.
#pragma once
#include <optional>

#include "lang/sema/options.h"
#include "lang/sema/sinks.h"

namespace piperun::sema {

class PipelineReader {
 public:
  PipelineReader(Context& context, OptionReader& options, Sinks& sinks) : context_(context), options_(options), sinks_(sinks) {}

  void read();         // the first of all: what others mean depends on what is promised
  void read_policy();  // of the pipeline, behind the declarations of sinks

  // Changes what the block says, and leaves the rest of the policy.
  void read_policy(const std::optional<ast::OnError>& on_error, ErrorPolicy& policy);

 private:
  void read_options(const ast::Declaration& it, const ast::PipelineDecl& declaration);
  void read_dead_letter(const OptionValue& value, ErrorPolicy& policy);

  Context& context_;
  OptionReader& options_;
  Sinks& sinks_;
};

}  // namespace piperun::sema
