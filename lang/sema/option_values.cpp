// The values of options, by the kind that the catalog wants: constants, addresses, words, names of fields, settings.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ranges>

#include "lang/sema/options.h"
#include "lang/value/time.h"

namespace piperun::sema {

namespace {

std::string one_of(std::string_view words) {
  const auto quoted = [](const std::string& word) { return fmt::format("`{}`", word); };
  return fmt::format("{}", fmt::join(catalog::words(words) | std::views::transform(quoted), ", "));
}

bool has_password(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t at = url.find('@');
  if (scheme == std::string_view::npos || at == std::string_view::npos) return url.find("password=") != std::string_view::npos;
  const std::size_t colon = url.find(':', scheme + 3);
  return colon != std::string_view::npos && colon < at;
}

bool sounds_secret(std::string_view name) {
  return name.ends_with("password") || name.ends_with("secret") || name.ends_with("token") || name.ends_with("key.pem");
}

}  // namespace

std::nullopt_t OptionReader::wrong(ExprId id, std::string_view name, std::string_view wanted, std::string_view example) {
  const Span where = context_.program.pool[id].span;
  auto& found = context_.error(Code::P0601, where, fmt::format("`{}` is {}", name, wanted));
  if (!example.empty()) found.help(fmt::format("for example `{} = {}`", name, example));
  return std::nullopt;
}

std::optional<OptionReader::Value> OptionReader::value(const ast::Option& option, const catalog::Option& known, Scope& scope) {
  const ExprId id = option.value;
  if (std::holds_alternative<ast::ErrorExpr>(context_.program.pool[id].node)) return std::nullopt;
  const std::string& name = option.name.text;
  using enum catalog::ValueKind;
  switch (known.kind) {
    case Text: return constant(id, scope, TypeKind::String, name, "\"…\"");
    case TextOrList: {
      if (!std::holds_alternative<ast::ListLiteral>(context_.program.pool[id].node))
        return constant(id, scope, TypeKind::String, name, "\"…\"");
      const auto list = expressions_.evaluate(id, scope, context_.facts.types.list(context_.scalar(TypeKind::String)),
                                              fmt::format("`{}`", name));
      return list ? std::optional<Value>(*list) : std::nullopt;
    }
    case Address:
    case catalog::ValueKind::Secret: return address(id, scope, known);
    case Integer: {
      auto number = constant(id, scope, TypeKind::Int, name, known.fallback.empty() ? "10" : known.fallback);
      if (number && std::get<std::int64_t>(std::get<Constant>(*number).value) < 0) return wrong(id, name, "not negative", "");
      return number;
    }
    case Boolean: return constant(id, scope, TypeKind::Bool, name, "true");
    case Duration: {
      auto duration = constant(id, scope, TypeKind::Duration, name, known.fallback.empty() ? "10s" : known.fallback);
      if (duration && std::get<std::int64_t>(std::get<Constant>(*duration).value) < 0) return wrong(id, name, "not negative", "");
      return duration;
    }
    case Backoff: return backoff(id, scope, name);
    case Word: return word(id, known);
    case Position:
      if (std::holds_alternative<ast::NameRef>(context_.program.pool[id].node)) return word(id, known);
      return moment(id, scope, known, "earliest");
    case Time: return moment(id, scope, known, "2026-01-31T12:00:00Z");
    case Field:
    case Fields: return names(id, known);
    case Expression: return id;
    case Expressions: return record(id, name);
    case Settings: return settings(id, scope, name, known.words);
    case DeadLetter:
      if (const auto* ref = std::get_if<ast::NameRef>(&context_.program.pool[id].node)) return ref->name.text;
      return wrong(id, name, "`keep`, `skip`, `stop`, or the name of a sink", "keep");
  }
  return std::nullopt;
}

std::optional<OptionReader::Value> OptionReader::constant(ExprId id, Scope& scope, TypeKind kind, std::string_view name,
                                                          std::string_view example) {
  const auto* ref = std::get_if<ast::NameRef>(&context_.program.pool[id].node);
  const Symbol* symbol = ref == nullptr ? nullptr : context_.find(scope.module, ref->name.text);
  if (ref != nullptr && (symbol == nullptr || !std::holds_alternative<ast::ConstDecl>(context_[*symbol].node))) {
    if (kind == TypeKind::String) {
      context_.error(Code::P0601, ref->name.span, fmt::format("`{}` is a string", name))
          .help("a string stands in quotes", ref->name.span, fmt::format("\"{}\"", ref->name.text));
      return std::nullopt;
    }
    return wrong(id, name, kind == TypeKind::Bool ? "`true` or `false`" : "a value", example);
  }
  const TypeId type = expressions_.check(id, scope, context_.scalar(kind));
  if (context_.is_error(type)) return std::nullopt;
  const ExprFact& fact = expressions_.fact(id);
  const auto value =
      fact.constant == kNone ? std::nullopt : adapted(context_, context_.facts.constants[fact.constant], context_.scalar(kind));
  if (value) return *value;
  if (fact.constant == kNone && type == context_.scalar(kind)) {
    context_.error(Code::P0215, context_.program.pool[id].span, fmt::format("`{}` must be known before the first record", name));
    return std::nullopt;
  }
  constexpr std::pair<TypeKind, std::string_view> kWanted[] = {
      {TypeKind::String, "a string"},     {TypeKind::Int, "a whole number"},    {TypeKind::Bool, "`true` or `false`"},
      {TypeKind::Duration, "a duration"}, {TypeKind::Timestamp, "a timestamp"},
  };
  const auto* wanted = std::ranges::find(kWanted, kind, &std::pair<TypeKind, std::string_view>::first);
  return wrong(id, name, fmt::format("{}, not {}", wanted->second, context_.name(type)), example);
}

std::optional<Secret> OptionReader::secret(ExprId id) const {
  const auto* call = std::get_if<ast::Call>(&context_.program.pool[id].node);
  if (call == nullptr || call->arguments.size() != 1) return std::nullopt;
  const auto* name = std::get_if<ast::NameRef>(&context_.program.pool[call->callee].node);
  const auto* variable = std::get_if<ast::StringLiteral>(&context_.program.pool[call->arguments[0].value].node);
  if (name == nullptr || name->name.text != "secret" || variable == nullptr) return std::nullopt;
  return Secret{variable->text};
}

// A secret, or a text that holds no password.
std::optional<OptionReader::Value> OptionReader::address(ExprId id, Scope& scope, const catalog::Option& known) {
  if (const auto found = secret(id)) return *found;
  if (std::holds_alternative<ast::ParamRef>(context_.program.pool[id].node)) {
    expressions_.infer(id, scope);
    if (const auto* ref = std::get_if<SecretRef>(&expressions_.fact(id).names)) return *context_.facts.params[ref->param].secret;
  }
  auto text = constant(id, scope, TypeKind::String, known.name, "secret(\"X\")");
  if (!text) return std::nullopt;
  if (!has_password(std::get<std::string>(std::get<Constant>(*text).value))) return text;
  context_.error(Code::P0605, context_.program.pool[id].span, "a password stands in the program")
      .help("write `secret(\"NAME\")`, and put it into the variable NAME or the file that NAME_FILE names");
  return std::nullopt;
}

std::optional<OptionReader::Value> OptionReader::word(ExprId id, const catalog::Option& known) {
  const auto* ref = std::get_if<ast::NameRef>(&context_.program.pool[id].node);
  const Span span = context_.program.pool[id].span;
  const std::vector<std::string> words = catalog::words(known.words);
  const auto* text = std::get_if<ast::StringLiteral>(&context_.program.pool[id].node);
  const std::string given = ref != nullptr ? ref->name.text : text != nullptr ? text->text : "";
  if (ref != nullptr && std::ranges::find(words, given) != words.end()) return given;
  auto& found = context_.error(Code::P0613, span,
                               fmt::format("`{}` is {} {}", known.name, words.size() > 1 ? "one of" : "", one_of(known.words)));
  if (words.size() == 1) found.message(fmt::format("`{}` is {}", known.name, one_of(known.words)));
  if (text != nullptr && std::ranges::find(words, given) != words.end()) found.help("without quotes: it is a word", span, given);
  else context_.suggest(found, span, given, words);
  return std::nullopt;
}

// A timestamp; or what stands in a string that comes from outside, where a word of the option has no other form.
std::optional<OptionReader::Value> OptionReader::moment(ExprId id, Scope& scope, const catalog::Option& known,
                                                        std::string_view example) {
  const ast::ExprNode& node = context_.program.pool[id].node;
  const std::vector<std::string> words = catalog::words(known.words);
  if (const auto* text = std::get_if<ast::StringLiteral>(&node);
      text != nullptr && std::ranges::find(words, text->text) != words.end())
    return word(id, known);
  const bool is_given = std::holds_alternative<ast::Call>(node) || std::holds_alternative<ast::ParamRef>(node);
  if (!is_given || expressions_.infer(id, scope) != context_.scalar(TypeKind::String))
    return constant(id, scope, TypeKind::Timestamp, known.name, example);
  const auto given = constant(id, scope, TypeKind::String, known.name, example);
  if (!given) return std::nullopt;
  const std::string& text = std::get<std::string>(std::get<Constant>(*given).value);
  if (std::ranges::find(words, text) != words.end()) return text;
  if (const auto time = value::parse_timestamp(text)) return Constant{context_.scalar(TypeKind::Timestamp), *time};
  const std::string wanted = words.empty() ? "a timestamp" : fmt::format("one of {}, or a timestamp", one_of(known.words));
  return wrong(id, known.name, fmt::format("{}, and here it is \"{}\"", wanted, text), example);
}

std::optional<OptionReader::Value> OptionReader::backoff(ExprId id, Scope& scope, std::string_view name) {
  const auto* range = std::get_if<ast::Range>(&context_.program.pool[id].node);
  if (range == nullptr) return wrong(id, name, "a range: the first and the longest wait", "200ms..30s");
  const auto low = constant(range->low, scope, TypeKind::Duration, name, "200ms..30s");
  const auto high = constant(range->high, scope, TypeKind::Duration, name, "200ms..30s");
  if (!low || !high) return std::nullopt;
  const auto micros = [](const Value& side) { return std::get<std::int64_t>(std::get<Constant>(side).value); };
  if (micros(*low) < 0 || micros(*high) < micros(*low))
    return wrong(id, name, "a range from a shorter to a longer wait", "200ms..30s");
  return std::pair{micros(*low), micros(*high)};
}

std::optional<OptionReader::Value> OptionReader::names(ExprId id, const catalog::Option& known) {
  std::vector<ExprId> parts{id};
  if (const auto* list = std::get_if<ast::ListLiteral>(&context_.program.pool[id].node)) parts = list->elements;
  if (known.kind == catalog::ValueKind::Field && (parts.size() != 1 || parts[0] != id))
    return wrong(id, known.name, "the name of one field", "");
  std::vector<std::string> result;
  for (const ExprId part : parts) {
    const ast::ExprNode& node = context_.program.pool[part].node;
    if (const auto* ref = std::get_if<ast::NameRef>(&node)) result.push_back(ref->name.text);
    else if (const auto* text = std::get_if<ast::StringLiteral>(&node)) result.push_back(text->text);
    else return wrong(part, known.name, "the name of a field, or a list of them", "id");
  }
  if (result.empty()) return wrong(id, known.name, "at least one field", "id");
  return result;
}

std::optional<OptionReader::Value> OptionReader::record(ExprId id, std::string_view name) {
  const auto* literal = std::get_if<ast::RecordLiteral>(&context_.program.pool[id].node);
  if (literal == nullptr) return wrong(id, name, "a record of expressions", "{ \"type\" = kind }");
  OptionMap result;
  for (const ast::Entry& entry : literal->entries) {
    result[entry.name.text] = {entry.value, entry.name.span, context_.program.pool[entry.value].span};
  }
  return result;
}

// `names`: that may stand there; "": any.
std::optional<OptionReader::Value> OptionReader::settings(ExprId id, Scope& scope, std::string_view name,
                                                          std::string_view names) {
  const auto* literal = std::get_if<ast::RecordLiteral>(&context_.program.pool[id].node);
  if (literal == nullptr) return wrong(id, name, "a record", "{ \"fetch.min.bytes\" = \"1\" }");
  const std::vector<std::string> known = catalog::words(names);
  OptionMap result;
  for (const ast::Entry& entry : literal->entries) {
    const Span span = context_.program.pool[entry.value].span;
    if (!known.empty() && std::ranges::count(known, entry.name.text) == 0) {
      auto& found = context_.error(Code::P0600, entry.name.span, fmt::format("`{}` has no `{}`", name, entry.name.text));
      context_.suggest(found, entry.name.span, entry.name.text, known);
      if (found.helps.empty()) found.note(fmt::format("it has {}", fmt::join(known, ", ")));
      continue;
    }
    std::optional<Value> read;
    if (const auto found = secret(entry.value)) {
      read = *found;
    } else if (std::holds_alternative<ast::RecordLiteral>(context_.program.pool[entry.value].node)) {
      read = settings(entry.value, scope, entry.name.text, {});
    } else if (const auto* word = std::get_if<ast::NameRef>(&context_.program.pool[entry.value].node);
               word != nullptr && context_.find(scope.module, word->name.text) == nullptr) {
      read = word->name.text;
    } else if (const auto constant_value = expressions_.evaluate(entry.value, scope, {}, fmt::format("`{}`", entry.name.text))) {
      if (sounds_secret(entry.name.text)) {
        context_.error(Code::P0605, span, fmt::format("`{}` takes only a secret", entry.name.text))
            .help("write `secret(\"NAME\")`, and put it into the variable NAME or the file that NAME_FILE names");
        continue;
      }
      read = *constant_value;
    }
    if (read) result[entry.name.text] = {std::move(*read), entry.name.span, span};
  }
  return result;
}

}  // namespace piperun::sema
