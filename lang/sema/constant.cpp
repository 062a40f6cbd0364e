#include "lang/sema/constant.h"

#include <fmt/format.h>

#include "lang/ast/match.h"
#include "lang/value/decimal.h"
#include "lang/value/int.h"
#include "lang/value/text.h"
#include "lang/value/time.h"

namespace piperun::sema {

using value::TypeKind;

namespace {

std::string number_text(std::int64_t number, const value::Type& type) {
  std::string out;
  if (type.kind == TypeKind::Timestamp) value::append_timestamp(out, number);
  else if (type.kind == TypeKind::Duration) value::append_duration(out, number);
  else if (type.kind == TypeKind::Enum) out = type.values[static_cast<std::size_t>(number)];
  else value::append_int(out, number);
  return out;
}

}  // namespace

std::string to_text(const Constant& constant, const value::TypeTable& types, bool bare) {
  const value::Type& type = types[constant.type];
  return ast::match(
      constant.value, [](std::monostate) { return std::string("null"); },
      [](bool b) { return std::string(b ? "true" : "false"); },
      [&](std::int64_t number) {
        return type.kind == TypeKind::Enum && !bare ? type.name + "." + number_text(number, type) : number_text(number, type);
      },
      [](double number) {
        std::string out;
        value::append_float(out, number);
        return out;
      },
      [&](value::Int128 number) {
        std::string out;
        value::append_decimal(out, number, type.scale);
        return out;
      },
      [&](const std::string& text) {
        if (bare) return text;
        std::string out;
        value::append_json_string(out, text);
        return out;
      },
      [&](const Constant::Elements& elements) {
        const bool is_record = type.kind == TypeKind::Record;
        std::string out;
        for (std::size_t i = 0; i < elements.size(); ++i) {
          if (i > 0) out += ", ";
          if (is_record) out += type.fields[i].name + " = ";
          out += to_text(elements[i], types);
        }
        return is_record ? "{ " + out + " }" : "[" + out + "]";
      },
      [&](const Constant::Entries& entries) {
        std::string out;
        for (const auto& [key, value] : entries)
          out += fmt::format("{}\"{}\" = {}", out.empty() ? "" : ", ", key, to_text(value, types));
        return "{ " + out + " }";
      });
}

}  // namespace piperun::sema
