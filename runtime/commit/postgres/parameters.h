// What goes to a server with a statement: single values, and one array per column for `unnest`, in the binary form of the protocol.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace piperun::postgres {

// How a value travels; in statements it is cast from there to what the column is.
enum class Wire : std::uint8_t { Bool, Integer, Real, Text, Bytes, Timestamp };
std::string_view sql_type(Wire wire);  // bool, int8, float8, text, bytea, timestamptz

// One array with one dimension (array_send in PostgreSQL's arrayfuncs.c).
class Array {
 public:
  explicit Array(Wire wire);

  void null();
  void boolean(bool value);
  void integer(std::int64_t value);
  void real(double value);
  void text(std::string_view value);  // and bytes
  void timestamp(std::int64_t micros);  // since 1970

  Wire wire() const { return wire_; }
  std::size_t size() const { return count_; }
  std::size_t bytes() const { return data_.size(); }
  void clear();
  std::string_view encoded();  // valid until it is changed

 private:
  void number(std::uint64_t value, int bytes);
  Wire wire_;
  std::string data_;
  std::size_t count_ = 0;
  bool has_nulls_ = false;
};

class Parameters {
 public:
  struct Value {
    std::string data;
    bool is_null = false, is_binary = false;
  };

  Parameters& text(std::string_view value);
  Parameters& integer(std::int64_t value);
  Parameters& bytes(const std::optional<std::string_view>& value);
  Parameters& array(Array& array);

  const std::vector<Value>& values() const { return values_; }

 private:
  std::vector<Value> values_;
};

// Arrays of one go, from any range.
template <typename Range, typename Get>
Array integers(const Range& range, Get get) {
  Array result(Wire::Integer);
  for (const auto& each : range) result.integer(get(each));
  return result;
}
template <typename Range, typename Get>
Array texts(const Range& range, Get get) {
  Array result(Wire::Text);
  for (const auto& each : range) result.text(get(each));
  return result;
}
template <typename Range, typename Get>
Array byte_strings(const Range& range, Get get) {
  Array result(Wire::Bytes);
  for (const auto& each : range) {
    const std::optional<std::string_view> value = get(each);
    if (value) result.text(*value);
    else result.null();
  }
  return result;
}

// `{"a",NULL}`: an array as text, for lists inside of a column.
std::string array_literal(const std::vector<std::optional<std::string>>& elements);
// `\x00ff`
std::string hex(std::string_view bytes);

}  // namespace piperun::postgres
