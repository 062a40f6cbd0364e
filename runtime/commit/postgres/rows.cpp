#include "runtime/commit/postgres/rows.h"

#include <charconv>
#include <pqxx/pqxx>

namespace piperun::postgres {
namespace {

int digit(char c) { return c >= 'a' ? c - 'a' + 10 : c - '0'; }

}  // namespace

Rows::Rows(std::unique_ptr<pqxx::result> result)
    : result_(std::move(result)),
      size_(static_cast<std::size_t>(result_->size())),
      changed_(static_cast<std::int64_t>(result_->affected_rows())) {}
Rows::Rows(Rows&&) noexcept = default;
Rows& Rows::operator=(Rows&&) noexcept = default;
Rows::~Rows() = default;

int Rows::columns() const { return static_cast<int>(result_->columns()); }
std::string Rows::column_name(int column) const { return result_->column_name(column); }
bool Rows::is_null(std::size_t row, int column) const {
  return (*result_)[static_cast<pqxx::result::size_type>(row)][column].is_null();
}
std::string_view Rows::view(std::size_t row, int column) const {
  return (*result_)[static_cast<pqxx::result::size_type>(row)][column].view();
}

std::int64_t Rows::integer(std::size_t row, int column) const {
  const std::string_view text = view(row, column);
  std::int64_t result = 0;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

std::string Rows::bytes(std::size_t row, int column) const {
  std::string_view text = view(row, column);
  std::string result;
  if (!text.starts_with("\\x")) return result;
  text.remove_prefix(2);
  result.reserve(text.size() / 2);
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    result += static_cast<char>((digit(text[i]) << 4) | digit(text[i + 1]));
  }
  return result;
}

std::optional<std::string> Rows::optional_bytes(std::size_t row, int column) const {
  if (is_null(row, column)) return std::nullopt;
  return bytes(row, column);
}

}  // namespace piperun::postgres
