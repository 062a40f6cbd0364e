// The little JSON that manifests need: objects, lists, strings, whole numbers.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace piperun::plan {

struct JsonValue {
  using Object = std::map<std::string, JsonValue>;
  using List = std::vector<JsonValue>;
  std::variant<std::int64_t, std::string, List, Object> value;

  // A member of that type; the type's empty value if it is not there.
  std::string text(const std::string& member) const;
  std::int64_t number(const std::string& member) const;
  List list(const std::string& member) const;
};

// nullopt: not such JSON, or deeper than 16.
std::optional<JsonValue> read_json(std::string_view text);
std::string quote_json(std::string_view text);

}  // namespace piperun::plan
