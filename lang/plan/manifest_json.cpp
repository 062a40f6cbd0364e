#include "lang/plan/manifest_json.h"

#include <charconv>

#include <fmt/format.h>

namespace piperun::plan {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  std::optional<JsonValue> document() {
    auto value = any(0);
    blanks();
    return rest_.empty() ? value : std::nullopt;
  }

 private:
  void blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size())); }

  bool take(char sign) {
    blanks();
    if (!rest_.starts_with(sign)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::optional<JsonValue> any(int depth) {
    if (depth > 16) return std::nullopt;
    if (take('{')) return object(depth);
    if (take('[')) return list(depth);
    if (take('"')) {
      auto text = string();
      return text ? std::optional(JsonValue{*text}) : std::nullopt;
    }
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    if (error != std::errc{}) return std::nullopt;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return JsonValue{number};
  }

  std::optional<JsonValue> object(int depth) {
    JsonValue::Object members;
    if (take('}')) return JsonValue{members};
    do {
      if (!take('"')) return std::nullopt;
      const auto name = string();
      if (!name || !take(':')) return std::nullopt;
      auto value = any(depth + 1);
      if (!value) return std::nullopt;
      members.emplace(*name, std::move(*value));
    } while (take(','));
    return take('}') ? std::optional(JsonValue{std::move(members)}) : std::nullopt;
  }

  std::optional<JsonValue> list(int depth) {
    JsonValue::List items;
    if (take(']')) return JsonValue{items};
    do {
      auto value = any(depth + 1);
      if (!value) return std::nullopt;
      items.push_back(std::move(*value));
    } while (take(','));
    return take(']') ? std::optional(JsonValue{std::move(items)}) : std::nullopt;
  }

  // Behind the opening quote. Only the escapes that quote_json writes.
  std::optional<std::string> string() {
    std::string text;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return text;
      if (c != '\\') {
        text += c;
        continue;
      }
      if (rest_.empty()) return std::nullopt;
      const char escape = rest_.front();
      rest_.remove_prefix(1);
      if (escape == '"' || escape == '\\' || escape == '/') {
        text += escape;
      } else if (escape == 'u' && rest_.size() >= 4) {
        unsigned code = 0;
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + 4, code, 16);
        if (error != std::errc{} || end != rest_.data() + 4 || code > 0x7f) return std::nullopt;
        text += static_cast<char>(code);
        rest_.remove_prefix(4);
      } else {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  std::string_view rest_;
};

template <typename T>
T member(const JsonValue& json, const std::string& name) {
  const auto* object = std::get_if<JsonValue::Object>(&json.value);
  if (!object) return {};
  const auto found = object->find(name);
  const T* value = found == object->end() ? nullptr : std::get_if<T>(&found->second.value);
  return value ? *value : T{};
}

}  // namespace

std::string JsonValue::text(const std::string& name) const { return member<std::string>(*this, name); }
std::int64_t JsonValue::number(const std::string& name) const { return member<std::int64_t>(*this, name); }
JsonValue::List JsonValue::list(const std::string& name) const { return member<List>(*this, name); }

std::optional<JsonValue> read_json(std::string_view text) { return Reader(text).document(); }

std::string quote_json(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace piperun::plan
