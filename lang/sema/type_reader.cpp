#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lang/ast/match.h"
#include "lang/sema/types.h"

namespace piperun::sema {

namespace {

constexpr std::size_t kMostFields = 10'000;

constexpr std::pair<std::string_view, std::string_view> kOtherLanguages[] = {
    {"int", "int64"},          {"integer", "int64"},
    {"long", "int64"},         {"int32", "int64"},
    {"float", "float64"},      {"double", "float64"},
    {"text", "string"},        {"str", "string"},
    {"boolean", "bool"},       {"varchar", "string"},
    {"datetime", "timestamp"}, {"numeric", "decimal(12, 2)"},
    {"number", "float64"},     {"uuid", "string"},
    {"array", "list<…>"},      {"time", "timestamp"},
    {"date", "timestamp"},     {"money", "decimal(12, 2)"},
    {"bigint", "int64"},       {"smallint", "int64"},
    {"int8", "int64"},         {"real", "float64"},
    {"char", "string"},        {"timestamptz", "timestamp"},
    {"jsonb", "json"},         {"bool", "bool"},
    {"string", "string"},      {"decimal", "decimal(12, 2)"},
};

// Whatever the case of its letters; digits in brackets are a decimal's. "": it is called so nowhere.
std::string here_called(const ast::TypeExpr& type) {
  std::string name = type.name.parts.front().text;
  std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c; });
  const auto* other = std::ranges::find(kOtherLanguages, name, &std::pair<std::string_view, std::string_view>::first);
  if (other == std::end(kOtherLanguages)) return "";
  const auto& digits = type.parameters;
  if (!other->second.starts_with("decimal") || digits.empty() || digits.size() > 2) return std::string(other->second);
  return fmt::format("decimal({}, {})", digits[0].text, digits.size() == 2 ? digits[1].text : "0");
}

std::optional<int> number(const ast::Name& name) {
  int value = 0;
  const char* end = name.text.data() + name.text.size();
  const auto [stop, error] = std::from_chars(name.text.data(), end, value);
  return error == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
}

}  // namespace

TypeId TypeReader::read(ast::TypeExprId id, std::uint32_t module) {
  TimeUnit unit = TimeUnit::Rfc3339;
  const TypeId type = read(id, module, &unit);
  if (unit != TimeUnit::Rfc3339) {
    context_.error(Code::P0214, context_.program.pool[id].span, "a timestamp has a unit only as the field of a declared type")
        .help("write `timestamp`: the unit says how the data writes it, inside it is a point in time");
  }
  return type;
}

TypeId TypeReader::read(ast::TypeExprId id, std::uint32_t module, TimeUnit* unit) {
  if (!id) return {};
  const ast::TypeExpr& type = context_.program.pool[id];
  if (type.name.parts.empty() || type.name.parts.front().text.empty()) return {};
  if (type.name.parts.size() == 1 && type.name.parts[0].text == "timestamp" && type.parameters.size() == 1) {
    const ast::Name& word = type.parameters[0];
    *unit = ir::word_as(word.text, TimeUnit::Rfc3339);
    if (*unit == TimeUnit::Rfc3339) {
      context_.error(Code::P0214, word.span, fmt::format("`{}` is no unit of time for this", word.text))
          .help("units are `s`, `ms` and `us`; without one the text is RFC 3339");
      return {};
    }
    const TypeId scalar = context_.scalar(TypeKind::Timestamp);
    return type.nullable ? context_.nullable(scalar) : scalar;
  }
  const TypeId read = read_named(type, module);
  return type.nullable ? context_.nullable(read) : read;
}

TypeId TypeReader::read_named(const ast::TypeExpr& type, std::uint32_t module) {
  const std::string& name = type.name.parts.front().text;
  const bool is_plain = type.name.parts.size() == 1;
  if (is_plain && name == "decimal") return read_decimal(type);
  if (is_plain && (name == "list" || name == "map")) return read_collection(type, module);
  const auto scalar = is_plain ? scalar_named(name) : std::nullopt;
  const bool is_known = scalar || !is_plain || context_.find(module, name) != nullptr;
  if (is_known && (!type.parameters.empty() || !type.arguments.empty())) {
    context_.error(Code::P0214, type.span, fmt::format("`{}` takes nothing in brackets", name));
    return {};
  }
  if (scalar) return context_.scalar(*scalar);
  if (!is_known) {
    unknown_type(type, module);
    return {};
  }
  const Symbol* symbol = context_.find(module, type.name, Code::P0202, "type");
  return symbol == nullptr ? TypeId{} : declared(*symbol, type.span);
}

TypeId TypeReader::read_collection(const ast::TypeExpr& type, std::uint32_t module) {
  const std::string& name = type.name.parts.front().text;
  const bool is_list = name == "list";
  if (type.arguments.size() != (is_list ? 1 : 2)) {
    const char* wanted = is_list ? "the type of its elements: `list<string>`" : "two types: `map<string, int64>`";
    context_.error(Code::P0214, type.span, fmt::format("`{}` needs {}", name, wanted));
    return {};
  }
  const TypeId element = read(type.arguments.back(), module);
  if (is_list) return context_.is_error(element) ? element : context_.facts.types.list(element);
  const TypeId key = read(type.arguments.front(), module);
  if (!context_.is_error(key) && key != context_.scalar(TypeKind::String)) {
    context_.error(Code::P0214, context_.program.pool[type.arguments.front()].span, "the keys of a map are strings");
  }
  return context_.is_error(element) ? element : context_.facts.types.map(element);
}

void TypeReader::unknown_type(const ast::TypeExpr& type, std::uint32_t module) {
  const std::string& name = type.name.parts.front().text;
  auto& found = context_.error(Code::P0202, type.span, fmt::format("unknown type `{}`", name));
  if (const std::string other = here_called(type); !other.empty()) {
    found.help(fmt::format("here it is called `{}`", other), type.span, other + (type.nullable ? "?" : ""));
    return;
  }
  std::vector<std::string> names = context_.names_of<ast::TypeDecl>(module);
  std::ranges::move(context_.names_of<ast::EnumDecl>(module), std::back_inserter(names));
  std::ranges::move(scalar_names(), std::back_inserter(names));
  names.insert(names.end(), {"decimal", "list", "map"});
  context_.suggest(found, type.span, name, names);
}

TypeId TypeReader::read_decimal(const ast::TypeExpr& type) {
  if (type.parameters.size() == 2) {
    const auto precision = number(type.parameters[0]);
    const auto scale = number(type.parameters[1]);
    if (precision && scale && *precision >= 1 && *precision <= value::kMaxPrecision && *scale >= 0 && *scale <= *precision) {
      return context_.facts.types.decimal(*precision, *scale);
    }
  }
  context_.error(Code::P0214, type.span, "`decimal` needs its digits: all of them, and those behind the point")
      .help("`decimal(12, 2)` holds 9999999999.99; at most 38 digits");
  return {};
}

TypeId TypeReader::declared(Symbol symbol, Span used_at) {
  if (const auto found = done_.find(symbol); found != done_.end()) return found->second;
  const ast::Declaration& declaration = context_[symbol];
  const TypeId type = ast::match(
      declaration.node, [&](const ast::TypeDecl& decl) { return read_record(symbol, decl, used_at); },
      [&](const ast::EnumDecl& decl) {
        value::Type made{};
        made.kind = TypeKind::Enum;
        made.name = declaration.name.text;
        std::set<std::string_view> names;
        for (const ast::Name& each : decl.values) {
          if (names.insert(each.text).second) made.values.push_back(each.text);
          else context_.error(Code::P0201, each.span, fmt::format("`{}` is listed twice", each.text));
        }
        return context_.facts.types.intern(std::move(made));
      },
      [&](const ast::ErrorDecl&) { return TypeId{}; },
      [&](const auto&) {
        context_
            .error(Code::P0208, used_at,
                   fmt::format("`{}` is {}, not a type", declaration.name.text, kind_name(declaration.node)))
            .secondary(declaration.name.span, "declared here");
        return TypeId{};
      });
  const bool is_type =
      std::holds_alternative<ast::TypeDecl>(declaration.node) || std::holds_alternative<ast::EnumDecl>(declaration.node);
  if (is_type) done_[symbol] = type;
  return type;
}

TypeId TypeReader::read_record(Symbol symbol, const ast::TypeDecl& declaration, Span used_at) {
  const ast::Name& name = context_[symbol].name;
  if (declaration.schema) {
    context_.not_yet("schema", declaration.schema->span);
    return {};
  }
  if (std::ranges::find(open_, symbol) != open_.end()) {
    context_.error(Code::P0210, used_at, fmt::format("type `{}` contains itself", name.text))
        .secondary(name.span, "declared here")
        .help("data of any depth is `json`");
    return {};
  }
  open_.push_back(symbol);
  std::vector<value::Field> fields;
  std::vector<FieldFormat> formats;
  std::set<std::string_view> names;
  for (const ast::TypeField& field : declaration.fields) {
    FieldFormat format;
    const TypeId type = read(field.type, symbol.module, &format.time);
    if (!names.insert(field.name.text).second) {
      context_.error(Code::P0201, field.name.span, fmt::format("`{}` has two fields `{}`", name.text, field.name.text));
      continue;
    }
    format.data_name = field.from ? field.from->text : field.name.text;
    fields.push_back({field.name.text, type});
    formats.push_back(std::move(format));
  }
  open_.pop_back();
  const std::size_t width = width_of(fields);
  if (width > kMostFields) {
    context_.error(Code::P0231, name.span,
                   fmt::format("`{}` has more than {} fields with those of its inner types", name.text, kMostFields));
    return {};
  }
  const std::string& module = context_.program.modules[symbol.module].name;
  const TypeId type = context_.facts.types.record(module.empty() ? name.text : module + "." + name.text, std::move(fields));
  context_.facts.records[type] = std::move(formats);
  widths_[context_.facts.types[type].name] = width;
  return type;
}

std::size_t TypeReader::width_of(const std::vector<value::Field>& fields) const {
  std::size_t width = fields.size();
  for (const value::Field& field : fields) {
    TypeId type = field.type;
    while (context_.facts.types[type].element != TypeId{}) type = context_.facts.types[type].element;
    const auto inner = widths_.find(context_.facts.types[type].name);
    if (inner != widths_.end()) width += inner->second;
  }
  return width;
}

TypeId TypeReader::record(ast::TypeExprId id, std::string_view what) {
  const TypeId type = read(id, 0);
  if (context_.is_error(type)) return type;
  if (context_.kind(type) == TypeKind::Record && !context_.is_nullable(type)) return type;
  context_
      .error(Code::P0203, context_.program.pool[id].span,
             fmt::format("the records of {} are of a declared `type`, not {}", what, context_.name(type)))
      .help("`type Line { text: string }` with `format = raw` reads plain lines");
  return {};
}

}  // namespace piperun::sema
