#include "lang/sema/sinks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lang/sema/options.h"

namespace piperun::sema {

std::optional<SinkId> Sinks::find(const ast::Name& name, const std::vector<std::string>& words) {
  if (name.text.empty()) return std::nullopt;
  const Symbol* symbol = context_.find(0, name.text);
  if (symbol == nullptr) {
    auto& found = context_.error(Code::P0200, name.span, fmt::format("there is no sink `{}`", name.text));
    std::vector<std::string> names = context_.names_of<ast::SinkDecl>(0);
    names.insert(names.end(), words.begin(), words.end());
    context_.suggest(found, name.span, name.text, names);
    if (found.helps.empty()) found.help(fmt::format("declare it: `sink {} = … {{ … }}`", name.text));
    return std::nullopt;
  }
  const ast::Declaration& declaration = context_[*symbol];
  if (std::holds_alternative<ast::SinkDecl>(declaration.node)) {
    const SinkId id = context_.id_of(*symbol);
    context_.facts.sinks[id].is_used = true;
    return id;
  }
  if (std::holds_alternative<ast::ErrorDecl>(declaration.node)) return std::nullopt;
  context_.error(Code::P0208, name.span, fmt::format("`{}` is {}, not a sink", name.text, kind_name(declaration.node)))
      .secondary(declaration.name.span, "declared here");
  return std::nullopt;
}

void Sinks::feed(SinkId id, const Flowing& flowing, Span where) {
  if (!flowing.is_known) return;
  SinkFact& sink = context_.facts.sinks[id];
  std::vector<Inflow>& inflows = inflows_[id];
  inflows.push_back({where, flowing.row.is_keyed});
  sink.takes_deletes |= flowing.row.is_keyed;
  if (inflows.size() == 1) sink.columns = flowing.row.columns;
  else join_schema(sink, flowing.row, inflows.front().where, where);
}

// What flows in at `where` has the columns that came `first`; one may be null where the other is not.
void Sinks::join_schema(SinkFact& sink, const RowSchema& row, Span first, Span where) {
  const auto differs = [&](std::string message) {
    context_.error(Code::P0217, where, fmt::format("sink `{}` has one schema, and {}", sink.name, message))
        .secondary(first, "its schema is what flows in here")
        .help("`map` both to the same fields, or write to two sinks");
  };
  for (Column& column : sink.columns) {
    const int place = row.columns.index_of(column.name);
    if (place < 0) return differs(fmt::format("here the field `{}` is missing", column.name));
    const Column& found = row.columns[place];
    if (context_.is_error(found.type) || context_.is_error(column.type)) continue;
    if (context_.base(found.type) != context_.base(column.type)) {
      return differs(
          fmt::format("`{}` is {} here, but {} there", column.name, context_.name(found.type), context_.name(column.type)));
    }
    if (context_.is_nullable(found.type)) column.type = context_.nullable(column.type);
    column.is_volatile |= found.is_volatile;
  }
  const auto surplus =
      std::ranges::find_if(row.columns, [&](const Column& column) { return !sink.columns.contains(column.name); });
  if (surplus != row.columns.end()) differs(fmt::format("`{}` is one field more", surplus->name));
}

void Sinks::feed_dead_letters(SinkId id, Span where) {
  context_.facts.sinks[id].is_dead_letter_sink = true;
  dead_letters_.try_emplace(id, where);
}

void Sinks::finish() {
  for (const auto& [id, inflows] : inflows_) {
    SinkFact& sink = context_.facts.sinks[id];
    if (const auto letters = dead_letters_.find(id); letters != dead_letters_.end()) {
      context_.error(Code::P0405, inflows.front().where, fmt::format("sink `{}` takes data or dead letters, not both", sink.name))
          .secondary(letters->second, "dead letters go there")
          .help("declare a second sink: dead letters have a schema of their own");
    } else if (sink.connection != kNone) {
      finish(id, sink);
    }
  }
  check_afters();
}

// What follows another sink does so wherever it comes from: it is relayed by one unit, in one order.
void Sinks::check_afters() {
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

void Sinks::finish(SinkId id, SinkFact& fact) {
  const bool has_key = fact.options.contains("key");
  fact.key = columns(id, fact, "key");
  read_version(id, fact);
  const std::string conflict = text_of(fact.options, "on_conflict", context_.facts.types, has_key ? "update" : "error");
  fact.on_conflict = ir::word_as(conflict, Conflict::Error);
  if (fact.on_conflict == Conflict::Update && !has_key)
    context_.error(Code::P0602, fact.options.at("on_conflict").span, "`on_conflict = update` needs a `key`");
  if (!has_key) check_deletes(id, fact);
  read_expressions(fact);
  check_format(fact);
}

void Sinks::read_version(SinkId id, SinkFact& fact) {
  const auto version = columns(id, fact, "version");
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
void Sinks::check_deletes(SinkId id, const SinkFact& fact) {
  const auto& inflows = inflows_.at(id);
  const auto keyed = std::ranges::find(inflows, true, &Inflow::is_keyed);
  if (keyed == inflows.end()) return;
  const catalog::Connector* connector = catalog::find_connector(context_.facts.connections[fact.connection].connector);
  auto& found = context_.error(Code::P0406, keyed->where,
                               fmt::format("deletes flow in here, and sink `{}` has no key to find a row by", fact.name));
  found.secondary(fact.where, "declared here");
  if (connector->deletes) found.help("give it one: `key = id`");
  else found.note(fmt::format("a `{}` cannot take anything back", connector->name));
}

void Sinks::check_format(const SinkFact& fact) {
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

// The columns that an option names; none if one of them is not there or not fit to be a key, which was reported.
std::vector<int> Sinks::columns(SinkId id, const SinkFact& fact, std::string_view option_name) {
  const OptionValue* option = find_option(fact.options, option_name);
  const auto* names = option == nullptr ? nullptr : std::get_if<std::vector<std::string>>(&option->value);
  if (names == nullptr) return {};
  std::vector<int> result;
  for (const std::string& name : *names) {
    const int place = fact.columns.index_of(name);
    if (place < 0) {
      unknown_column(id, fact, *option, name);
      return {};
    }
    if (option_name == "key" && !may_be_key_column(fact.columns[place], option->span)) return {};
    result.push_back(place);
  }
  return result;
}

void Sinks::unknown_column(SinkId id, const SinkFact& fact, const OptionValue& option, const std::string& name) {
  const std::vector<std::string> all = names_of(fact.columns);
  auto& found = context_.error(Code::P0200, option.span, fmt::format("what flows into `{}` has no field `{}`", fact.name, name));
  found.secondary(inflows_.at(id).front().where, "it flows in here");
  const bool is_alone = std::get<std::vector<std::string>>(option.value).size() == 1;
  if (is_alone) context_.suggest(found, option.span, name, all);
  if (found.helps.empty()) { found.help(fmt::format("let `{}` flow in, or name another field: {}", name, fmt::join(all, ", "))); }
}

// Reports why not.
bool Sinks::may_be_key_column(const Column& column, Span named_at) {
  const std::string& name = column.name;
  if (context_.is_nullable(column.type)) {
    context_.error(Code::P0302, named_at, fmt::format("the key of a sink is never null, but `{}` may be", name))
        .secondary(column.where, context_.name(column.type))
        .help(fmt::format("in the flow: `filter {} is not null`, or `?? …`", name));
    return false;
  }
  if (!may_be_key(context_.kind(column.type))) {
    context_.error(Code::P0211, named_at,
                   fmt::format("`{}` cannot be the key of a sink: it is {}", name, context_.name(column.type)));
    return false;
  }
  if (column.is_volatile) {
    context_.error(Code::P0212, named_at, fmt::format("`{}` cannot be the key of a sink: on a replay it may differ", name))
        .secondary(column.where, "computed from `now()` or from a look-up here");
  }
  return !column.is_volatile;
}

void Sinks::read_expressions(SinkFact& fact) {
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
