#include "lang/sema/pipeline.h"

#include <fmt/format.h>

#include <algorithm>

namespace piperun::sema {

void PipelineReader::read() {
  const ast::Declaration* first = nullptr;
  bool has_flows = false, is_faulty = false;
  for (const ast::Declaration& it : context_.program.modules[0].module.declarations) {
    has_flows |= std::holds_alternative<ast::FlowDecl>(it.node);
    is_faulty |= std::holds_alternative<ast::ErrorDecl>(it.node) && context_.sources.text(it.keyword) == "pipeline";
    const auto* declaration = std::get_if<ast::PipelineDecl>(&it.node);
    if (declaration == nullptr) continue;
    if (first != nullptr) {
      context_.error(Code::P0403, it.name.span, "a file has one pipeline").secondary(first->name.span, "the first one");
      continue;
    }
    first = &it;
    read_options(it, *declaration);
  }
  if (first == nullptr && has_flows && !is_faulty) {
    const Span start{context_.program.modules[0].module.file, 0, 0};
    context_.error(Code::P0402, start, "the file has flows, but no `pipeline`")
        .help("say what is promised: `pipeline NAME { delivery = exactly_once }`");
  }
}

void PipelineReader::read_options(const ast::Declaration& it, const ast::PipelineDecl& declaration) {
  PipelineFact& fact = context_.facts.pipeline;
  fact.name = fact.id = it.name.text;
  fact.where = fact.delivery_span = it.name.span;
  const OptionMap options = options_.read(declaration.options, catalog::pipeline_options(), {}, 0, 0, "the pipeline");
  const auto word = [&](std::string_view name) { return text_of(options, name, context_.facts.types); };
  const auto is_delivery = [](const ast::Option& option) { return option.name.text == "delivery"; };
  if (const OptionValue* delivery = find_option(options, "delivery")) {
    fact.delivery_span = delivery->span;
    fact.delivery = ir::word_as(word("delivery"), Delivery::ExactlyOnce);
  } else if (std::ranges::none_of(declaration.options, is_delivery)) {
    context_.error(Code::P0400, it.name.span, fmt::format("pipeline `{}` does not say what it promises", it.name.text))
        .help("`delivery = at_most_once`: positions first, then the work; a crash loses records, none has an effect twice")
        .help("`delivery = at_least_once`: positions when every effect is acknowledged; a crash repeats records, none is lost")
        .help("`delivery = exactly_once`: effects and positions become visible in one atomic step");
  }
  if (options.contains("id")) fact.id = word("id");
  fact.commit_interval = number_of(options, "commit_interval", fact.commit_interval);
  fact.commit_records = number_of(options, "commit_records", fact.commit_records);
  if (options.contains("commit_records") && fact.commit_records < 1)
    context_.error(Code::P0601, options.at("commit_records").span, "`commit_records` is at least 1");
  if (!options.contains("commit_mode")) return;
  fact.commit_mode = ir::word_as(word("commit_mode"), CommitMode::Sync);
  if (!options.contains("delivery") || fact.delivery == Delivery::AtLeastOnce) return;
  context_.error(Code::P0404, options.at("commit_mode").name_span, "`commit_mode` is for at_least_once alone")
      .secondary(fact.delivery_span, "another promise is made here")
      .help("leave it out: the other guarantees leave no choice");
}

void PipelineReader::read_policy() {
  for (const ast::Declaration& it : context_.program.modules[0].module.declarations) {
    const auto* declaration = std::get_if<ast::PipelineDecl>(&it.node);
    if (declaration != nullptr) read_policy(declaration->on_error, context_.facts.pipeline.policy);
  }
}

void PipelineReader::read_policy(const std::optional<ast::OnError>& on_error, ErrorPolicy& policy) {
  if (!on_error) return;
  const OptionMap options = options_.read(on_error->options, catalog::error_options(), {}, 0, 0, "`on error`");
  policy.retry = number_of(options, "retry", policy.retry);
  policy.pause = number_of(options, "pause", policy.pause);
  if (const OptionValue* backoff = find_option(options, "backoff")) {
    std::tie(policy.backoff_min, policy.backoff_max) = std::get<std::pair<std::int64_t, std::int64_t>>(backoff->value);
  }
  policy.give_up |= options.contains("give_up");
  if (options.contains("give_up") && options.contains("pause")) {
    context_.error(Code::P0614, options.at("pause").name_span, "it pauses or gives up, not both")
        .secondary(options.at("give_up").name_span, "gives up here");
  }
  if (const OptionValue* original = find_option(options, "original")) {
    policy.original = ir::word_as(original->text(context_.facts.types), Original::Keep);
  }
  if (const OptionValue* letter = find_option(options, "dead_letter")) read_dead_letter(*letter, policy);
}

void PipelineReader::read_dead_letter(const OptionValue& value, ErrorPolicy& policy) {
  const std::string& word = std::get<std::string>(value.value);
  policy.dead_letter_sink = kNone;
  policy.dead_letter = ir::word_as(word, DeadLetter::Sink);
  if (policy.dead_letter != DeadLetter::Sink) return;
  policy.dead_letter = DeadLetter::Stop;
  const auto words = ir::words_of(DeadLetter::Sink);
  const auto id = sinks_.find({word, value.span}, {words.begin(), words.end()});
  if (!id) return;
  policy.dead_letter = DeadLetter::Sink;
  policy.dead_letter_sink = *id;
  sinks_.feed_dead_letters(*id, value.span);
}

}  // namespace piperun::sema
