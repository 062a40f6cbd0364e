#include "lang/sema/endpoints.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace piperun::sema {

// A delimiter never stands in a number, a time or base64, so these need no quotes.
void Endpoints::check_csv_options(const Attached& attached, bool is_csv) {
  for (const std::string_view name : {"header", "delimiter"}) {
    const OptionValue* option = find_option(attached.options, name);
    if (option != nullptr && !is_csv && !attached.has_mistake) {
      context_.error(Code::P0614, option->name_span, fmt::format("`{}` is for csv alone", name)).help("`format = csv`");
    }
  }
  const OptionValue* delimiter = find_option(attached.options, "delimiter");
  if (delimiter == nullptr || !is_csv) return;
  const std::string text = delimiter->text(context_.facts.types);
  const bool fits = text.size() == 1 && (text == "\t" || (text[0] >= ' ' && text[0] <= '~')) &&
                    std::isalnum(static_cast<unsigned char>(text[0])) == 0 &&
                    std::string_view(".:+-/=_\"").find(text[0]) == std::string_view::npos;
  if (!fits) {
    context_.error(Code::P0601, delimiter->span, "`delimiter` is one character that cannot stand in a value without quotes")
        .help("usual ones are `\",\"`, `\";\"`, `\"|\"` and `\"\\t\"`");
  }
}

Format Endpoints::format_of(const Attached& attached, TypeId type) {
  const OptionValue* option = find_option(attached.options, "format");
  const std::string name = option == nullptr ? "json" : option->text(context_.facts.types);
  check_csv_options(attached, name == "csv");
  if (name == "avro" || name == "protobuf") {
    context_.not_yet(name, option->span);
    return name == "avro" ? Format::Avro : Format::Protobuf;
  }
  if (name == "json") return Format::Json;
  const value::Type record = context_.type(type);
  if (name == "raw") {
    const bool fits = record.fields.size() == 1 && (context_.kind(record.fields[0].type) == TypeKind::String ||
                                                    context_.kind(record.fields[0].type) == TypeKind::Bytes);
    if (record.kind == TypeKind::Record && !fits) {
      context_
          .error(Code::P0615, option->span,
                 fmt::format("`raw` fills one string or bytes field, and `{}` has {}", record.name,
                             record.fields.size() == 1 ? "another one" : fmt::format("{} fields", record.fields.size())))
          .help("`type Line { text: string }`");
    }
    return Format::Raw;
  }
  for (const value::Field& field : record.fields) {
    if (!is_flat(context_.kind(field.type))) {
      context_.error(Code::P0615, option->span,
                     fmt::format("a csv column cannot hold `{}`: {}", field.name, context_.name(field.type)));
      break;
    }
  }
  return Format::Csv;
}

std::vector<int> Endpoints::key_fields(const Attached& attached, std::string_view option_name, TypeId type, std::string_view of) {
  const OptionValue* option = find_option(attached.options, option_name);
  const auto* names = option == nullptr ? nullptr : std::get_if<std::vector<std::string>>(&option->value);
  const value::Type record = context_.type(type);
  std::vector<int> fields;
  if (names == nullptr || record.kind != TypeKind::Record) return fields;
  for (const std::string& name : *names) {
    const int index = field_index(record, name);
    if (index < 0) {
      auto& found = context_.error(Code::P0205, option->span, fmt::format("`{}` has no field `{}`", record.name, name));
      if (names->size() == 1) context_.suggest(found, option->span, name, names_of(record));
      return {};
    }
    const TypeId key = record.fields[static_cast<std::size_t>(index)].type;
    if (!may_be_key(context_.kind(key))) {
      context_.error(Code::P0211, option->span,
                     fmt::format("`{}` cannot be the key of {}: it is {}", name, of, context_.name(key)));
      return {};
    }
    if (context_.is_nullable(key)) {
      context_.error(Code::P0302, option->span, fmt::format("`{}` may be null, and a key never is", name));
      return {};
    }
    fields.push_back(index);
  }
  return fields;
}

int Endpoints::event_time(const Attached& attached, TypeId type) {
  const OptionValue* option = find_option(attached.options, "event_time");
  const auto* names = option == nullptr ? nullptr : std::get_if<std::vector<std::string>>(&option->value);
  const value::Type record = context_.type(type);
  if (names == nullptr || record.kind != TypeKind::Record) return -1;
  int index = field_index(record, names->front());
  if (index < 0) {  // the name in the data is as good
    const auto& formats = context_.facts.records[type];
    const auto found = std::ranges::find(formats, names->front(), &FieldFormat::data_name);
    if (found != formats.end()) index = static_cast<int>(found - formats.begin());
  }
  if (index < 0) {
    auto& found = context_.error(Code::P0205, option->span, fmt::format("`{}` has no field `{}`", record.name, names->front()));
    context_.suggest(found, option->span, names->front(), names_of(record));
    return -1;
  }
  const TypeId field = record.fields[static_cast<std::size_t>(index)].type;
  if (field == context_.scalar(TypeKind::Timestamp)) return index;
  if (context_.is_error(field)) return -1;
  context_.error(
      Code::P0218, option->span,
      fmt::format("event time is a timestamp that is never null, and `{}` is {}", names->front(), context_.name(field)));
  return -1;
}

Endpoints::Object Endpoints::object_of(const Attached& attached, const ast::Declaration& declaration) {
  const catalog::Connector& connector = *attached.connector;
  const auto text = [&](std::string_view name) { return text_of(attached.options, name, context_.facts.types); };
  const bool has_topic = attached.options.contains("topic");
  const bool has_table = attached.options.contains("table");
  if (has_topic && has_table) {
    context_.error(Code::P0614, attached.options.at("table").name_span, "it is a topic or a table, not both")
        .secondary(attached.options.at("topic").name_span, "a topic here");
  }
  if (has_topic) return {text("topic"), true};
  if (attached.options.contains("outbox")) return {text("outbox")};
  if (connector.has_format && !connector.reads_topics) return {text("path")};
  if (connector.domain == catalog::Domain::None) return {};
  const bool is_source = std::holds_alternative<ast::SourceDecl>(declaration.node);
  if (is_source && connector.name == "embedded") return {declaration.name.text, true};
  return {has_table ? text("table") : declaration.name.text};
}

void Endpoints::read(Symbol symbol, const ast::SourceDecl& declaration) {
  const ast::Declaration& it = context_[symbol];
  SourceFact fact;
  fact.name = it.name.text;
  fact.where = it.name.span;
  fact.type = types_.record(declaration.type, "a source");
  if (const auto attached = systems_.attach(declaration.connector, it, catalog::kSource)) {
    fact.object = object_of(*attached, it).name;
    read_options(fact, *attached);
  }
  context_.enter(symbol, context_.facts.sources, std::move(fact));
}

void Endpoints::read_options(SourceFact& fact, const Attached& attached) {
  const auto text = [&](std::string_view name) { return text_of(attached.options, name, context_.facts.types); };
  fact.connection = attached.connection;
  fact.options = attached.options;
  fact.format = format_of(attached, fact.type);
  fact.extra = ir::word_as(text("extra"), ExtraFields::Ignore);
  fact.tombstone = ir::word_as(text("tombstone"), Tombstone::Fail);
  fact.key = key_fields(attached, "key", fact.type, "this source");
  key_fields(attached, "partitioned_by", fact.type, "a partition");
  check_tombstones(fact);
  if (fact.extra == ExtraFields::Keep && fact.format != Format::Json)
    context_.error(Code::P0614, fact.options.at("extra").span, "`extra = keep` is for json alone");
  fact.event_time = event_time(attached, fact.type);
  fact.start = text_of(attached.options, "start", context_.facts.types, "earliest");
  fact.stop_at = text("stop_at");
  fact.sample = text("sample");
}

void Endpoints::check_tombstones(const SourceFact& fact) {
  if (fact.tombstone != Tombstone::Delete) return;
  if (!fact.options.contains("key")) {
    context_.error(Code::P0602, fact.options.at("tombstone").span, "`tombstone = delete` needs the option `key`")
        .help("`key = id`: the field that the record's key holds");
  } else if (fact.key.size() > 1) {
    context_.error(Code::P0604, fact.options.at("key").span, "`tombstone = delete` reads one field from the message key")
        .help("give the record a field that is its key alone, or delete by one of its fields: `delete when op == \"d\"`");
  }
}

void Endpoints::read(Symbol symbol, const ast::TableDecl& declaration) {
  const ast::Declaration& it = context_[symbol];
  TableFact fact;
  fact.name = it.name.text;
  fact.where = it.name.span;
  fact.type = types_.record(declaration.type, "a table");
  if (const auto attached = systems_.attach(declaration.connector, it, catalog::kTable)) {
    fact.connection = attached->connection;
    fact.object = object_of(*attached, it).name;
    fact.key = key_fields(*attached, "key", fact.type, "this table");
    fact.format = format_of(*attached, fact.type);
    fact.cache = number_of(attached->options, "cache", 0);
    fact.sample = text_of(attached->options, "sample", context_.facts.types);
    fact.options = attached->options;
  }
  context_.enter(symbol, context_.facts.tables, std::move(fact));
}

void Endpoints::read(Symbol symbol, const ast::SinkDecl& declaration) {
  const ast::Declaration& it = context_[symbol];
  SinkFact fact;
  fact.name = it.name.text;
  fact.where = it.name.span;
  if (const auto attached = systems_.attach(declaration.connector, it, catalog::kSink)) {
    const auto word = [&](std::string_view name) { return text_of(attached->options, name, context_.facts.types); };
    const Object object = object_of(*attached, it);
    fact.connection = attached->connection;
    fact.object = object.name;
    fact.is_topic = object.is_topic;
    fact.options = attached->options;
    fact.decimals = ir::word_as(word("decimals"), DecimalForm::Number);
    fact.nulls = ir::word_as(word("nulls"), NullForm::Write);
    fact.format = format_of(*attached, {});
  }
  context_.enter(symbol, context_.facts.sinks, std::move(fact));
}

}  // namespace piperun::sema
