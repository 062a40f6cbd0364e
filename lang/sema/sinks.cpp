// Sinks: one schema from all that flows in, keys, and the expressions of their options.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lang/sema/analysis.h"

namespace piperun::sema {

void Analysis::feed(SinkId id, const Flowing& flowing, Span where) {
  SinkFact& sink_fact = context_.facts.sinks[id];
  const bool is_first = !inflows_.contains(id);
  if (!flowing.is_known) {
    if (is_first) sink_fact.is_used = true;
    return;
  }
  inflows_[id].push_back({where, flowing.row.is_keyed});
  sink_fact.takes_deletes |= flowing.row.is_keyed;
  if (is_first) {
    sink_fact.columns = flowing.row.columns;
    return;
  }
  const Span first = inflows_[id].front().where;
  const auto differs = [&](std::string message) {
    context_.error(Code::P0217, where, fmt::format("sink `{}` has one schema, and {}", sink_fact.name, message))
        .secondary(first, "its schema is what flows in here")
        .help("`map` both to the same fields, or write to two sinks");
  };
  for (Column& column : sink_fact.columns) {
    const int place = flowing.row.columns.index_of(column.name);
    if (place < 0) return differs(fmt::format("here the field `{}` is missing", column.name));
    const Column& found = flowing.row.columns[place];
    if (context_.is_error(found.type) || context_.is_error(column.type)) continue;
    if (context_.base(found.type) != context_.base(column.type)) {
      return differs(
          fmt::format("`{}` is {} here, but {} there", column.name, context_.name(found.type), context_.name(column.type)));
    }
    if (context_.is_nullable(found.type)) column.type = context_.nullable(column.type);
    column.is_volatile |= found.is_volatile;
  }
  for (const Column& column : flowing.row.columns) {
    if (sink_fact.columns.contains(column.name)) continue;
    return differs(fmt::format("`{}` is one field more", column.name));
  }
}

void Analysis::finish_sinks() {
  for (SinkId id = 0; id < context_.facts.sinks.size(); ++id) {
    SinkFact& fact = context_.facts.sinks[id];
    const auto letters = dead_letter_uses_.find(id);
    if (letters != dead_letter_uses_.end() && inflows_.contains(id)) {
      context_
          .error(Code::P0405, inflows_[id].front().where,
                 fmt::format("sink `{}` takes data or dead letters, not both", fact.name))
          .secondary(letters->second, "dead letters go there")
          .help("declare a second sink: dead letters have a schema of their own");
      continue;
    }
    if (inflows_.contains(id) && fact.connection != kNone) finish_sink(fact);
  }
  check_afters();
}

// What follows another sink does so wherever it comes from: it is relayed by one unit, in one order.
void Analysis::check_afters() {
  std::map<SinkId, SinkId> afters;
  const auto note = [&](SinkId id, SinkId after) {
    if (id == kNone) return;
    const auto [first, is_new] = afters.try_emplace(id, after);
    if (is_new || first->second == after) return;
    first->second = after;
    const SinkFact& fact = context_.facts.sinks[id];
    context_
        .error(Code::P0614, fact.where,
               fmt::format("`{}` is written after another sink in one place, and otherwise elsewhere", fact.name))
        .help("write the same `to … after …` wherever the sink stands, or declare two sinks");
  };
  for (const FlowFact& flow : context_.facts.flows) {
    for (const StageFact& stage : flow.stages) {
      if (const auto* to = std::get_if<ToFact>(&stage.detail)) note(to->sink, to->after);
      const auto* route = std::get_if<RouteFact>(&stage.detail);
      for (const SinkId id : route == nullptr ? std::vector<SinkId>() : route->sinks) note(id, kNone);
    }
  }
}

void Analysis::finish_sink(SinkFact& fact) {
  fact.key = sink_columns(fact, "key", true);
  read_version(fact);
  const bool has_key = fact.options.contains("key");
  const std::string conflict = text_of(fact.options, "on_conflict", context_.facts.types, has_key ? "update" : "error");
  fact.on_conflict = ir::word_as(conflict, Conflict::Error);
  if (fact.on_conflict == Conflict::Update && !has_key)
    context_.error(Code::P0602, fact.options.at("on_conflict").span, "`on_conflict = update` needs a `key`");
  if (!has_key) check_deletes(fact);
  sink_expressions(fact);
  check_format(fact);
}

void Analysis::read_version(SinkFact& fact) {
  const auto version = sink_columns(fact, "version", false);
  if (version.empty()) return;
  fact.version = version.front();
  const TypeId type = fact.columns[fact.version].type;
  if (!is_ordered(context_.kind(type)) || context_.is_nullable(type)) {
    context_.error(Code::P0211, fact.options.at("version").span,
                   fmt::format("`version` needs an order and no null, and this is {}", context_.name(type)));
  }
  if (fact.options.contains("key")) return;
  context_.error(Code::P0602, fact.options.at("version").name_span,
                 "`version` compares rows with the same key: `key` is missing");
}

// Of a sink without a key.
void Analysis::check_deletes(const SinkFact& fact) {
  const auto& inflows = inflows_[ids_.at(*context_.find(0, fact.name))];
  const auto keyed = std::ranges::find(inflows, true, &Inflow::is_keyed);
  if (keyed == inflows.end()) return;
  const catalog::Connector* connector = catalog::find_connector(context_.facts.connections[fact.connection].connector);
  auto& found = context_.error(Code::P0406, keyed->where,
                               fmt::format("deletes flow in here, and sink `{}` has no key to find a row by", fact.name));
  found.secondary(fact.where, "declared here");
  if (connector->deletes) found.help("give it one: `key = id`");
  else found.note(fmt::format("a `{}` cannot take anything back", connector->name));
}

void Analysis::check_format(const SinkFact& fact) {
  const auto kind_of = [&](const Column& column) { return context_.kind(column.type); };
  if (fact.format == Format::Raw && !fact.payload) {
    const bool fits =
        fact.columns.size() == 1 && (kind_of(fact.columns[0]) == TypeKind::String || kind_of(fact.columns[0]) == TypeKind::Bytes);
    if (fits) return;
    context_
        .error(Code::P0615, fact.options.at("format").span, "`raw` writes one string or bytes field, and the record has others")
        .help("`map { text = … }` before, or the option `value = …`");
  }
  if (fact.format != Format::Csv) return;
  for (const Column& column : fact.columns) {
    if (is_flat(kind_of(column))) continue;
    context_
        .error(Code::P0615, fact.options.at("format").span,
               fmt::format("a csv column cannot hold `{}`: {}", column.name, context_.name(column.type)))
        .help("`map` it to plain fields before");
    return;
  }
}

std::vector<int> Analysis::sink_columns(const SinkFact& fact, std::string_view option_name, bool is_key) {
  const OptionValue* option = find_option(fact.options, option_name);
  const auto* names = option == nullptr ? nullptr : std::get_if<std::vector<std::string>>(&option->value);
  std::vector<int> result;
  if (names == nullptr) return result;
  for (const std::string& name : *names) {
    const int place = fact.columns.index_of(name);
    if (place < 0) {
      auto& report =
          context_.error(Code::P0200, option->span, fmt::format("what flows into `{}` has no field `{}`", fact.name, name));
      report.secondary(inflows_[ids_.at(*context_.find(0, fact.name))].front().where, "it flows in here");
      std::vector<std::string> all;
      for (const Column& column : fact.columns) all.push_back(column.name);
      if (names->size() == 1) context_.suggest(report, option->span, name, all);
      if (report.helps.empty()) {
        report.help(fmt::format("let `{}` flow in, or name another field: {}", name, fmt::join(all, ", ")));
      }
      return {};
    }
    const Column& found = fact.columns[place];
    if (is_key && context_.is_nullable(found.type)) {
      context_.error(Code::P0302, option->span, fmt::format("the key of a sink is never null, but `{}` may be", name))
          .secondary(found.where, context_.name(found.type))
          .help(fmt::format("in the flow: `filter {} is not null`, or `?? …`", name));
      return {};
    }
    if (is_key && !may_be_key(context_.kind(found.type))) {
      context_.error(Code::P0211, option->span,
                     fmt::format("`{}` cannot be the key of a sink: it is {}", name, context_.name(found.type)));
      return {};
    }
    if (is_key && found.is_volatile) {
      context_.error(Code::P0212, option->span, fmt::format("`{}` cannot be the key of a sink: on a replay it may differ", name))
          .secondary(found.where, "computed from `now()` or from a look-up here");
      return {};
    }
    result.push_back(place);
  }
  return result;
}

void Analysis::sink_expressions(SinkFact& fact) {
  RowSchema row;
  row.columns = fact.columns;
  Scope scope{.row = &row};
  const TypeId string = context_.scalar(TypeKind::String);
  const auto expression = [&](std::string_view name) -> ExprId {
    const OptionValue* option = find_option(fact.options, name);
    const auto* id = option == nullptr ? nullptr : std::get_if<ExprId>(&option->value);
    return id == nullptr ? ExprId{} : *id;
  };
  if (const OptionValue* headers = find_option(fact.options, "headers")) {
    for (const auto& [name, header] : std::get<OptionMap>(headers->value)) {
      const ExprId id = std::get<ExprId>(header.value);
      if (expressions_.check_as(id, scope, string, fmt::format("the header `{}`", name))) fact.headers.emplace_back(name, id);
    }
  }
  if (const ExprId id = expression("value")) {
    const TypeId type = expressions_.check(id, scope);
    if (type == context_.scalar(TypeKind::Bytes) || expressions_.coerce(id, string, "the value")) fact.payload = id;
  }
  if (const ExprId id = expression("idempotency_key"); id && expressions_.check_as(id, scope, string, "`idempotency_key`")) {
    fact.idempotency_key = id;
    if (expressions_.fact(id).is_volatile) {
      context_.error(Code::P0212, context_.program.pool[id].span,
                     "`idempotency_key` may differ on a replay, so it would not be recognised");
    }
  }
}

}  // namespace piperun::sema
