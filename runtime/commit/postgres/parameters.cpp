#include "runtime/commit/postgres/parameters.h"

#include <bit>

namespace piperun::postgres {

namespace {

// Object ids of built-in types (pg_type.dat); they never change.
std::uint32_t type_id(Wire wire) {
  switch (wire) {
    case Wire::Bool: return 16;
    case Wire::Bytes: return 17;
    case Wire::Integer: return 20;
    case Wire::Text: return 25;
    case Wire::Real: return 701;
    case Wire::Timestamp: return 1184;
  }
  return 25;
}

constexpr std::size_t kHeader = 20;  // dimensions, has nulls, element type; elements, lower bound
constexpr std::int64_t kEpoch2000 = 946'684'800'000'000;  // microseconds since 1970

void put(char* out, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<char>(value >> (24 - 8 * i));
}

}  // namespace

std::string_view sql_type(Wire wire) {
  switch (wire) {
    case Wire::Bool: return "bool";
    case Wire::Integer: return "int8";
    case Wire::Real: return "float8";
    case Wire::Text: return "text";
    case Wire::Bytes: return "bytea";
    case Wire::Timestamp: return "timestamptz";
  }
  return "text";
}

Array::Array(Wire wire) : wire_(wire), data_(kHeader, '\0') {}

void Array::clear() {
  data_.resize(kHeader);
  count_ = 0;
  has_nulls_ = false;
}

void Array::number(std::uint64_t value, int bytes) {
  char out[12];
  put(out, static_cast<std::uint32_t>(bytes));
  for (int i = 0; i < bytes; ++i) out[4 + i] = static_cast<char>(value >> (8 * (bytes - 1 - i)));
  data_.append(out, 4 + static_cast<std::size_t>(bytes));
  ++count_;
}

void Array::null() {
  data_.append(4, '\xff');
  has_nulls_ = true;
  ++count_;
}

void Array::boolean(bool value) { number(value ? 1 : 0, 1); }
void Array::integer(std::int64_t value) { number(static_cast<std::uint64_t>(value), 8); }
void Array::real(double value) { number(std::bit_cast<std::uint64_t>(value), 8); }
void Array::timestamp(std::int64_t micros) { integer(micros - kEpoch2000); }

void Array::text(std::string_view value) {
  char size[4];
  put(size, static_cast<std::uint32_t>(value.size()));
  data_.append(size, 4);
  data_.append(value);
  ++count_;
}

std::string_view Array::encoded() {
  put(data_.data(), 1);
  put(data_.data() + 4, has_nulls_ ? 1 : 0);
  put(data_.data() + 8, type_id(wire_));
  put(data_.data() + 12, static_cast<std::uint32_t>(count_));
  put(data_.data() + 16, 1);
  return data_;
}

Parameters& Parameters::text(std::string_view value) {
  values_.push_back({std::string(value), false, false});
  return *this;
}
Parameters& Parameters::integer(std::int64_t value) { return text(std::to_string(value)); }
Parameters& Parameters::bytes(const std::optional<std::string_view>& value) {
  values_.push_back({std::string(value.value_or("")), !value, true});
  return *this;
}
Parameters& Parameters::array(Array& array) {
  values_.push_back({std::string(array.encoded()), false, true});
  return *this;
}

std::string array_literal(const std::vector<std::optional<std::string>>& elements) {
  std::string result = "{";
  for (const auto& element : elements) {
    if (result.size() > 1) result += ',';
    if (!element) {
      result += "NULL";
      continue;
    }
    result += '"';
    for (const char c : *element) {
      if (c == '"' || c == '\\') result += '\\';
      result += c;
    }
    result += '"';
  }
  return result += "}";
}

std::string hex(std::string_view bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string result = "\\x";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    result += kDigits[byte >> 4];
    result += kDigits[byte & 15];
  }
  return result;
}

}  // namespace piperun::postgres
